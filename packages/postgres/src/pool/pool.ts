/** A pool of connections that survives the loss of any of them, and of all. */
import { backoffMs, delay, fault, SinkError, within } from '@inator/runtime';
import pg, { type ClientConfig, type PoolClient, type QueryResult, type QueryResultRow } from 'pg';
import { classify, endingSession } from '../faults/classify.ts';
import { aborted, type Lease, onLease } from './lease.ts';
import { type PostgresSettings, type ResolvedSettings, resolveSettings } from './settings.ts';
import { tlsOptions } from './tls.ts';

export interface PoolStats {
  /** Connections at work, idle, and writes that wait for one. */
  readonly active: number;
  readonly idle: number;
  readonly waiting: number;
  readonly max: number;
  /** Connections thrown away since the start because they were dead or in a doubtful state. */
  readonly evicted: number;
}

/** What the server allows, to compare with `poolMax` times the replicas. */
export interface ServerLimits {
  readonly maxConnections: number;
  /** Of these, kept for superusers and reserved roles. */
  readonly reserved: number;
  /** Connections the role and the database may have; undefined where not limited. */
  readonly roleLimit: number | undefined;
  readonly databaseLimit: number | undefined;
  /** Other processes of this service that are connected: application names that begin with the same word. */
  readonly peers: number;
  /** As `server_version` says it, and as a number: 150020. */
  readonly version: string;
  readonly versionNumber: number;
}

export interface LeaseOptions {
  /** What one statement may take on the server, where the work sets its own `statement_timeout`, in milliseconds. */
  readonly statementTimeoutMs?: number;
}

export interface Postgres {
  readonly settings: Omit<ResolvedSettings, 'password'>;
  /** What is lawful but should be said at start-up, one sentence each. */
  readonly warnings: readonly string[];
  /**
   * Does `work` on one connection. Behind a transaction pooler nothing of the session may be relied on outside a
   * transaction. Rejects with `SinkError` where no connection could be had, else with what `work` rejects with.
   */
  lease<T>(work: (lease: Lease) => Promise<T>, signal?: AbortSignal, options?: LeaseOptions): Promise<T>;
  /** One statement on any connection; rejects with `SinkError`. */
  query<Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    signal?: AbortSignal,
  ): Promise<QueryResult<Row>>;
  /** BEGIN and the limits of this transaction, to be followed by statements in the same message. */
  readonly begin: string;
  stats(): PoolStats;
  /** The canary: resolves when the server answers and takes writes, else rejects with `SinkError`. */
  check(signal?: AbortSignal): Promise<void>;
  limits(signal?: AbortSignal): Promise<ServerLimits>;
  /** Ends every connection within `closeMs`, by force where it must. Idempotent. */
  close(): Promise<void>;
}

/** Idle connections beyond `poolMin` are closed after this. */
const idleMs = 60_000;
/** What a health check of one idle connection, and closing all, may take. */
const probeMs = 5_000;
const closeMs = 5_000;

