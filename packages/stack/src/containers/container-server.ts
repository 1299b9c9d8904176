/** A server as a container of this machine's engine, with the same handle as a local one. */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ContainerRuntimeClient, WaitStrategy } from 'testcontainers';
import { rememberedPorts } from '../local/ports.ts';
import { writeRecord } from '../local/record.ts';
import { startWatchdog } from '../local/watchdog.ts';
import { defaultStartTimeoutMs, type Server, type ServerKind, type ServerOptions, StackError } from '../server.ts';
import { until } from '../wait.ts';
import { type Engine, engine, ensureImage } from './engine.ts';
import { followLog, lastLines } from './logs.ts';
import { type ContainerRecipe, containerRecipes } from './recipes.ts';

type Container = ReturnType<ContainerRuntimeClient['container']['getById']>;

/** Neo4j takes ten seconds to stop in order; Docker's own default is ten. */
const stopSeconds = 60;

/**
 * Starts the server as a container that publishes fixed ports on 127.0.0.1, or starts the one made for this `dir` before.
 * An ephemeral one is watched over by testcontainers' reaper and goes, with its data, when this process does; any other
 * is kept with its data and found again by its name. Rejects with `no-containers` where there is no engine or no image.
 */
export async function startContainer(kind: ServerKind, options: ServerOptions): Promise<Server> {
  const { report = () => {}, startTimeoutMs = defaultStartTimeoutMs, name = kind } = options;
  const reached = await engine();
  const dir = resolve(options.dir);
  const recipe = containerRecipes[kind](options);
  await ensureImage(reached, recipe.image, report);
  const containerName = nameFor(kind, dir);
  const purposes = Object.keys(recipe.inside) as string[];
  const before = await find(reached, containerName);
  const attached = before?.running ?? false;
  const ports = before?.ports(recipe) ?? (await rememberedPorts(dir, purposes, options.port));
  writeRecord(dir, { ports });
  // The reaper takes the container; the folder that remembers its ports is for this one.
  const watchdog = options.ephemeral ? startWatchdog([dir]) : undefined;
  let queue: Promise<unknown> = Promise.resolve();
  let pid: number | undefined;
  let container = before?.container;
  let unfollow: (() => void) | undefined;

  function inTurn<T>(operation: () => Promise<T>): Promise<T> {
    const result = queue.then(operation);
    queue = result.catch(() => {});
    return result;
  }

  async function waitUntilItAnswers(running: Container): Promise<void> {
    let state = await running.inspect().then((found) => found.State);
    const answered = await until(
      async () => {
        state = (await running.inspect()).State;
        return !state.Running || (await recipe.answers(ports));
      },
      { timeoutMs: startTimeoutMs, everyMs: 200 },
    );
    pid = state.Running ? state.Pid : undefined;
    if (answered && state.Running) return;
    const how = state.Running ? `did not answer within ${startTimeoutMs} ms` : `ended with ${state.ExitCode}`;
    const log = await lastLines(running, 15);
    throw new StackError(
      'start-failed',
      'server',
      `${kind}: the container ${containerName} ${how}. Its log ends:\n${log}`,
    );
  }

  async function start(): Promise<void> {
    const from = performance.now();
    const fromMs = Date.now();
    if (container === undefined) container = await create(reached, { recipe, ports, containerName, options });
    else await goOn(container);
    // What goes with this process leaves no container to ask afterwards; any other keeps its log itself.
    unfollow?.();
    if (options.ephemeral) unfollow = await followLog(container, join(dir, `${kind}.log`), fromMs);
    await waitUntilItAnswers(container);
    const seconds = ((performance.now() - from) / 1000).toFixed(1);
    report(`${kind}: answers on 127.0.0.1:${ports.main} after ${seconds} s, in the container ${containerName}`);
  }

  async function stop(): Promise<void> {
    const state = (await container?.inspect())?.State;
    if (state?.Paused) await container?.unpause();
    if (state?.Running) await container?.stop({ t: stopSeconds });
    pid = undefined;
  }

  const server: Server = {
    kind,
    name,
    runs: 'container',
    env: recipe.env(ports),
    url: recipe.url(ports),
    port: ports.main as number,
    dir,
    attached,
    pid: () => pid,
    start: () => inTurn(start),
    stop: () => inTurn(stop),
    kill: () =>
      inTurn(async () => {
        const state = (await container?.inspect())?.State;
        if (state?.Paused) await container?.unpause();
        if (state?.Running) await container?.kill();
        await container?.wait();
        pid = undefined;
      }),
    restart: () =>
      inTurn(async () => {
        await stop();
        await start();
      }),
    pause: () => inTurn(async () => void (await container?.pause())),
    resume: () => inTurn(async () => void (await container?.unpause())),
    async run(tool, args) {
      if (container === undefined) throw new StackError('tool-failed', 'operator', `${kind} is not running`);
      const { stdout, stderr, exitCode } = await reached.client.container.exec(container, [tool, ...args]);
      if (exitCode === 0) return { stdout, stderr };
      throw new StackError('tool-failed', 'server', `${tool} ${args.join(' ')} ended with ${exitCode}:\n${stderr}`);
    },
    remove: () =>
      inTurn(async () => {
        unfollow?.();
        await container?.remove({ force: true, v: true });
        container = undefined;
        pid = undefined;
        rmSync(dir, { recursive: true, force: true });
        watchdog?.dismiss();
      }),
  };
  try {
    await server.start();
  } catch (error) {
    if (!attached) await (options.ephemeral ? server.remove() : server.stop()).catch(() => {});
    throw error;
  }
  return server;
}

