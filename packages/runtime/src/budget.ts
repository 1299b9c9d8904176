/**
 * Bytes of bodies in hand, over all lanes of a service: the bound that records alone cannot give, because nobody knows
 * how large the next message is. Windows bound the records; this bounds the memory.
 */
export interface Budget {
  readonly limit: number;
  readonly used: number;
  /** True at or over the limit: lanes stop taking until `below`. */
  readonly full: boolean;
  take(bytes: number): void;
  give(bytes: number): void;
  /** Resolves when used is under three quarters of the limit (hysteresis), or when `signal` aborts. */
  below(signal: AbortSignal): Promise<void>;
}

export function createBudget(limit: number): Budget {
  let used = 0;
  let waiters: (() => void)[] = [];
  const low = limit * 0.75;
  return {
    limit,
    get used() {
      return used;
    },
    get full() {
      return used >= limit;
    },
    take(bytes) {
      used += bytes;
    },
    give(bytes) {
      used -= bytes;
      if (used < low && waiters.length > 0) {
        const woken = waiters;
        waiters = [];
        for (const wake of woken) wake();
      }
    },
    below(signal) {
      if (used < low || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = (): void => {
          signal.removeEventListener('abort', wake);
          waiters = waiters.filter((other) => other !== wake);
          resolve();
        };
        waiters.push(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    },
  };
}
