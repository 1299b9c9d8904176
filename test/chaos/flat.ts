/**
 * Whether memory stays flat. Judged by the elders, which live through the whole soak, and by the succession of those that
 * are replaced. A heap saws: what a process keeps is the floor that its collections reach, and the resident memory above it
 * may wander; so a growth is a slope that most pairs of samples agree on (Theil and Sen's), and one burst makes none.
 */
import type { Sample } from './samples.ts';

export interface Flatness {
  readonly service: string;
  /** MiB an hour, of the elder after its warm-up. */
  readonly residentSlope: number;
  /** MiB an hour, of the least heap in use in each minute. */
  readonly heapSlope: number;
  /** By how much the medians of the last third stand above those of the first. */
  readonly handlesGrown: number;
  readonly resourcesGrown: number;
  /** MiB: the most that any process of the service had. */
  readonly peakMiB: number;
  /** Median resident MiB of each life that lasted, at the same age; the elder is not among them. */
  readonly lives: readonly number[];
  /** MiB from a life to the next. */
  readonly growthPerLife: number;
}

export interface FlatOptions {
  /** The process that lived through all of it. */
  readonly elder: number;
  /** Seconds of a process's life that do not count: caches fill, the heap finds its size. */
  readonly warmUp: number;
  /** Seconds of warm-up for the lives that are replaced, which are short. */
  readonly youth: number;
}

/** Seconds over which the least heap is taken: under load the young generation is collected many times in them. */
const floorSeconds = 60;

/** `samples` are those of one service, in order of time. Throws where there are too few to say anything. */
export function flatness(samples: readonly Sample[], { elder, warmUp, youth }: FlatOptions): Flatness {
  const old = samples.filter(({ pid, age }) => pid === elder && age >= warmUp);
  const [first] = old;
  if (first === undefined || old.length < 12) throw new Error(`${old.length} samples of process ${elder} say nothing`);
  const floors = new Map<number, number>();
  for (const { at, heapMiB } of old) {
    const minute = Math.floor(at / floorSeconds);
    floors.set(minute, Math.min(floors.get(minute) ?? Number.POSITIVE_INFINITY, heapMiB));
  }
  const third = Math.floor(old.length / 3);
  const grown = (of: (sample: Sample) => number): number =>
    median(old.slice(-third).map(of)) - median(old.slice(0, third).map(of));
  const lives = livesOf(samples, elder, youth);
  return {
    service: first.service,
    residentSlope: slope(old.map(({ at, residentMiB }) => [at / 3_600, residentMiB])),
    heapSlope: slope([...floors].map(([minute, floor]) => [(minute * floorSeconds) / 3_600, floor])),
    handlesGrown: grown(({ handles }) => handles),
    resourcesGrown: grown(({ resources }) => resources),
    peakMiB: Math.max(...samples.map(({ residentMiB }) => residentMiB)),
    lives,
    growthPerLife: slope(lives.map((resident, i) => [i, resident])),
  };
}

/** Each life's median over the ages that all of them reached. */
function livesOf(samples: readonly Sample[], elder: number, youth: number): number[] {
  const byPid = new Map<number, Sample[]>();
  for (const sample of samples) {
    if (sample.pid === elder || sample.age < youth) continue;
    byPid.set(sample.pid, [...(byPid.get(sample.pid) ?? []), sample]);
  }
  const lasting = [...byPid.values()].filter((life) => life.length >= 6);
  const until = Math.min(...lasting.map((life) => life.at(-1)?.age ?? 0));
  return lasting.map((life) => median(life.filter(({ age }) => age <= until).map(({ residentMiB }) => residentMiB)));
}

/** The median of the slopes between all pairs of points; 0 where there is no pair. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const slopes: number[] = [];
  for (const [i, [x1, y1]] of points.entries())
    for (const [x2, y2] of points.slice(i + 1)) if (x2 !== x1) slopes.push((y2 - y1) / (x2 - x1));
  return slopes.length === 0 ? 0 : median(slopes);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

export interface FlatBounds {
  /** MiB an hour. */
  readonly slope: number;
  /** MiB from a life to the next. */
  readonly perLife: number;
  /** Handles, and what keeps the event loop alive: connections come and go, and a pool keeps some. */
  readonly count: number;
}

/** What is not flat, in words. */
export function unflat(flat: Flatness, bounds: FlatBounds): string[] {
  const said = (what: string, value: number, bound: number, unit: string): string[] =>
    value > bound ? [`${what} ${value.toFixed(1)} ${unit}, more than ${bound}`] : [];
  return [
    ...said('resident memory grew by', flat.residentSlope, bounds.slope, 'MiB an hour'),
    ...said('the heap grew by', flat.heapSlope, bounds.slope, 'MiB an hour'),
    ...said('from life to life memory grew by', flat.growthPerLife, bounds.perLife, 'MiB'),
    ...said('open files grew by', flat.handlesGrown, bounds.count, 'files'),
    ...said('what keeps the event loop alive grew by', flat.resourcesGrown, bounds.count, 'resources'),
  ];
}
