/** Values worked out from several keys. Pure functions, so that anybody can check the arithmetic. */

export interface WindowParts {
  /** `RABBITMQ_PREFETCH` when it was given. */
  readonly prefetch: number | undefined;
  readonly batchSize: number;
  readonly writers: number;
  readonly maxPending: number;
  /** Queues that share `maxPending`, at least 1. */
  readonly lanes: number;
  /** Least default window: 50 for tableinator, 10 for graphinator. */
  readonly floor: number;
}

export interface Window {
  readonly window: number;
  /** What decided it. `pending`: cut so that the windows of all lanes together stay within max pending. */
  readonly by: 'prefetch' | 'batch' | 'floor' | 'pending';
}

/** Largest window of AMQP 0-9-1. */
const largest = 65_535;

/**
 * Messages that one queue may have in hand. By default enough for every writer to fill a batch while it writes another
 * (`batchSize × writers × 2`), not under the floor. Given explicitly it is honoured, even under the floor or a batch. In
 * both cases the windows of all lanes together never pass `maxPending`, because the window is the only backpressure.
 */
export function windowFor({ prefetch, batchSize, writers, maxPending, lanes, floor }: WindowParts): Window {
  const ceiling = Math.min(largest, Math.max(1, Math.floor(maxPending / lanes)));
  const derived = batchSize * writers * 2;
  const wanted = prefetch ?? Math.max(floor, derived);
  if (wanted > ceiling) return { window: ceiling, by: 'pending' };
  if (prefetch !== undefined) return { window: wanted, by: 'prefetch' };
  return { window: wanted, by: derived >= floor ? 'batch' : 'floor' };
}

/**
 * Writers of a lane of graphinator unless told otherwise. Three store most, measured with one type; more of them are in each
 * other's way. Where the window of a lane cannot fill three batches, two.
 */
export function graphWriters(batchSize: number, maxPending: number, lanes: number): number {
  return Math.floor(maxPending / lanes) >= 3 * batchSize ? 3 : 2;
}

/** Writers of one lane: as asked, but all lanes together within the pool, because each holds a connection. */
export function writersFor(asked: number, lanes: number, poolMax: number): number {
  return Math.max(1, Math.min(asked, Math.floor(poolMax / lanes)));
}

/**
 * How long a batch is held before its session is closed and everything goes back to the broker: a quarter of the
 * broker's consumer timeout, so that neither a slow last try nor the broker's coarse timer passes it.
 */
export function longestHoldSeconds(consumerTimeoutSeconds: number): number {
  return consumerTimeoutSeconds / 4;
}

/** Timers and servers want whole milliseconds; 1.001 × 1000 is 1000.9999999999999. */
export function milliseconds(seconds: number): number {
  return Math.round(seconds * 1_000);
}
