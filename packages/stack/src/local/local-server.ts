/** A server as processes of this machine: one recipe per kind, and the handle that starts, hurts and stops it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  defaultStartTimeoutMs,
  type Server,
  type ServerKind,
  type ServerOptions,
  StackError,
  type ToolResult,
} from '../server.ts';
import { until } from '../wait.ts';
import { freezeTree, isAlive, startToken, thawTree } from './processes.ts';
import { readRecord, runningPid, writeRecord } from './record.ts';
import { killServer, stopTree } from './stopping.ts';
import { tail } from './tool.ts';
import { startWatchdog } from './watchdog.ts';

export interface LaunchSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly uid?: number;
  readonly gid?: number;
}

/** What one kind of server needs that the others do not. */
export interface Recipe {
  readonly kind: ServerKind;
  readonly name: string;
  /** Folder of the record and the log. */
  readonly dir: string;
  /** Folders to delete with the server, `dir` among them. */
  readonly dataDirs: readonly string[];
  readonly ports: Readonly<Record<string, number>>;
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  /** Makes what the first start needs. Idempotent, and safe to be interrupted. */
  prepare(): Promise<void>;
  launch(): LaunchSpec | Promise<LaunchSpec>;
  /** True when the server answers as its clients expect it to. Asked again and again; must not throw. */
  answers(pid: number): Promise<boolean>;
  runTool(tool: string, args: readonly string[]): Promise<ToolResult>;
  /** Ends what was started besides the server. */
  cleanUp?(): Promise<void>;
}

type Options = Pick<ServerOptions, 'ownedByParent' | 'ephemeral' | 'startTimeoutMs' | 'report'>;

/** Makes the handle and starts the server; or takes over one that runs already from the same folder. */
export async function startLocalServer(recipe: Recipe, options: Options): Promise<Server> {
  const { startTimeoutMs = defaultStartTimeoutMs, report = () => {} } = options;
  const logFile = join(recipe.dir, `${recipe.kind}.log`);
  const remembered = { ports: recipe.ports, dataDirs: recipe.dataDirs };
  let child: ChildProcess | undefined;
  let pid = runningPid(readRecord(recipe.dir));
  const attached = pid !== undefined;
  const watchdog =
    options.ownedByParent && !attached ? startWatchdog(options.ephemeral ? recipe.dataDirs : []) : undefined;
  let queue: Promise<unknown> = Promise.resolve();

  /** One operation at a time, in the order they were asked for. */
  function inTurn<T>(operation: () => Promise<T>): Promise<T> {
    const result = queue.then(operation);
    queue = result.catch(() => {});
    return result;
  }

  function current(): number | undefined {
    if (pid !== undefined && !isAlive(pid)) pid = undefined;
    return pid;
  }

  function ended(): void {
    pid = undefined;
    child = undefined;
    watchdog?.forget();
    writeRecord(recipe.dir, remembered);
  }

  async function launch(): Promise<number> {
    mkdirSync(recipe.dir, { recursive: true });
    await recipe.prepare();
    const spec = await recipe.launch();
    const log = openSync(logFile, 'a');
    const started = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: { ...spec.env },
      // A group of its own: Ctrl-C in the terminal must not reach the server before its services have drained.
      detached: true,
      stdio: ['ignore', log, log],
      ...(spec.uid === undefined ? {} : { uid: spec.uid }),
      ...(spec.gid === undefined ? {} : { gid: spec.gid }),
    });
    closeSync(log);
    await new Promise<void>((resolve, reject) => {
      started.once('spawn', resolve);
      started.once('error', (cause) =>
        reject(
          new StackError('start-failed', 'operator', `${recipe.kind}: cannot run ${spec.command}: ${cause.message}`, {
            cause,
          }),
        ),
      );
    });
    const id = started.pid as number;
    started.unref();
    started.once('exit', () => {
      if (pid === id) watchdog?.forget();
    });
    child = started;
    pid = id;
    watchdog?.watch(id);
    const token = startToken(id);
    writeRecord(recipe.dir, { ...remembered, pid: id, ...(token === undefined ? {} : { token }) });
    return id;
  }

  async function waitUntilItAnswers(id: number): Promise<void> {
    let gone = false;
    const answered = await until(
      async () => {
        gone = !isAlive(id);
        return gone || (await recipe.answers(id));
      },
      { timeoutMs: startTimeoutMs, everyMs: 100 },
    );
    if (answered && !gone) return;
    const how = gone
      ? `ended before it answered (${child?.exitCode ?? child?.signalCode ?? 'exit status unknown'})`
      : `did not answer on 127.0.0.1:${recipe.ports.main} within ${startTimeoutMs} ms`;
    if (!attached) await forceDown(id);
    throw new StackError('start-failed', 'server', `${recipe.kind} ${how}. Its log, ${logFile}, ends:\n${logTail()}`);
  }

  function logTail(): string {
    try {
      return tail(readFileSync(logFile, 'utf8'), 15);
    } catch {
      return '(no log)';
    }
  }

  async function start(): Promise<void> {
    if (current() !== undefined) return;
    const from = performance.now();
    await waitUntilItAnswers(await launch());
    const seconds = ((performance.now() - from) / 1000).toFixed(1);
    report(`${recipe.kind}: answers on 127.0.0.1:${recipe.ports.main} after ${seconds} s`);
  }

  async function stop(): Promise<void> {
    const id = current();
    if (id !== undefined) {
      if ((await stopTree(recipe.kind, id)) === 'killed') report(`${recipe.kind}: did not stop in order, killed`);
      ended();
    }
    await recipe.cleanUp?.();
  }

  async function forceDown(id: number): Promise<void> {
    await killServer(recipe.kind, id);
    ended();
  }

  const server: Server = {
    kind: recipe.kind,
    name: recipe.name,
    runs: 'local',
    env: recipe.env,
    url: recipe.url,
    port: recipe.ports.main as number,
    dir: recipe.dir,
    attached,
    pid: current,
    start: () => inTurn(start),
    stop: () => inTurn(stop),
    kill: () =>
      inTurn(async () => {
        const id = current();
        if (id !== undefined) await forceDown(id);
      }),
    restart: () =>
      inTurn(async () => {
        await stop();
        await start();
      }),
    pause: () =>
      inTurn(async () => {
        const id = current();
        if (id !== undefined) await freezeTree(id);
      }),
    resume: () =>
      inTurn(async () => {
        const id = current();
        if (id !== undefined) thawTree(id);
      }),
    run: (tool, args) => recipe.runTool(tool, args),
    remove: () =>
      inTurn(async () => {
        const id = current();
        // What an orderly end takes seconds to write is deleted in the next line. PostgreSQL ends at once either way, and
        // killed it would leave its shared memory behind.
        if (options.ephemeral && recipe.kind !== 'postgres' && id !== undefined) await forceDown(id);
        await stop();
        for (const dir of recipe.dataDirs) rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
        watchdog?.dismiss();
      }),
  };

  try {
    if (pid === undefined) await server.start();
    else {
      thawTree(pid);
      await waitUntilItAnswers(pid);
      report(`${recipe.kind}: is running already on 127.0.0.1:${server.port}`);
    }
  } catch (error) {
    await recipe.cleanUp?.().catch(() => {});
    watchdog?.dismiss();
    throw error;
  }
  return server;
}
