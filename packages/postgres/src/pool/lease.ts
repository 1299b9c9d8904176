/**
 * One connection for one piece of work, and the certainty that it ends: every wait has a deadline, an abort destroys the
 * socket, and only a session known to be outside a transaction goes back to the pool.
 */
import { fault, SinkError, within } from '@inator/runtime';
import type { PoolClient, QueryResult, QueryResultRow } from 'pg';
import { sessionIsGone } from '../faults/classify.ts';

export interface Lease {
  readonly client: PoolClient;
  /** One statement, or several without parameters, under the deadline. */
  query<Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>;
  /** The promise under the deadline; `what` names it in the error. When it passes, the socket is destroyed. */
  timed<T>(promise: Promise<T>, what: string): Promise<T>;
}

/** A ROLLBACK that takes longer is not worth waiting for: the connection is replaced. */
const rollbackMs = 2_000;

/**
 * Does `work` on the client and gives the client back. Rejects with whatever `work` rejects with, except when `signal`
 * aborted: then with `unavailable`.
 */
export async function onLease<T>(
  client: PoolClient,
  deadlineMs: number,
  signal: AbortSignal | undefined,
  work: (lease: Lease) => Promise<T>,
  onEvicted: () => void,
): Promise<T> {
  const destroy = (): void => {
    client.connection.stream.destroy();
  };
  const timed = <U>(promise: Promise<U>, what: string): Promise<U> => within(promise, deadlineMs, what, destroy);
  const lease: Lease = {
    client,
    query: (text, values) =>
      timed(values === undefined ? client.query(text) : client.query(text, [...values]), 'a statement'),
    timed,
  };
  const evict = (): void => {
    destroy();
    client.release(true);
    onEvicted();
  };
  signal?.addEventListener('abort', destroy, { once: true });
  try {
    signal?.throwIfAborted();
    const result = await work(lease);
    signal?.removeEventListener('abort', destroy);
    if (isIdle(client)) client.release();
    else evict();
    return result;
  } catch (error) {
    signal?.removeEventListener('abort', destroy);
    if (signal?.aborted) {
      evict();
      throw aborted();
    }
    if (sessionIsGone(error) || !(await rolledBack(client))) evict();
    else client.release();
    throw error;
  }
}

export function aborted(): SinkError {
  return new SinkError(
    'unavailable',
    fault('store-unreachable', 'merge', 'the work was aborted before it was durable'),
  );
}

/** A session in no transaction. A client whose link broke keeps its last state, but the pool does not lend it again. */
function isIdle(client: PoolClient): boolean {
  return client.getTransactionStatus() === 'I' && !client.connection.stream.destroyed;
}

async function rolledBack(client: PoolClient): Promise<boolean> {
  try {
    await within(client.query('ROLLBACK'), rollbackMs, 'ROLLBACK', () => client.connection.stream.destroy());
    return isIdle(client);
  } catch {
    // What matters is the error that led here; this one only says that the session cannot be kept.
    return false;
  }
}
