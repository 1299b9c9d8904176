/** One process at a time, across processes: a file that names its holder. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { StackError } from '../server.ts';
import { until } from '../wait.ts';
import { startToken } from './processes.ts';

/**
 * Runs `work` while holding the lock `file`. A lock whose holder has died is taken over. `onWait` is called once when
 * somebody else holds it.
 */
export async function withLock<T>(
  file: string,
  options: { readonly timeoutMs: number; readonly onWait?: () => void },
  work: () => Promise<T>,
): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  let waited = false;
  const got = await until(
    () => {
      if (tryLock(file)) return true;
      if (!waited) options.onWait?.();
      waited = true;
      return false;
    },
    { timeoutMs: options.timeoutMs, everyMs: 250 },
  );
  if (!got) {
    throw new StackError('install-failed', 'operator', `${file} was held for more than ${options.timeoutMs} ms`);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function tryLock(file: string): boolean {
  const mine = `${process.pid} ${startToken(process.pid) ?? ''}`;
  for (let tries = 0; tries < 2; tries++) {
    try {
      writeFileSync(file, mine, { flag: 'wx' });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = readHolder(file);
    // An empty file is a lock in the making: its holder has not written its name yet.
    if (holder === undefined || holder.token === startToken(holder.pid)) return false;
    rmSync(file, { force: true });
  }
  return false;
}

function readHolder(file: string): { pid: number; token: string } | undefined {
  try {
    const match = /^(\d+) (.*)$/.exec(readFileSync(file, 'utf8'));
    return match === null ? undefined : { pid: Number(match[1]), token: match[2] ?? '' };
  } catch {
    return undefined;
  }
}
