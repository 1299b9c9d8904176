/** Waiting between tries: exponential with full jitter, so that many replicas do not return in step. */
export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Delay before try `attempt` (from 1): random between half and all of `firstMs * 2^(attempt-1)`, at most `maxMs`. */
export function backoffMs(attempt: number, { firstMs, maxMs }: BackoffOptions): number {
  const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30));
  return ceiling / 2 + Math.random() * (ceiling / 2);
}

/** Resolves after `ms`, or at once when `signal` aborts; never rejects. The timer does not outlive the wait. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}

export class DeadlineError extends Error {
  constructor(what: string, ms: number) {
    super(`${what} did not finish within ${ms} ms`);
    this.name = 'DeadlineError';
  }
}

/**
 * The promise's result, or `DeadlineError` after `ms`. The libraries' own timers do not cover a black-holed link, so
 * every await on the network goes through this; `onTimeout` destroys whatever would else hang for ever.
 */
export function within<T>(promise: Promise<T>, ms: number, what: string, onTimeout?: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      onTimeout?.();
      reject(new DeadlineError(what, ms));
    }, ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
