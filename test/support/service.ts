/** A service under test: the real process, from dist, configured by its environment alone. */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '@inator/testkit/hurt';
import { root } from './root.ts';

export type ServiceName = 'tableinator' | 'graphinator';

export interface RunningService {
  readonly name: ServiceName;
  readonly pid: number;
  /** Where its health and metrics are. */
  readonly url: string;
  /** Every line it has written. */
  readonly lines: readonly string[];
  readonly exited: Promise<number | null>;
  readonly exitCode: number | null | undefined;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>;
  get<T>(path: string): Promise<{ readonly status: number; readonly body: T }>;
}

/** A process that ends is noticed at once; one that starts on a machine with ten others may take half a minute. */
const listensMs = 120_000;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface StartOptions {
  /** A file that its lines are appended to as well, for reading after the tests have failed. */
  readonly logFile?: string;
}

/** Starts a service and waits until it listens; it may still be waiting for its servers. */
export async function startService(
  name: ServiceName,
  env: Readonly<Record<string, string>>,
  { logFile }: StartOptions = {},
): Promise<RunningService> {
  const child = spawn(process.execPath, [join(root, 'services', name, 'dist/main.js')], {
    env: {
      PATH: process.env.PATH ?? '',
      NODE_ENV: 'test',
      HEALTH_PORT: '0',
      HEALTH_HOST: '127.0.0.1',
      LOG_FORMAT: 'json',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      if (logFile !== undefined) appendFileSync(logFile, chunk);
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
    });
  }
  let exitCode: number | null | undefined;
  const exited = new Promise<number | null>((resolve) => {
    child.on('exit', (code) => {
      exitCode = code;
      running.delete(child);
      resolve(code);
    });
  });
  const port = await until(
    () => {
      if (exitCode !== undefined)
        throw new Error(`${name} ended with ${exitCode} before it listened:\n${lines.join('\n')}`);
      return listening(lines);
    },
    `${name} listens`,
    listensMs,
  );
  const url = `http://127.0.0.1:${port}`;
  return {
    name,
    pid: child.pid ?? -1,
    url,
    lines,
    exited,
    get exitCode() {
      return exitCode;
    },
    kill: (signal) => void child.kill(signal),
    async stop() {
      if (exitCode === undefined) child.kill('SIGTERM');
      return exited;
    },
    async get<T>(path: string) {
      const response = await fetch(url + path, { signal: AbortSignal.timeout(10_000) });
      return { status: response.status, body: (await response.json()) as T };
    },
  };
}

/** The port that the log says the admin server listens on. */
function listening(lines: readonly string[]): number | undefined {
  for (const line of lines) {
    const text = / Health and metrics are served host=\S+ port=(\d+)$/.exec(line);
    if (text !== null) return Number(text[1]);
    if (!line.includes('"event":"admin.listening"')) continue;
    return (JSON.parse(line) as { readonly port: number }).port;
  }
  return undefined;
}
