/** Whether the store answers: what batches met when they were written, and the canary when somebody scrapes. */
import { within } from '@inator/runtime';

export interface Reach {
  /** Something was written. */
  found(): void;
  /** The store could not be reached. */
  lost(): void;
  /** Asks the canary where its answer is old. Resolves within the wait, never rejects. */
  ask(): Promise<void>;
  /** Undefined before anything is known. */
  readonly up: boolean | undefined;
  /** How often it came back. */
  readonly reconnects: number;
}

export interface ReachOptions {
  /** At most so often. Default 5,000 ms. */
  readonly everyMs?: number;
  /** How long a scrape waits. Default 1,000 ms: a scrape as a whole is promised within two seconds. */
  readonly waitMs?: number;
  /** When a canary that does not answer counts as lost; longer than the wait, because a loaded store is slow. Default 4,000 ms. */
  readonly deadlineMs?: number;
}

export function createReach(
  check: (signal: AbortSignal) => Promise<void>,
  { everyMs = 5_000, waitMs = 1_000, deadlineMs = 4_000 }: ReachOptions = {},
): Reach {
  let up: boolean | undefined;
  let reconnects = 0;
  let finds = 0;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  const found = (): void => {
    finds += 1;
    if (up === false) reconnects += 1;
    up = true;
  };
  const lost = (): void => {
    up = false;
  };
  const canary = async (): Promise<void> => {
    const before = finds;
    const signal = AbortSignal.timeout(deadlineMs);
    try {
      await within(
        Promise.resolve().then(() => check(signal)),
        deadlineMs,
        'the canary',
      );
      found();
    } catch {
      // A canary that starves while batches are committed says something about load, not about reach.
      if (finds === before) lost();
    }
  };

  return {
    found,
    lost,
    async ask() {
      if (asking === undefined && performance.now() - askedAt >= everyMs) {
        askedAt = performance.now();
        asking = canary().finally(() => {
          asking = undefined;
        });
      }
      if (asking === undefined) return;
      await within(asking, waitMs, 'the answer of the canary').catch(() => {});
    },
    get up() {
      return up;
    },
    get reconnects() {
      return reconnects;
    },
  };
}
