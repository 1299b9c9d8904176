/** The two services as child processes of `start`: each with a health port and a log file of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { delay } from '@inator/runtime';
import { CliError } from '../exit.ts';
import type { Environment } from '../io.ts';
import { repositoryRoot } from '../repository.ts';
import { readService, type ServiceState } from '../servers/lanes.ts';

export type ServiceName = 'tableinator' | 'graphinator';

export interface RunningService {
  readonly name: ServiceName;
  /** Of its admin server: health, metrics, lanes. */
  readonly url: string;
  readonly log: string;
  /** Resolves when it is ready; rejects when it ends first, or `signal` aborts, or it takes too long. */
  ready(signal: AbortSignal): Promise<void>;
  state(): Promise<ServiceState>;
  /** Rejects, with the end of its log, when the process ends without having been asked to. Never resolves. */
  readonly died: Promise<never>;
  /** SIGTERM, and SIGKILL after the drain deadline. Idempotent. */
  stop(): Promise<void>;
}

/** The ports of the contract; taken ones are replaced by free ones. */
const usualPorts: Readonly<Record<ServiceName, number>> = { graphinator: 8001, tableinator: 8002 };
/** A service that cannot get ready in this time has a reason, and its log tells it. */
const readyMs = 120_000;
/** Longer than the services' own deadline to drain. */
const stopMs = 40_000;
const logTailLines = 8;

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '0.0.0.0', () => probe.close(() => resolve(true)));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** The usual port where it is free, else any; `taken` is told which could not be had. */
export async function choosePort(name: ServiceName, taken: (port: number) => void): Promise<number> {
  const usual = usualPorts[name];
  if (await isFree(usual)) return usual;
  taken(usual);
  return freePort();
}

function tailOf(log: string): string {
  const text = existsSync(log) ? readFileSync(log, 'utf8').trimEnd() : '';
  return text.split('\n').slice(-logTailLines).join('\n');
}

export interface ServiceOptions {
  readonly name: ServiceName;
  /** Everything it is configured by, besides the port. */
  readonly env: Environment;
  readonly port: number;
  /** Folder of its log file, which is written anew. */
  readonly logs: string;
}

export function startService({ name, env, port, logs }: ServiceOptions): RunningService {
  const program = join(repositoryRoot(), 'services', name, 'dist', 'main.js');
  if (!existsSync(program)) throw new CliError(`${name} is not built`, { next: 'npm run build' });
  mkdirSync(logs, { recursive: true });
  const log = join(logs, `${name}.log`);
  const file = openSync(log, 'w');
  const child: ChildProcess = spawn(process.execPath, [program], {
    stdio: ['ignore', file, file],
    env: { ...env, HEALTH_PORT: String(port) },
  });
  closeSync(file);
  const url = `http://127.0.0.1:${port}`;
  let stopping = false;

  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const died = ended.then(
    (how) =>
      new Promise<never>((_, reject) => {
        if (!stopping) reject(new CliError(`${name} ended (${how}):\n${tailOf(log)}`, { next: `its log: ${log}` }));
      }),
  );
  // Whoever waits for it hears of it; nobody waiting must not end this process.
  died.catch(() => undefined);

  async function becomeReady(signal: AbortSignal): Promise<void> {
    const until = performance.now() + readyMs;
    let why = 'it does not answer';
    while (!signal.aborted) {
      const reading = await readService(url);
      if (reading.is === 'up' && reading.state.ready) return;
      if (reading.is === 'up') why = reading.state.reasons.join('; ');
      if (performance.now() > until) {
        throw new CliError(`${name} is not ready after ${readyMs / 1000} s: ${why}`, { next: `its log: ${log}` });
      }
      await delay(200, signal);
    }
  }

  return {
    name,
    url,
    log,
    died,
    ready: (signal) => Promise.race([becomeReady(signal), died]),
    async state() {
      const reading = await readService(url);
      if (reading.is === 'down') throw new CliError(`${name} does not answer at ${url}: ${reading.why}`);
      return reading.state;
    },
    async stop() {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), stopMs);
      await ended;
      clearTimeout(force);
    },
  };
}
