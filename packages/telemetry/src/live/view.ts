/** A lane as people watch it: its snapshot, and what follows from it over time. The body of `/lanes` and of the events. */
import type { LaneSnapshot } from '@inator/runtime';
import { laneAdvice } from '../advice.ts';
import type { LaneSample, Recent } from './recorder.ts';

export interface LaneView extends LaneSnapshot {
  /** Messages waiting in the queue, those in hand not counted; absent while the broker cannot tell. */
  readonly depth?: number;
  readonly recent: Recent;
  /**
   * Until queue and hands are empty at the rate of the last ten seconds, if nothing more arrives; 0 when they are empty,
   * absent while the lane stands still or the depth is not known.
   */
  readonly drainSeconds?: number;
  readonly deadLetterQueue?: string;
  /** Letters waiting in it; absent while the broker cannot tell. */
  readonly lettersWaiting?: number;
  /** Letters by fault code since the process started. */
  readonly deadLettersBy: Readonly<Record<string, number>>;
  /** What to do, where there is something to do. */
  readonly advice?: string;
}

export interface ViewParts {
  readonly snapshot: LaneSnapshot;
  readonly recent: Recent;
  readonly depth: number | undefined;
  readonly deadLetterQueue: string | undefined;
  readonly lettersWaiting: number | undefined;
  readonly deadLettersBy: Readonly<Record<string, number>>;
}

export function viewOf({
  snapshot,
  depth,
  recent,
  deadLetterQueue,
  lettersWaiting,
  deadLettersBy,
}: ViewParts): LaneView {
  const drainSeconds = drainOf(depth, snapshot, recent.settledPerSecond);
  const advice = laneAdvice(snapshot);
  return {
    ...snapshot,
    ...(depth === undefined ? {} : { depth }),
    recent,
    ...(drainSeconds === undefined ? {} : { drainSeconds }),
    ...(deadLetterQueue === undefined ? {} : { deadLetterQueue }),
    ...(lettersWaiting === undefined ? {} : { lettersWaiting }),
    deadLettersBy,
    ...(advice === undefined ? {} : { advice }),
  };
}

function drainOf(depth: number | undefined, { state, pendingRecords }: LaneSnapshot, rate: number): number | undefined {
  if (depth === undefined) return undefined;
  if (depth + pendingRecords === 0) return 0;
  // The rate of the last seconds says nothing about a lane that stands still.
  return rate > 0 && state === 'consuming' ? (depth + pendingRecords) / rate : undefined;
}

/** The charts' numbers: one row a lane, one entry a sample, oldest first. */
export interface LaneHistory {
  /** Epoch milliseconds. */
  readonly at: readonly number[];
  readonly settledPerSecond: readonly number[];
  /** Null in a second without a batch, and where the backlog is not known. */
  readonly ageMs: readonly (number | null)[];
  readonly backlog: readonly (number | null)[];
}

export function historyOf(samples: readonly LaneSample[]): LaneHistory {
  const at: number[] = [];
  const settledPerSecond: number[] = [];
  const ageMs: (number | null)[] = [];
  const backlog: (number | null)[] = [];
  samples.forEach((sample, index) => {
    const before = samples[index - 1];
    if (before === undefined) return;
    const seconds = (sample.at - before.at) / 1_000;
    at.push(sample.at);
    settledPerSecond.push(seconds > 0 ? Math.round((sample.settled - before.settled) / seconds) : 0);
    ageMs.push(sample.age === undefined ? null : Math.round(sample.age.maxMs));
    backlog.push(sample.backlog ?? null);
  });
  return { at, settledPerSecond, ageMs, backlog };
}
