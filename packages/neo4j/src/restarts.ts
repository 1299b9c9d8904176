/** Fresh starts of a batch's transaction, after what a fresh start mends at once. */
import { backoffMs, delay, type SinkError } from '@inator/runtime';
import { racedCause } from './answers.ts';
import { isTaken } from './culprit.ts';
import type { GraphShape } from './shape.ts';

export const deadlock = 'Neo.TransientError.Transaction.DeadlockDetected';
export const constraint = 'Neo.ClientError.Schema.ConstraintValidationFailed';

/** Codes after which the same transaction, started over, usually passes; how often at most. */
const restartable: Readonly<Record<string, number>> = {
  [deadlock]: Number.POSITIVE_INFINITY,
  'Neo.ClientError.Statement.EntityNotFound': Number.POSITIVE_INFINITY,
  raced: Number.POSITIVE_INFINITY,
  // Two writers may make a node at the same moment; a second time it is the record's own doing.
  [constraint]: 1,
};

/** Of one batch. */
export interface Restarts {
  readonly count: number;
  /** Resolves, after a pause, when the batch is to begin anew; else rejects with the error. */
  after(error: SinkError, signal: AbortSignal): Promise<void>;
}

/** `attempts`: tries of a batch in all. Every restart is counted in `counts`, by Neo4j's code or as `raced`. */
export function createRestarts<R>(attempts: number, shape: GraphShape<R>, counts: Record<string, number>): Restarts {
  const tried: Record<string, number> = {};
  let count = 0;
  return {
    get count() {
      return count;
    },
    async after(error, signal) {
      const isRaced = error.cause === racedCause || isTaken(error, shape);
      const code = isRaced ? 'raced' : (error.fault.native ?? '');
      tried[code] = (tried[code] ?? 0) + 1;
      const again = (restartable[code] ?? 0) >= tried[code] && count + 1 < attempts && !signal.aborted;
      if (!again) throw error;
      counts[code] = (counts[code] ?? 0) + 1;
      count += 1;
      await delay(backoffMs(count, { firstMs: 10, maxMs: 200 }), signal);
    },
  };
}
