/**
 * One explicit transaction: every wait has our deadline, everything it rejects with is classified, and what is left of it is
 * tidied away in bounded time. What an error means for the driver is told to its owner, `driver.ts`.
 */
import { fault, SinkError, within } from '@inator/runtime';
import type { ManagedTransaction, Session } from 'neo4j-driver';
import { classify } from './faults.ts';

export type Parameters = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly nodesCreated: number;
  readonly relationshipsCreated: number;
  readonly relationshipsDeleted: number;
}

/**
 * An explicit transaction. Everything rejects with `SinkError`; after a rejection only `rollback` is of use. `commit`
 * calls `sent` once the request is on its way.
 */
export interface Transaction {
  run(text: string, parameters?: Parameters): Promise<Answer>;
  commit(sent?: () => Promise<void>): Promise<void>;
  /** Never rejects, ends within seconds whatever the link does, and does nothing after `commit` resolved. */
  rollback(): Promise<void>;
}

/** Longest wait for anything that only tidies up. */
export const tidyMs = 2_000;

/** What a transaction needs of the driver that it belongs to. */
export interface TransactionContext {
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  failed(thrown: unknown): SinkError;
  retire(error: SinkError): void;
  done(): void;
}

type RawTransaction = Pick<ManagedTransaction, 'run'> & { commit(): Promise<void>; rollback(): Promise<void> };

/** Takes over an open transaction and the session it is alone in. */
export function makeTransaction(raw: RawTransaction, session: Session, context: TransactionContext): Transaction {
  const { deadlineMs, signal, failed, retire, done } = context;
  let state: 'open' | 'broken' | 'over' = 'open';
  let broken: SinkError | undefined;

  const guarded = async <T>(work: () => PromiseLike<T>, what: string): Promise<T> => {
    try {
      // The driver may throw while it packs, before there is a promise.
      return await bounded(work(), deadlineMs, what, signal);
    } catch (thrown) {
      broken = failed(thrown);
      state = 'broken';
      throw broken;
    }
  };

  /** Ends the transaction on our side; a connection that cannot be tidied in time takes its driver with it. */
  const end = async (tidy: () => Promise<void>): Promise<void> => {
    state = 'over';
    try {
      await within(tidy(), tidyMs, 'ending a Neo4j transaction');
    } catch (thrown) {
      retire(classify(thrown));
    } finally {
      done();
    }
  };

  return {
    async run(text, parameters = {}) {
      const { records, summary } = await guarded(() => raw.run(text, parameters), 'a Neo4j statement');
      const counters = summary.counters.updates();
      return {
        rows: records.map((record) => record.toObject()),
        nodesCreated: counters.nodesCreated,
        relationshipsCreated: counters.relationshipsCreated,
        relationshipsDeleted: counters.relationshipsDeleted,
      };
    },
    async commit(sent) {
      await guarded(async () => {
        const committed = raw.commit();
        if (sent === undefined) return committed;
        // `sent` may throw for a test's sake; the commit must still have an owner.
        const [outcome] = await Promise.all([committed, sent()]);
        return outcome;
      }, 'a Neo4j commit');
      await end(() => session.close());
    },
    async rollback() {
      if (state === 'over') return;
      // On an untrusted link a rollback would hang as the statement did: closing the driver ends it instead.
      const hopeless = broken !== undefined && (mustRetire(broken) || isAborted(broken));
      if (hopeless) {
        state = 'over';
        const tidied = within(
          raw.rollback().then(() => session.close()),
          tidyMs,
          'ending a Neo4j transaction',
        );
        tidied.catch((thrown: unknown) => retire(classify(thrown))).catch(() => undefined);
        done();
        return;
      }
      await end(async () => {
        await raw.rollback().catch(() => undefined);
        await session.close();
      });
    },
  };
}

const abortedReason = 'the write was given up before its commit, as the service is stopping';

function isAborted(error: SinkError): boolean {
  return error.fault.reason === abortedReason;
}

/** Whether a connection that saw this can poison the next transaction, or a new login could mend it. */
export function mustRetire(error: SinkError): boolean {
  if (error.is === 'suspect') return true;
  if (error.fault.native?.startsWith('Neo.ClientError.Security.') === true) return true;
  return error.cause instanceof Error && error.cause.name === 'DeadlineError';
}

/** The promise's result within `ms`, or sooner a rejection when `signal` aborts. */
export function bounded<T>(promise: PromiseLike<T>, ms: number, what: string, signal?: AbortSignal): Promise<T> {
  const timed = within(Promise.resolve(promise), ms, what);
  if (signal === undefined) return timed;
  return new Promise((resolve, reject) => {
    const aborted = (): void =>
      reject(new SinkError('unavailable', fault('store-unreachable', 'graph', abortedReason)));
    if (signal.aborted) aborted();
    signal.addEventListener('abort', aborted, { once: true });
    timed.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}

export function closeSession(session: Session): Promise<void> {
  return within(session.close(), tidyMs, 'closing a Neo4j session');
}
