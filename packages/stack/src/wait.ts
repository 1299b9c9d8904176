/** Waiting for a condition, always with an end. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  readonly timeoutMs: number;
  /** Milliseconds between two looks. Default 50. */
  readonly everyMs?: number;
  readonly signal?: AbortSignal;
}

/** Resolves with true as soon as `condition` holds, with false when it never did within `timeoutMs` or `signal` aborted. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  { timeoutMs, everyMs = 50, signal }: WaitOptions,
): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    if (await condition()) return true;
    if (signal?.aborted || performance.now() >= end) return false;
    await sleep(everyMs);
  }
}
