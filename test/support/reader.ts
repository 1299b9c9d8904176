/**
 * What a reader of our documents does: `npm start` in one terminal, and the shell blocks, in order, in another. Everything
 * happens on the servers of the test run, under a prefix and in a schema of its own.
 *
 * A block says behind ` ```sh ` how it is run: `run=stack` beside a running `npm start`, and so on; or why it cannot be:
 * `not="needs a cluster"`.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '@inator/testkit';
import { root } from './root.ts';
import { openWorld, sharedServers, type World } from './world.ts';

export interface Block {
  readonly text: string;
  /** The line of the document on which it begins, from 1. */
  readonly line: number;
  /** What stands behind `sh`, by name: `run`, `not`, `profile`. */
  readonly marks: Readonly<Record<string, string>>;
}

export function shellBlocks(document: string): Block[] {
  const source = readFileSync(join(root, document), 'utf8');
  return [...source.matchAll(/^```(?:sh|bash|shell|console)\b([^\n]*)\n([\s\S]*?)^```$/gm)].map((found) => ({
    text: found[2] ?? '',
    line: source.slice(0, found.index).split('\n').length,
    marks: Object.fromEntries(
      [...(found[1] ?? '').matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g)].map(([, name = '', quoted, plain]) => [
        name,
        quoted ?? plain ?? '',
      ]),
    ),
  }));
}

/** One terminal, open from the first block to the last: what a block exports is there for those after it. */
export interface Terminal {
  /** Runs a block as it stands and returns what it printed; throws with all of it when a command fails. */
  run(text: string): Promise<string>;
  close(): Promise<void>;
}

export interface Reader {
  readonly world: World;
  /** `npm start` until it says that it runs; returns what it printed. */
  start(block: string): Promise<string>;
  /** Ctrl-C in the terminal of `npm start`; returns its exit code. */
  interrupt(): Promise<number | null>;
  /** One block in a terminal of its own. */
  shell(text: string, more?: NodeJS.ProcessEnv): string;
  terminal(): Terminal;
  close(): Promise<void>;
}

/** A cold `npm start` publishes 8,000 records and waits for both stores. */
const startMs = 110_000;
const stopMs = 40_000;
const blockMs = 100_000;

export async function openReader(): Promise<Reader> {
  const world = await openWorld();
  await world.emptyGraph();
  const { rabbitmq, postgres, neo4j } = sharedServers();
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    RABBITMQ_URL: rabbitmq,
    POSTGRES_URL: postgres,
    NEO4J_URI: neo4j?.uri,
    NEO4J_USERNAME: neo4j?.username,
    NEO4J_PASSWORD: neo4j?.password,
    // The blocks speak of the defaults; here they must not meet what other tests leave.
    RABBITMQ_EXCHANGE_PREFIX: world.prefix,
    POSTGRES_SCHEMA: world.schema,
    PGOPTIONS: `-c search_path=${world.schema}`,
    NODE_OPTIONS: '',
  };
  let started: ChildProcess | undefined;
  const terminals: Terminal[] = [];

  const reader: Reader = {
    world,
    async start(block) {
      let output = '';
      const child = spawn('bash', ['-c', `exec ${block}`], {
        cwd: root,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      started = child;
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (chunk: string) => {
          output += chunk;
        });
      await until(
        () => {
          if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${output}`);
          return output.includes('running until Ctrl-C');
        },
        () => output,
        startMs,
      );
      return output;
    },
    async interrupt() {
      const child = started;
      if (child?.pid === undefined) return null;
      // As a terminal gives it: to the whole group, because npm itself passes nothing on.
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGINT');
      await until(() => child.exitCode !== null || child.signalCode !== null, 'npm start ends after Ctrl-C', stopMs);
      return child.exitCode;
    },
    shell(text, more = {}) {
      const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', text], {
        cwd: root,
        env: { ...env, ...more },
        encoding: 'utf8',
        timeout: blockMs,
      });
      if (status !== 0) throw new Error(`status ${status} of\n${text}\n${stdout}${stderr}`);
      return stdout;
    },
    terminal() {
      const opened = openTerminal(env);
      terminals.push(opened);
      return opened;
    },
    async close() {
      for (const one of terminals) await one.close();
      await reader.interrupt();
      await world.close();
    },
  };
  return reader;
}

const endMark = 'inator: the block is over';

function openTerminal(env: NodeJS.ProcessEnv): Terminal {
  const child = spawn('bash', ['-uo', 'pipefail'], { cwd: root, env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  return {
    async run(text) {
      output = '';
      // `set -e` in a function of its own would not hold for what it calls: the shell itself ends, and that is noticed.
      child.stdin.write(`set -e\n${text}\nset +e\nprintf '\\n%s\\n' '${endMark}'\n`);
      await until(
        () => {
          if (child.exitCode !== null || child.signalCode !== null)
            throw new Error(`a command failed with status ${child.exitCode} in\n${text}\n${output}`);
          return output.includes(endMark);
        },
        () => `the end of\n${text}\n${output}`,
        blockMs,
      );
      return output.slice(0, output.indexOf(endMark));
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      process.kill(-child.pid, 'SIGKILL');
      await until(() => child.exitCode !== null || child.signalCode !== null, 'the terminal is closed', stopMs);
    },
  };
}
