/** Processes by their id: whether they live, what is below them, and signals to all of them. Never by name. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { until } from '../wait.ts';

interface Stat {
  readonly state: string;
  readonly parent: number;
  /** When it started, in the system's own units: together with the id it names a process for good. */
  readonly started: string;
}

/** What the system says of a process, undefined when there is none. */
function stat(pid: number): Stat | undefined {
  if (process.platform !== 'linux') return statByPs(pid);
  try {
    // The name in parentheses may hold blanks and parentheses; what follows the last one is fields from the third on.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', parent: Number(fields[1]), started: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

function statByPs(pid: number): Stat | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,ppid=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    const match = /^(\S+)\s+(\d+)\s+(.*)$/.exec(line);
    return match === null
      ? undefined
      : { state: match[1]?.[0] ?? '', parent: Number(match[2]), started: match[3] ?? '' };
  } catch {
    return undefined;
  }
}

/** True while the process runs. One that has ended and was not waited for by its parent (a zombie) does not. */
export function isAlive(pid: number): boolean {
  const found = stat(pid);
  if (found === undefined || found.state === 'X') return false;
  return found.state !== 'Z' || hasOtherThreads(pid);
}

/**
 * A process with threads shows as a zombie as soon as its first thread has ended. Until the last one has, its ports are
 * open and its files written, so it counts as alive.
 */
function hasOtherThreads(pid: number): boolean {
  if (process.platform !== 'linux') return false;
  try {
    return readdirSync(`/proc/${pid}/task`).length > 1;
  } catch {
    return false;
  }
}

/** True when the process is frozen by a signal. */
export function isStopped(pid: number): boolean {
  return stat(pid)?.state === 'T';
}

/** Distinguishes this process from a later one with the same id; undefined when there is none. */
export function startToken(pid: number): string | undefined {
  return isAlive(pid) ? stat(pid)?.started : undefined;
}

function parents(): Map<number, number> {
  const found = new Map<number, number>();
  if (process.platform === 'linux') {
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const parent = stat(Number(entry))?.parent;
      if (parent !== undefined) found.set(Number(entry), parent);
    }
  } else {
    for (const line of execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).split('\n')) {
      const [pid, parent] = line.trim().split(/\s+/).map(Number);
      if (pid !== undefined && parent !== undefined) found.set(pid, parent);
    }
  }
  return found;
}

/** The ids of everything below `pid`, children before their children. */
export function descendants(pid: number): number[] {
  const all = parents();
  const found: number[] = [];
  let level = [pid];
  while (level.length > 0) {
    level = [...all].filter(([, parent]) => level.includes(parent)).map(([child]) => child);
    found.push(...level);
  }
  return found;
}

/** Sends a signal; a process that has ended meanwhile is no error. */
export function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Freezes `pid` first, so that it cannot make new children, then everything below it. Resolves when all are frozen. */
export async function freezeTree(pid: number): Promise<number[]> {
  signalTo(pid, 'SIGSTOP');
  const all = [pid, ...descendants(pid)];
  for (const one of all) signalTo(one, 'SIGSTOP');
  await until(() => all.every((one) => isStopped(one) || !isAlive(one)), { timeoutMs: 5_000, everyMs: 5 });
  return all;
}

/** Lets the tree go on. */
export function thawTree(pid: number): void {
  for (const one of [...descendants(pid), pid]) signalTo(one, 'SIGCONT');
}

/** SIGKILL to the whole tree; resolves with whether all of it was gone within `timeoutMs`. */
export async function killTree(pid: number, timeoutMs: number): Promise<boolean> {
  const all = await freezeTree(pid);
  for (const one of all) signalTo(one, 'SIGKILL');
  return allGone(all, timeoutMs);
}

/** Resolves with whether all of them were gone within `timeoutMs`. */
export function allGone(pids: readonly number[], timeoutMs: number): Promise<boolean> {
  return until(() => !pids.some(isAlive), { timeoutMs, everyMs: 20 });
}
