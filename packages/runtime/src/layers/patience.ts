/**
 * Tells a slow record from a slow store. A time limit that was passed speaks against nobody by itself: the disk, a lock, a
 * neighbour on the machine may have taken the time. So a record is suspected only when it passes the limit alone, again
 * and again, while other records of its lane are written in less than half of it in between. Where nothing else is
 * written there is nothing to compare with, and the record is held for as long as it takes.
 */
import type { Keyed } from '../model.ts';
import type { Receipt } from '../sink.ts';

export interface Patience {
  /** A write went through. */
  stored(receipt: Receipt, startedAt: number, endedAt: number): void;
  /** The record is stored, or condemned: what was remembered of it is forgotten. */
  settled<R>(record: Keyed<R> | undefined): void;
  /**
   * The record alone passed the limit, in a try between these times. Returns how many of its tries count: the first, and
   * each before which, since the one that counted last, another record was written in time.
   */
  passedLimit<R>(record: Keyed<R>, startedAt: number, endedAt: number): number;
  /** The record alone failed, for no known cause, in a try that ended then. */
  failed<R>(record: Keyed<R>, endedAt: number): Failing;
}

export interface Failing {
  readonly tries: number;
  /** Since the first of them, in milliseconds. */
  readonly forMs: number;
  /** Another record was written since the first of them: the store is well, and it is this one that fails. */
  readonly compared: boolean;
}

/** Records remembered; one lane seldom has more than one of them. The oldest is forgotten, and counts anew. */
const remembered = 100;

/** Times are those of `performance.now()`. */
export function createPatience(): Patience {
  const tries = new Map<string, { count: number; endedAt: number; readonly firstAt: number }>();
  let last = { startedAt: Number.NEGATIVE_INFINITY, tookMs: 0 };
  const nameOf = ({ key, hash }: Keyed<unknown>): string => JSON.stringify([key, hash]);
  const remember = (name: string, endedAt: number): void => {
    const [oldest] = tries.keys();
    if (tries.size >= remembered && oldest !== undefined) tries.delete(oldest);
    tries.set(name, { count: 1, endedAt, firstAt: endedAt });
  };
  return {
    stored({ counts }, startedAt, endedAt) {
      // What was there already costs the store next to nothing: it says nothing about how fast it writes.
      if (counts.created + counts.updated > 0) last = { startedAt, tookMs: endedAt - startedAt };
    },
    settled(record) {
      if (record !== undefined && tries.size > 0) tries.delete(nameOf(record));
    },
    passedLimit(record, startedAt, endedAt) {
      const name = nameOf(record);
      const before = tries.get(name);
      if (before === undefined) {
        remember(name, endedAt);
        return 1;
      }
      if (last.startedAt >= before.endedAt && 2 * last.tookMs <= endedAt - startedAt) {
        before.count += 1;
        before.endedAt = endedAt;
      }
      return before.count;
    },
    failed(record, endedAt) {
      const name = nameOf(record);
      const before = tries.get(name);
      if (before === undefined) {
        remember(name, endedAt);
        return { tries: 1, forMs: 0, compared: false };
      }
      before.count += 1;
      before.endedAt = endedAt;
      return { tries: before.count, forMs: endedAt - before.firstAt, compared: last.startedAt >= before.firstAt };
    },
  };
}
