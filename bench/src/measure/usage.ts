/** What processes use of the processor and of memory, from Linux's /proc; undefined anywhere else. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Usage {
  /** User and system time, of children that have ended too. */
  readonly cpuSeconds: number;
  /** Memory in use now: private pages of all processes, and shared pages once. */
  readonly memoryMiB: number;
}

/** Linux reports processor time in ticks of this length whatever the kernel's own are: USER_HZ is 100 (time(7)). */
const ticksPerSecond = 100;

/** One process alone, with the highest resident set it ever had. */
export function usageOf(pid: number, proc = '/proc'): (Usage & { readonly peakMiB: number }) | undefined {
  const fields = statOf(pid, proc);
  if (fields === undefined) return undefined;
  const status = read(join(proc, String(pid), 'status'));
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    memoryMiB: (kib(status, 'RssAnon') + kib(status, 'RssShmem')) / 1024,
    peakMiB: kib(status, 'VmHWM') / 1024,
  };
}

/**
 * A process and everything below it. The time of a child that has ended is in its parent's sum as soon as the parent has
 * taken note of it, so that a postmaster's backends are counted whether they live or not.
 */
export function treeUsage(pid: number, proc = '/proc'): Usage | undefined {
  if (statOf(pid, proc) === undefined) return undefined;
  let ticks = 0;
  let privateKiB = 0;
  let sharedKiB = 0;
  for (const one of [pid, ...descendants(pid, proc)]) {
    const fields = statOf(one, proc);
    if (fields === undefined) continue;
    ticks += [11, 12, 13, 14].reduce((sum, i) => sum + Number(fields[i]), 0);
    const status = read(join(proc, String(one), 'status'));
    privateKiB += kib(status, 'RssAnon');
    sharedKiB = Math.max(sharedKiB, kib(status, 'RssShmem'));
  }
  return { cpuSeconds: ticks / ticksPerSecond, memoryMiB: (privateKiB + sharedKiB) / 1024 };
}

export function descendants(pid: number, proc = '/proc'): number[] {
  const parents = new Map<number, number>();
  for (const name of list(proc)) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(Number(name), proc);
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  const found: number[] = [];
  for (let level = [pid]; level.length > 0; ) {
    level = [...parents].filter(([, parent]) => level.includes(parent)).map(([child]) => child);
    found.push(...level);
  }
  return found;
}

export function parentOf(pid: number, proc = '/proc'): number | undefined {
  const parent = statOf(pid, proc)?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** The fields after the name in parentheses, which may itself hold blanks and parentheses: the state is the first. */
function statOf(pid: number, proc: string): readonly string[] | undefined {
  const text = read(join(proc, String(pid), 'stat'));
  return text === ''
    ? undefined
    : text
        .slice(text.lastIndexOf(')') + 2)
        .trim()
        .split(' ');
}

function kib(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