export function createPostgres(input: PostgresSettings): Postgres {
  const settings = resolveSettings(input);
  const { password, ...shown } = settings;
  const deadlineMs = settings.statementTimeoutMs + settings.deadlineGraceMs;
  let evicted = 0;
  const clients = new Set<pg.Client>();

  /** pg's pool listens to idle clients only; a checked-out one without a listener would end the process. */
  class WatchedClient extends pg.Client {
    constructor(config?: string | ClientConfig) {
      super(config);
      clients.add(this);
      this.on('error', () => undefined);
      this.on('end', () => clients.delete(this));
    }
  }

  const pool = new pg.Pool({
    host: settings.host,
    port: settings.port,
    database: settings.database,
    user: settings.user,
    password: readPassword(password),
    ssl: tlsOptions(settings),
    application_name: settings.applicationName,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: settings.connectTimeoutMs,
    max: settings.poolMax,
    min: settings.poolMin,
    idleTimeoutMillis: idleMs,
    Client: WatchedClient,
  });
  pool.on('error', () => {
    evicted += 1;
  });

  let closing: Promise<void> | undefined;
  let health: ReturnType<typeof setInterval> | undefined;

  const connectOnce = async (timeoutMs: number, signal: AbortSignal | undefined): Promise<PoolClient> => {
    const connecting = pool.connect();
    const given = onAbort(signal);
    try {
      return await within(Promise.race([connecting, given.promise]), timeoutMs, 'getting a connection');
    } catch (error) {
      // It may still come, to nobody: back it goes.
      connecting.then((client) => client.release(), ignore);
      throw error;
    } finally {
      given.forget();
    }
  };

  /** Up to `maxRetries` tries within `connectTimeoutMs`; what only an operator can mend is not tried again here. */
  const connect = async (signal: AbortSignal | undefined): Promise<PoolClient> => {
    const until = performance.now() + settings.connectTimeoutMs;
    for (let attempt = 1; ; attempt += 1) {
      if (signal?.aborted) throw aborted();
      try {
        const client = await connectOnce(Math.max(1, until - performance.now()), signal);
        health ??= setInterval(() => void healthRound(), settings.healthCheckIntervalMs).unref();
        return client;
      } catch (error) {
        const failure = classify(error, { stage: 'copy' });
        const pauseMs = backoffMs(attempt, { firstMs: 100, maxMs: 2_000 });
        const last = attempt >= settings.maxRetries || performance.now() + pauseMs >= until;
        if (last || closing !== undefined || failure.is === 'misconfigured') throw failure;
        await delay(pauseMs, signal);
      }
    }
  };

  const lease: Postgres['lease'] = async (work, signal, { statementTimeoutMs } = {}) => {
    const client = await connect(signal);
    const patience = statementTimeoutMs === undefined ? deadlineMs : statementTimeoutMs + settings.deadlineGraceMs;
    return onLease(client, patience, signal, work, () => {
      evicted += 1;
    });
  };

  const query: Postgres['query'] = async (text, values, signal) => {
    try {
      return await lease((it) => it.query(text, values), signal);
    } catch (error) {
      throw classify(error);
    }
  };

  /** Tries every idle connection, evicts the dead, and opens new ones up to `poolMin`. Never while writes wait. */
  const probe = async (): Promise<void> => {
    const client = await connectOnce(settings.connectTimeoutMs, undefined);
    await onLease(
      client,
      probeMs,
      undefined,
      (it) => it.query('SELECT 1'),
      () => {
        evicted += 1;
      },
    );
  };
  let rounding = false;
  const healthRound = async (): Promise<void> => {
    if (rounding || closing !== undefined || pool.waitingCount > 0) return;
    rounding = true;
    const wanted = pool.idleCount + Math.max(0, settings.poolMin - pool.totalCount);
    // A failure has already evicted its client; writes report the outage.
    await Promise.allSettled(Array.from({ length: wanted }, probe));
    rounding = false;
  };

  const close = async (): Promise<void> => {
    clearInterval(health);
    const ended = Promise.all([...clients].map((client) => new Promise((resolve) => client.once('end', resolve))));
    await within(Promise.all([pool.end(), ended]), closeMs, 'closing the pool').catch(ignore);
    for (const client of clients) client.connection.stream.destroy();
  };

  return {
    settings: shown,
    warnings: warningsOf(settings),
    lease,
    query,
    begin: beginWith(settings),
    stats: () => ({
      active: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
      max: settings.poolMax,
      evicted,
    }),
    async check(signal) {
      try {
        await lease(requireWritable, signal);
      } catch (error) {
        throw classify(error);
      }
    },
    async limits(signal) {
      const own = settings.applicationName;
      const names = [own, own.split(' ')[0]];
      const { rows } = await query<Record<keyof ServerLimits, string | null>>(limitsSql, names, signal);
      const row = rows[0];
      const limit = (value: string | null | undefined): number | undefined =>
        value == null ? undefined : Number(value);
      return {
        maxConnections: Number(row?.maxConnections),
        reserved: Number(row?.reserved),
        roleLimit: limit(row?.roleLimit),
        databaseLimit: limit(row?.databaseLimit),
        peers: Number(row?.peers),
        version: row?.version ?? 'unknown',
        versionNumber: Number(row?.versionNumber),
      };
    },
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** A session that cannot write is given up: behind a name or a proxy, the next may reach a server that takes writes. */
async function requireWritable({ query }: Lease): Promise<void> {
  const { rows } = await query<{ readonly: string; standby: boolean }>(
    "SELECT pg_catalog.current_setting('transaction_read_only') AS readonly, pg_catalog.pg_is_in_recovery() AS standby",
  );
  const row = rows[0];
  if (row?.readonly === 'off' && !row.standby) return;
  const why = row?.standby ? 'it is a standby' : 'transactions are read-only';
  const reason = `PostgreSQL answers but takes no writes: ${why}`;
  throw endingSession(new SinkError('unavailable', fault('store-busy', 'merge', reason)));
}

const limitsSql = `
SELECT current_setting('max_connections') AS "maxConnections",
       (current_setting('superuser_reserved_connections')::int
         + coalesce(current_setting('reserved_connections', true), '0')::int)::text AS "reserved",
       (SELECT nullif(rolconnlimit, -1)::text FROM pg_catalog.pg_roles WHERE rolname = current_user) AS "roleLimit",
       (SELECT nullif(datconnlimit, -1)::text FROM pg_catalog.pg_database WHERE datname = current_database())
         AS "databaseLimit",
       (SELECT count(DISTINCT application_name)::text FROM pg_catalog.pg_stat_activity
         WHERE application_name <> $1 AND pg_catalog.split_part(application_name, ' ', 1) = $2) AS "peers",
       current_setting('server_version') AS "version",
       current_setting('server_version_num') AS "versionNumber"`;

/**
 * Everything as SET LOCAL: a transaction pooler refuses such settings at connection, and must not carry them to others.
 * `synchronous_commit` is on whatever the role's default: an ack after a commit that a crash undoes would be a lie.
 */
function beginWith(settings: ResolvedSettings): string {
  return [
    'BEGIN ISOLATION LEVEL READ COMMITTED',
    `SET LOCAL statement_timeout = ${settings.statementTimeoutMs}`,
    `SET LOCAL lock_timeout = ${settings.lockTimeoutMs}`,
    `SET LOCAL idle_in_transaction_session_timeout = ${settings.idleInTransactionTimeoutMs}`,
    'SET LOCAL synchronous_commit = on',
  ].join('; ');
}

function warningsOf({ sslMode, ca, host }: ResolvedSettings): readonly string[] {
  if (sslMode !== 'require' || ca !== undefined) return [];
  return [`sslmode=require encrypts the connection to ${host} but does not verify whom it is with; verify-full does`];
}

/** A password that cannot be read (its file is being replaced) fails this connection, not the process. */
function readPassword(password: () => string): () => string {
  return () => {
    try {
      return password();
    } catch (error) {
      throw new SinkError('misconfigured', fault('store-misconfigured', 'copy', 'the password cannot be read'), {
        cause: error,
      });
    }
  };
}

function onAbort(signal: AbortSignal | undefined): { readonly promise: Promise<never>; forget(): void } {
  let forget = (): void => undefined;
  const promise = new Promise<never>((_, reject) => {
    const listener = (): void => reject(aborted());
    signal?.addEventListener('abort', listener, { once: true });
    forget = () => signal?.removeEventListener('abort', listener);
  });
  promise.catch(ignore);
  return { promise, forget };
}

const ignore = (): undefined => undefined;
