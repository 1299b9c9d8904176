/** Processes that a run starts, and stops by their id whatever happens. */
import { type ChildProcess, spawn } from 'node:child_process';

export interface Child {
  readonly pid: number;
  /** Resolves with how it ended: `status 1`, `signal SIGKILL`. */
  readonly exited: Promise<string>;
  /** Lines of its standard output, from now on. */
  onLine(listener: (line: string) => void): void;
  /** SIGTERM, after a while SIGKILL; resolves when it is gone. */
  stop(): Promise<void>;
}

export interface ChildOptions {
  readonly cwd?: string;
  /** A process group of its own, stopped as a whole: for commands that start others. */
  readonly group?: boolean;
}

/** A drain takes up to `DRAIN_TIMEOUT`, 20 s. */
const graceMs = 30_000;

export function startChild(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  { cwd, group = false }: ChildOptions = {},
): Child {
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: group,
    ...(cwd === undefined ? {} : { cwd }),
  });
  const listeners: ((line: string) => void)[] = [];
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) for (const listener of listeners) listener(line);
  });
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (status, signal) => resolve(signal === null ? `status ${status}` : `signal ${signal}`));
  });
  return {
    pid: child.pid ?? 0,
    exited,
    onLine: (listener) => void listeners.push(listener),
    async stop() {
      signalTo(child, group, 'SIGTERM');
      const forced = setTimeout(() => signalTo(child, group, 'SIGKILL'), graceMs);
      await exited;
      clearTimeout(forced);
      // Whoever started others may have ended before them.
      if (group) signalTo(child, group, 'SIGKILL');
    },
  };
}

function signalTo(child: ChildProcess, group: boolean, signal: NodeJS.Signals): void {
  if (child.pid === undefined || (!group && (child.exitCode !== null || child.signalCode !== null))) return;
  try {
    process.kill(group ? -child.pid : child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
