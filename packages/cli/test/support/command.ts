/** The command under test: in this process with a world of its own, or as the real process from `dist`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { run } from '../../src/program.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: Uint8Array | string;
  /** Called once with what a Ctrl-C would call. */
  readonly interrupts?: (interrupt: () => void) => void;
}

/** Runs a command line in this process to its end. */
export async function inator(args: readonly string[], given: Given = {}): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  const stdin = given.stdin === undefined ? [] : [Buffer.from(given.stdin)];
  const code = await run(args, {
    stdin: Readable.from(stdin, { objectMode: false }),
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    env: given.env ?? {},
    cwd: process.cwd(),
    onInterrupt(listener) {
      given.interrupts?.(listener);
      return () => undefined;
    },
  });
  return { code, stdout, stderr };
}

export interface Spawned {
  readonly process: ChildProcess;
  readonly ended: Promise<Ran>;
}

/** Starts the real command. Needs `npx tsc -b packages/cli`, which `npm test` does. */
export function spawnInator(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  given: { readonly cwd?: string; readonly stdin?: string } = {},
): Spawned {
  const bin = fileURLToPath(new URL('../../bin/inator.js', import.meta.url));
  const child = spawn(process.execPath, [bin, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...env },
    ...(given.cwd === undefined ? {} : { cwd: given.cwd }),
  });
  child.stdin.end(given.stdin ?? '');
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const ended = once(child, 'close').then(([code]) => ({ code: Number(code ?? -1), stdout, stderr }));
  return { process: child, ended };
}

/** The object on the last line of stdout. */
export function lastJson(ran: Ran): Record<string, unknown> {
  return JSON.parse(ran.stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
}
