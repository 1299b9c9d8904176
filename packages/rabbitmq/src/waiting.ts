/** Waiting for what others wait for as well. */
import type { Stage } from '@inator/runtime';
import { brokerError } from './faults.ts';

/** The promise's result, or a `SourceError` when `signal` aborts first; the promise itself goes on for the others. */
export function orAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  what: string,
  stage?: Stage,
): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(brokerError('unavailable', `${what} was given up`, undefined, stage));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
