/**
 * The supervised driver: one Neo4j driver at a time, remade when it cannot be trusted any longer.
 *
 * Three things make it untrustworthy. A black-holed link: the driver's own promises then never settle, so every wait
 * has our deadline. A value that cannot be packed: it leaves half a message in a pooled connection, and the next query
 * on it fails. A refused login: the password may have been rotated. In all three the driver is *retired*: it gets no
 * new transactions, those under way finish or meet their own deadline, and then it is closed.
 */
import { delay, fault, SinkError, within } from '@inator/runtime';
import neo4j, { type Driver, type Session } from 'neo4j-driver';
import { type Concurrency, createConcurrency } from './concurrency.ts';
import { classify } from './faults.ts';
import {
  authToken,
  defaultConnectTimeoutMs,
  defaultTransactionTimeoutMs,
  driverTarget,
  graceMs,
  type Neo4jSettings,
} from './settings.ts';
import { bounded, closeSession, makeTransaction, mustRetire, type Transaction, tidyMs } from './transaction.ts';

export interface BeginOptions {
  readonly signal?: AbortSignal | undefined;
  /** Instead of the settings' transaction timeout, for building an index on a large graph. */
  readonly timeoutMs?: number | undefined;
}

export interface Neo4jStats {
  /** Transactions under way. */
  readonly inFlight: number;
  /** Drivers made so far: 1 in healthy running, one more for every retired one. */
  readonly driversMade: number;
  /** Drivers retired, by the code of the fault that retired them. */
  readonly retired: Readonly<Record<string, number>>;
}

export interface Neo4j {
  begin(options?: BeginOptions): Promise<Transaction>;
  /** The turns of those who write records: one for each transaction, taken before it begins. */
  readonly concurrency: Concurrency;
  /** Resolves when the server answers and can be written to: it makes a node and takes it back. */
  check(signal?: AbortSignal): Promise<void>;
  /** As the server gives it, such as `5.26.12`. */
  version(signal?: AbortSignal): Promise<string>;
  /** How long a transaction of ours can live, in milliseconds: the server's limit and our patience beyond it. */
  readonly transactionMs: number;
  stats(): Neo4jStats;
  /** Waits a moment for transactions under way, then closes whatever is left. Never rejects. */
  close(): Promise<void>;
}

interface Generation {
  readonly driver: Driver;
  inFlight: number;
  retired: boolean;
  closing: Promise<void> | undefined;
}

/** Throws `SinkError` `misconfigured` for settings that can never work. Connects at the first `begin`. */
export function createNeo4j(settings: Neo4jSettings): Neo4j {
  const { uri, config } = driverTarget(settings);
  const transactionTimeoutMs = settings.transactionTimeoutMs ?? defaultTransactionTimeoutMs;
  const acquireMs = 2 * (settings.connectTimeoutMs ?? defaultConnectTimeoutMs) + graceMs;
  const generations = new Set<Generation>();
  const retired: Record<string, number> = {};
  let current: Generation | undefined;
  let driversMade = 0;
  let closed = false;

  const make = (): Generation => {
    if (closed) throw new SinkError('unavailable', fault('store-unreachable', 'graph', 'the Neo4j driver was closed'));
    const driver = neo4j.driver(uri, authToken(settings), config);
    const generation: Generation = { driver, inFlight: 0, retired: false, closing: undefined };
    driversMade += 1;
    current = generation;
    generations.add(generation);
    return generation;
  };

  const shut = (generation: Generation): Promise<void> => {
    generation.closing ??= within(generation.driver.close(), tidyMs, 'closing the Neo4j driver')
      .catch(() => undefined)
      .then(() => {
        generations.delete(generation);
      });
    return generation.closing;
  };

  const retire = (generation: Generation, error: SinkError): void => {
    if (generation.retired) return;
    generation.retired = true;
    if (current === generation) current = undefined;
    const code = error.fault.native ?? error.fault.code;
    retired[code] = (retired[code] ?? 0) + 1;
    if (generation.inFlight === 0) shut(generation).catch(() => undefined);
  };

  const leave = (generation: Generation): void => {
    generation.inFlight -= 1;
    if (generation.retired && generation.inFlight === 0) shut(generation).catch(() => undefined);
  };

  const begin = async ({ signal, timeoutMs = transactionTimeoutMs }: BeginOptions = {}): Promise<Transaction> => {
    const generation = current ?? make();
    generation.inFlight += 1;
    let session: Session | undefined;
    const failed = (thrown: unknown): SinkError => {
      const error = classify(thrown);
      if (mustRetire(error)) retire(generation, error);
      return error;
    };
    try {
      session = generation.driver.session({
        defaultAccessMode: neo4j.session.WRITE,
        ...(settings.database === undefined ? {} : { database: settings.database }),
      });
      const opening = session.beginTransaction({
        timeout: timeoutMs,
        metadata: { app: settings.userAgent ?? 'inator' },
      });
      const transaction = await bounded(opening, acquireMs, 'connecting to Neo4j', signal);
      return makeTransaction(transaction, session, {
        deadlineMs: timeoutMs + graceMs,
        signal,
        failed,
        retire: (error) => retire(generation, error),
        done: () => leave(generation),
      });
    } catch (thrown) {
      const error = failed(thrown);
      if (session !== undefined) closeSession(session).catch(() => undefined);
      leave(generation);
      throw error;
    }
  };

  return {
    begin,
    concurrency: createConcurrency(),
    transactionMs: transactionTimeoutMs + graceMs,
    async check(signal) {
      const transaction = await begin({ signal, timeoutMs: Math.min(transactionTimeoutMs, 5_000) });
      try {
        await transaction.run('CREATE (n) DELETE n RETURN 1 AS one');
      } finally {
        await transaction.rollback();
      }
    },
    async version(signal) {
      const transaction = await begin({ signal });
      try {
        const { rows } = await transaction.run(
          "CALL dbms.components() YIELD name, versions WHERE name = 'Neo4j Kernel' RETURN versions[0] AS version",
        );
        return String(rows[0]?.version ?? 'unknown');
      } finally {
        await transaction.rollback();
      }
    },
    stats: () => ({
      inFlight: [...generations].reduce((sum, { inFlight }) => sum + inFlight, 0),
      driversMade,
      retired: { ...retired },
    }),
    async close() {
      closed = true;
      current = undefined;
      const busy = (): boolean => [...generations].some(({ inFlight }) => inFlight > 0);
      const until = performance.now() + tidyMs;
      while (busy() && performance.now() < until) await delay(20);
      await Promise.all([...generations].map(shut));
    },
  };
}
