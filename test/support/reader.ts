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
import type { Readable } from 'node:stream';
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
  // A block of a list stands indented, and so does every line of it.
  return [...source.matchAll(/^( *)```(?:sh|bash|shell|console)\b([^\n]*)\n([\s\S]*?)^\1```$/gm)].map((found) => ({
    text: (found[3] ?? '').replaceAll(new RegExp(`^${found[1] ?? ''}`, 'gm'), ''),
    line: source.slice(0, found.index).split('\n').length,
    marks: Object.fromEntries(
      [...(found[2] ?? '').matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g)].map(([, name = '', quoted, plain]) => [
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
  /** Ctrl-C in the terminal of `npm start`; returns all that it printed when it is over. */
  interrupt(): Promise<string>;
  /** One block in a terminal of its own. */
  shell(text: string, more?: NodeJS.ProcessEnv): string;
  terminal(): Terminal;
  close(): Promise<void>;
}

/** `npm start` publishes 8,000 records and waits for both stores: ten seconds, and minutes where others have the machine. */
export const startMs = 240_000;
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
  /** What `npm start` printed. */
  let output = '';
  const terminals: Terminal[] = [];

  const reader: Reader = {
    world,
    async start(block) {
      // Tried once more, it must not meet the one before.
      await reader.interrupt();
      output = '';
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
      // What it says to do where the usual ports are taken, as they may be beside other tests.
      env.INATOR_URLS = /INATOR_URLS=(\S+)/.exec(output)?.[1] ?? env.INATOR_URLS;
      return output;
    },
    async interrupt() {
      const child = started;
      if (child?.pid === undefined) return output;
      // As a terminal gives it: to the whole group, because npm itself passes nothing on.
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGINT');
      await until(() => child.exitCode !== null || child.signalCode !== null, 'npm start ends after Ctrl-C', stopMs);
      return output;
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

/** A shell for each block, so that one that fails can be tried again; what it exports is handed on, as in one terminal. */
function openTerminal(env: NodeJS.ProcessEnv): Terminal {
  let exported = env;
  let running: ChildProcess | undefined;
  return {
    async run(text) {
      const child = spawn('bash', ['-euo', 'pipefail', '-c', `${text}\nenv -0 >&3`], {
        cwd: root,
        env: exported,
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
        detached: true,
      });
      running = child;
      let output = '';
      let after = '';
      const keep = (chunk: string): void => {
        output += chunk;
      };
      const [, out, err, variables] = child.stdio as unknown as readonly [null, Readable, Readable, Readable];
      for (const stream of [out, err]) stream.setEncoding('utf8').on('data', keep);
      variables.setEncoding('utf8').on('data', (chunk: string) => {
        after += chunk;
      });
      let isOver = false;
      child.once('close', () => {
        isOver = true;
      });
      await until(
        () => isOver,
        () => `the end of\n${text}\n${output}`,
        blockMs,
      );
      if (child.exitCode !== 0) throw new Error(`status ${child.exitCode} of\n${text}\n${output}`);
      exported = Object.fromEntries(
        after.split('\0').flatMap((line) => {
          const [, name, value] = /^([^=]+)=([\s\S]*)$/.exec(line) ?? [];
          return name === undefined ? [] : [[name, value]];
        }),
      );
      return output;
    },
    async close() {
      const child = running;
      if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      process.kill(-child.pid, 'SIGKILL');
      await until(() => child.exitCode !== null || child.signalCode !== null, 'the terminal is closed', stopMs);
    },
  };
}
