/** At most so many records a second, evenly, without a burst after a pause. */
import { delay } from '@inator/runtime';

export interface Rate {
  /** Resolves when the next record may go; at once when `signal` aborts. */
  take(signal: AbortSignal): Promise<void>;
  /** When the next record may go, on the clock of `now`. */
  due(): number;
}

/** Records let go in one step, in seconds' worth: timers are no finer than a few milliseconds. */
const sliceSeconds = 0.02;

export function createRate(perSecond: number, now: () => number = () => performance.now()): Rate {
  const intervalMs = 1000 / perSecond;
  const slackMs = Math.max(intervalMs, sliceSeconds * 1000);
  /** When the next record is due. */
  let due = now();
  return {
    due: () => due,
    async take(signal) {
      const at = now();
      // Time in which nothing was asked for (back-pressure, a broker away) is not caught up on.
      if (due < at - slackMs) due = at - slackMs;
      if (due > at) await delay(due - at, signal);
      due += intervalMs;
    },
  };
}