async function goOn(container: Container): Promise<void> {
  const { Running: running, Paused: paused } = (await container.inspect()).State;
  if (paused) await container.unpause();
  else if (!running) await container.start();
}

/** Stops what `startContainer` has started for `dir`, from whatever process; resolves with whether it was running. */
export async function stopContainer(kind: ServerKind, dir: string, purge: boolean): Promise<boolean> {
  const found = await find(await engine(), nameFor(kind, resolve(dir)));
  if (found?.running) await found.container.stop({ t: stopSeconds });
  if (purge) {
    await found?.container.remove({ force: true, v: true });
    rmSync(dir, { recursive: true, force: true });
  }
  return found?.running ?? false;
}

const noWaiting: WaitStrategy = {
  waitUntilReady: async () => {},
  withStartupTimeout: () => noWaiting,
  isStartupTimeoutSet: () => true,
  getStartupTimeout: () => 0,
};

/** The name by which the container of a folder is found again. */
function nameFor(kind: ServerKind, dir: string): string {
  return `inator-${kind}-${createHash('sha256').update(dir).digest('hex').slice(0, 12)}`;
}

interface Found {
  readonly container: Container;
  readonly running: boolean;
  /** Its published ports, undefined when it publishes others than the recipe needs. */
  ports(recipe: ContainerRecipe): Record<string, number> | undefined;
}

async function find({ client }: Engine, containerName: string): Promise<Found | undefined> {
  const container = client.container.getById(containerName);
  const details = await container.inspect().catch((error: { statusCode?: number }) => {
    if (error.statusCode === 404) return undefined;
    throw error;
  });
  if (details === undefined) return undefined;
  const bindings = details.HostConfig.PortBindings as Record<string, { HostPort: string }[]>;
  return {
    container,
    running: details.State.Running,
    ports(recipe) {
      const found = Object.entries(recipe.inside).map(([purpose, inside]): [string, number] => [
        purpose,
        Number(bindings[`${inside}/tcp`]?.[0]?.HostPort),
      ]);
      return found.every(([, port]) => port > 0) ? Object.fromEntries(found) : undefined;
    },
  };
}

async function create(
  { testcontainers, client }: Engine,
  wanted: {
    readonly recipe: ContainerRecipe;
    readonly ports: Readonly<Record<string, number>>;
    readonly containerName: string;
    readonly options: ServerOptions;
  },
): Promise<Container> {
  const { recipe, ports, containerName, options } = wanted;
  /** testcontainers publishes on every address of the machine; these servers have passwords that everybody knows. */
  class LoopbackContainer extends testcontainers.GenericContainer {
    protected override async beforeContainerCreated(): Promise<void> {
      const bindings = this.hostConfig.PortBindings as Record<string, { HostIp?: string }[]>;
      for (const binding of Object.values(bindings).flat()) binding.HostIp = '127.0.0.1';
    }
  }
  const generic = new LoopbackContainer(recipe.image)
    .withName(containerName)
    .withExposedPorts(
      ...Object.entries(recipe.inside).map(([purpose, inside]) => ({
        container: inside,
        host: ports[purpose] as number,
      })),
    )
    .withEnvironment({ ...recipe.environment })
    .withSharedMemorySize(256 * 1024 * 1024)
    .withAutoCleanup(options.ephemeral ?? false)
    // Answering is ours to judge, from outside, as for every other server of the stack.
    .withWaitStrategy(noWaiting);
  if (recipe.command.length > 0) generic.withCommand([...recipe.command]);
  if (recipe.files.length > 0) generic.withCopyContentToContainer([...recipe.files]);
  const started = await generic.start();
  return client.container.getById(started.getId());
}
