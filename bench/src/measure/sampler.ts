/** Watches processes while a run goes on: processor time between two moments, and the most memory seen. */
import type { ServerKind } from '@inator/stack';
import type { ServerUse } from '../scenario.ts';
import type { World } from '../world.ts';
import { round } from './stats.ts';
import { treeUsage, usageOf } from './usage.ts';

export interface Sampler {
  /** The clock starts: what was used before does not count, the memory does. */
  start(): void;
  /** The clock may end here: what the consumers use after the last mark does not count. */
  mark(): void;
  /** What was used since `start`; ends the watching. */
  stop(): Sampled;
  /** Resident memory of the consumers together now, MiB. */
  memoryMiB(): number;
  /** Ends the watching of a run that failed. */
  close(): void;
}

export interface Sampled {
  readonly cpuSeconds: number | undefined;
  readonly peakMemoryMiB: number | undefined;
  readonly servers: Readonly<Partial<Record<ServerKind, ServerUse>>>;
}

/** Walking /proc takes a few milliseconds. */
const everyMs = 500;

/** `trees`: the consumers are commands that start others, so that everything below them counts. */
export function createSampler(pids: readonly number[], servers: World['pids'], trees = false): Sampler {
  const kinds = Object.entries(servers) as [ServerKind, number][];
  const peaks = new Map<ServerKind, number>();
  const begun = new Map<ServerKind, number>();
  const memory = new Map<number, number>();
  const cpuOf = (pid: number): number | undefined => (trees ? treeUsage(pid) : usageOf(pid))?.cpuSeconds;
  let first: readonly (number | undefined)[] = pids.map(cpuOf);
  let marked: readonly (number | undefined)[] | undefined;

  const look = (): void => {
    for (const pid of pids) {
      const now = trees ? treeUsage(pid)?.memoryMiB : usageOf(pid)?.peakMiB;
      if (now !== undefined) memory.set(pid, Math.max(memory.get(pid) ?? 0, now));
    }
    for (const [kind, pid] of kinds) {
      peaks.set(kind, Math.max(peaks.get(kind) ?? 0, treeUsage(pid)?.memoryMiB ?? 0));
    }
  };
  const timer = setInterval(look, everyMs);
  timer.unref();

  return {
    start() {
      first = pids.map(cpuOf);
      marked = undefined;
      for (const [kind, pid] of kinds) begun.set(kind, treeUsage(pid)?.cpuSeconds ?? 0);
    },
    mark() {
      marked = pids.map(cpuOf);
    },
    stop() {
      clearInterval(timer);
      look();
      const until = marked ?? pids.map(cpuOf);
      const used = pids.map((_, i) => {
        const [before, now] = [first[i], until[i]];
        return before === undefined || now === undefined ? undefined : now - before;
      });
      const cpuSeconds = used.includes(undefined) ? undefined : used.reduce<number>((sum, one) => sum + (one ?? 0), 0);
      return {
        cpuSeconds: cpuSeconds === undefined ? undefined : round(cpuSeconds, 2),
        peakMemoryMiB:
          memory.size === 0 ? undefined : Math.round([...memory.values()].reduce((sum, one) => sum + one, 0)),
        servers: Object.fromEntries(
          kinds.flatMap(([kind, pid]) => {
            const now = treeUsage(pid)?.cpuSeconds;
            if (now === undefined) return [];
            const peakMemoryMiB = Math.round(peaks.get(kind) ?? 0);
            return [[kind, { cpuSeconds: round(now - (begun.get(kind) ?? now), 2), peakMemoryMiB }]];
          }),
        ),
      };
    },
    memoryMiB: () => pids.reduce((sum, pid) => sum + (usageOf(pid)?.memoryMiB ?? 0), 0),
    close: () => clearInterval(timer),
  };
}
