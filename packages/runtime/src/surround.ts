/** What whoever follows batches one by one, such as a tracer, is told of them; and when a batch's messages were published. */
import type { Batch } from './batch.ts';
import type { Delivery } from './delivery.ts';

/** A batch as it begins to be written. */
export interface BegunBatch {
  readonly lane: string;
  readonly queue: string;
  readonly writer: number;
  readonly batch: Batch<unknown>;
  /** What the batch was made of, record for record. */
  readonly deliveries: readonly Delivery[];
}

/**
 * Runs the writing and settling of a batch: calls `write` once, at once, and resolves with it. How it ended is told by the
 * events `batch.written` and `batch.returned` of the same lane and writer, before `write` resolves; a writer has one
 * batch in flight. `write` never rejects, and a surround must not either: it would stop the lane.
 */
export type Surround = (begun: BegunBatch, write: () => Promise<void>) => Promise<void>;

const dayMs = 24 * 60 * 60 * 1_000;

/**
 * Age of the oldest message by the timestamps that producers stamped, in milliseconds; undefined where none has one.
 * Clocks differ: a stamp of the near future counts as now. One of a farther future is no time in seconds, and ignored.
 */
export function publishedAge(deliveries: readonly Delivery[], now: number): number | undefined {
  let oldest = Number.POSITIVE_INFINITY;
  for (const { properties } of deliveries) {
    const { timestamp } = properties;
    if (timestamp !== undefined && timestamp > 0 && timestamp < oldest) oldest = timestamp;
  }
  const age = now - oldest * 1_000;
  return age >= -dayMs ? Math.max(0, age) : undefined;
}
