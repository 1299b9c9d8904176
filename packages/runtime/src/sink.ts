/** Where batches land, and what became of their records. A sink sees no delivery, so it cannot ack wrongly. */
import type { Batch } from './batch.ts';
import type { Closing } from './extraction.ts';
import { type Fault, fault } from './fault.ts';
import type { Model, Signal } from './model.ts';

/** What became of one record. `stored`: durable, whether written, found unchanged, stale, or superseded in its batch. */
export type Outcome =
  | { readonly is: 'stored' }
  | { readonly is: 'refused'; readonly fault: Fault; readonly attempts: number };

/** The one `stored` there need be. */
export const stored: Outcome = Object.freeze({ is: 'stored' });

/** How many records of a batch met which end. With the refused ones they add up to the batch: the runtime checks it. */
export interface Counts {
  readonly created: number;
  readonly updated: number;
  /** The store already held the same hash. */
  readonly unchanged: number;
  /** The store held a later version. */
  readonly stale: number;
  /** The same key came again in the same batch and won. */
  readonly collapsed: number;
  /**
   * Of those updated or stale: the version was equal to the stored one and the content was not, so that no version decided
   * between the two. Not part of the sum; left out where there was none.
   */
  readonly tied?: number;
}

export const noCounts: Counts = Object.freeze({ created: 0, updated: 0, unchanged: 0, stale: 0, collapsed: 0 });

export function addCounts(a: Counts, b: Counts): Counts {
  const tied = (a.tied ?? 0) + (b.tied ?? 0);
  return {
    created: a.created + b.created,
    updated: a.updated + b.updated,
    unchanged: a.unchanged + b.unchanged,
    stale: a.stale + b.stale,
    collapsed: a.collapsed + b.collapsed,
    ...(tied === 0 ? {} : { tied }),
  };
}

/** The steps of a write that are timed apart. */
export type Phase = 'acquire' | 'stage' | 'copy' | 'merge' | 'commit' | 'read' | 'nodes' | 'edges';

export interface Receipt {
  /** One per record of the batch, in the same order. */
  readonly outcomes: readonly Outcome[];
  readonly counts: Counts;
  /** Milliseconds by phase, as far as the sink tells them apart. */
  readonly phases: Readonly<Partial<Record<Phase, number>>>;
  /** How often the write began anew within this call, because others were in its way: deadlocks, races. Default 0. */
  readonly restarts?: number;
  /** Graph sinks: what the store says it created and deleted. */
  readonly graph?: {
    readonly nodesCreated: number;
    readonly relationshipsCreated: number;
    readonly relationshipsDeleted: number;
  };
}

export interface MarkContext {
  /** Aborts when the signal cannot be settled any more: end at once, by rejecting. */
  readonly abort: AbortSignal;
  /** Aborts when the lane begins to drain: finish the step under way, then throw `MarkInterrupted` if more is left. */
  readonly draining: AbortSignal;
}

/**
 * The contract. `open` creates what the model needs (table, constraints) and checks that writing is possible; it is
 * retried with back-off until it resolves and may be called again after a failure. `write` resolves when every record is
 * durable or refused; it must not resolve before the commit is acknowledged. It is called by several writers at once,
 * never twice at once for the same key. When `signal` aborts, it ends soon, by rejecting. It rejects with a `SinkError`
 * of one of the kinds below; anything else it throws is a defect of ours and treated as `suspect`.
 * `mark` is called after everything delivered before the signal is durable or in the dead letters, once for every
 * delivery of that signal; it may purge what a completed run did not bring, and tells what became of the run. It is tried
 * again until it resolves, so it must be idempotent; only `MarkInterrupted` gives the signal back to the broker.
 * `condemn` is told of every record before its letter is published, by sinks that must know of it to purge safely.
 * `check` is the canary: it resolves when the store answers and can be written to, and rejects otherwise.
 */
export interface Sink<R> {
  open(signal: AbortSignal): Promise<void>;
  write(batch: Batch<R>, signal: AbortSignal): Promise<Receipt>;
  mark(signal: Signal, model: Model<R>, context: MarkContext): Promise<Closing | undefined>;
  condemn?(abort: AbortSignal): Promise<void>;
  check(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/**
 * Why a write did not happen.
 * - `unavailable`: nobody's fault in the batch; hold the batch and try again, for as long as it takes.
 * - `misconfigured`: likewise, but only an operator can mend it; tried again slowly, shown as not ready.
 * - `refused`: the fault of some record: the one at `culprit` where the store named it, else found by bisection.
 * - `suspect`: the cause is unknown. If the canary fails it was `unavailable`; if it passes, the batch is halved, and
 *   a single record that keeps failing is condemned.
 */
export type SinkErrorKind = 'unavailable' | 'misconfigured' | 'refused' | 'suspect';

export class SinkError extends Error {
  readonly is: SinkErrorKind;
  readonly fault: Fault;
  /** Index into `batch.records` of the record to blame, when the store named one. */
  readonly culprit: number | undefined;
  /**
   * True when a smaller batch may pass (out of memory): halve before holding. A record alone is condemned (`limit-refused`)
   * only when others were written since it first failed.
   */
  readonly halve: boolean;
  /**
   * True when a time limit was passed. A smaller batch may pass, but only where the canary answers at once: otherwise the
   * store is slow, and the batch is held whole. A record alone is condemned only by comparison with others.
   */
  readonly slow: boolean;
  constructor(
    is: SinkErrorKind,
    fault: Fault,
    more: {
      readonly culprit?: number | undefined;
      readonly halve?: boolean;
      readonly slow?: boolean;
      readonly cause?: unknown;
    } = {},
  ) {
    super(fault.reason, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'SinkError';
    this.is = is;
    this.fault = fault;
    this.culprit = more.culprit;
    this.halve = more.halve ?? false;
    this.slow = more.slow ?? false;
  }
}

/** Whatever was thrown, as a `SinkError`; what no sink classified is ours, and suspect. */
export function asSinkError(thrown: unknown): SinkError {
  if (thrown instanceof SinkError) return thrown;
  const name = thrown instanceof Error ? thrown.name : typeof thrown;
  return new SinkError('suspect', fault('defect', 'settle', `an unclassified ${name} was thrown while writing`), {
    cause: thrown,
  });
}
