/** How to reach PostgreSQL and how patient to be with it. */
import { fault, SinkError } from '@inator/runtime';

/**
 * As in libpq: `require` encrypts without looking at the certificate (with a `ca` it is `verify-ca`), `verify-ca` checks
 * who signed it, `verify-full` also whom it was made out to. There is no `prefer`: it falls back to plain text without
 * a word, which is no setting at all.
 */
export type SslMode = 'disable' | 'require' | 'verify-ca' | 'verify-full';
export const sslModes: readonly SslMode[] = ['disable', 'require', 'verify-ca', 'verify-full'];

export interface PostgresSettings {
  /** `postgres://user:password@host:port/database?sslmode=…`; the fields below override its parts. */
  readonly url?: string | undefined;
  /** Name, address, or the directory of a Unix socket. Default `localhost`. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** Default: the user's name. */
  readonly database?: string | undefined;
  /** Default `postgres`. */
  readonly user?: string | undefined;
  /** Read again for every connection, so that a rotated password is used without a restart. */
  readonly password?: (() => string) | undefined;
  readonly sslMode?: SslMode | undefined;
  /** Certificates of the authorities to trust, PEM. Default: those Node.js brings. */
  readonly ca?: string | undefined;
  /** Where the tables are. Default `public`. */
  readonly schema?: string | undefined;
  readonly applicationName?: string | undefined;
  /** Connections at most (default 50) and kept when idle (default 5). */
  readonly poolMax?: number | undefined;
  readonly poolMin?: number | undefined;
  /**
   * How often one write tries to get a connection before it reports the store unavailable, within `connectTimeoutMs`
   * altogether. Default 5. The batch itself is retried by the runtime, without an end.
   */
  readonly maxRetries?: number | undefined;
  /** Idle connections are tried this often, the dead ones evicted. Default 30,000. */
  readonly healthCheckIntervalMs?: number | undefined;
  /** From wanting a connection to having it, waiting for a free one included. Default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** The server ends a longer statement. Default 60,000. Our own deadline is `deadlineGraceMs` later. */
  readonly statementTimeoutMs?: number | undefined;
  /**
   * The server ends a longer wait for a lock. Default 10,000; at most a third of `statementTimeoutMs` is used, so that a
   * record that waits for others (for the row, then for its index entry) is never taken for one that is slow.
   */
  readonly lockTimeoutMs?: number | undefined;
  /** The server ends a transaction that we left idle (a stopped process) and frees its locks. Default 60,000. */
  readonly idleInTransactionTimeoutMs?: number | undefined;
  /** What a statement may take beyond the server's own time-out before the link counts as dead. Default 5,000. */
  readonly deadlineGraceMs?: number | undefined;
}

export interface ResolvedSettings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: () => string;
  readonly sslMode: SslMode;
  readonly ca: string | undefined;
  readonly schema: string;
  readonly applicationName: string;
  readonly poolMax: number;
  readonly poolMin: number;
  readonly maxRetries: number;
  readonly healthCheckIntervalMs: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly idleInTransactionTimeoutMs: number;
  readonly deadlineGraceMs: number;
}

/** Throws a `misconfigured` SinkError that names the setting; the password is in no message. */
export function resolveSettings(settings: PostgresSettings): ResolvedSettings {
  const url = settings.url === undefined ? {} : partsOf(settings.url);
  const user = settings.user ?? url.user ?? 'postgres';
  const sslMode = settings.sslMode ?? url.sslMode ?? 'disable';
  const poolMax = count('poolMax', settings.poolMax ?? 50, 1);
  const statementTimeoutMs = count('statementTimeoutMs', settings.statementTimeoutMs ?? 60_000, 1);
  if (sslMode === 'verify-ca' && settings.ca === undefined) {
    throw misconfigured(
      'sslmode=verify-ca needs a CA: with public authorities anyone can get a certificate that passes',
    );
  }
  return {
    host: settings.host ?? url.host ?? 'localhost',
    port: count('port', settings.port ?? url.port ?? 5432, 1),
    database: settings.database ?? url.database ?? user,
    user,
    password: settings.password ?? (() => url.password ?? ''),
    sslMode,
    ca: settings.ca,
    schema: settings.schema ?? 'public',
    applicationName: settings.applicationName ?? url.applicationName ?? 'inator',
    poolMax,
    poolMin: Math.min(poolMax, count('poolMin', settings.poolMin ?? 5, 0)),
    maxRetries: count('maxRetries', settings.maxRetries ?? 5, 1),
    healthCheckIntervalMs: count('healthCheckIntervalMs', settings.healthCheckIntervalMs ?? 30_000, 1),
    connectTimeoutMs: count('connectTimeoutMs', settings.connectTimeoutMs ?? 10_000, 1),
    statementTimeoutMs,
    lockTimeoutMs: Math.min(
      count('lockTimeoutMs', settings.lockTimeoutMs ?? 10_000, 1),
      Math.max(1, Math.floor(statementTimeoutMs / 3)),
    ),
    idleInTransactionTimeoutMs: count('idleInTransactionTimeoutMs', settings.idleInTransactionTimeoutMs ?? 60_000, 1),
    deadlineGraceMs: count('deadlineGraceMs', settings.deadlineGraceMs ?? 5_000, 1),
  };
}

interface UrlParts {
  host?: string;
  port?: number;
  database?: string;
  user?: string;
  password?: string;
  sslMode?: SslMode;
  applicationName?: string;
}

function partsOf(text: string): UrlParts {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw misconfigured('the PostgreSQL URL cannot be read; it is postgres://user:password@host:port/database');
  }
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    throw misconfigured(`the PostgreSQL URL starts with ${url.protocol}//, not postgres://`);
  }
  const parts: UrlParts = {};
  const set = <K extends keyof UrlParts>(name: K, value: UrlParts[K] | undefined): void => {
    if (value !== undefined && value !== '') parts[name] = value;
  };
  set('host', decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1'));
  set('port', url.port === '' ? undefined : Number(url.port));
  set('database', decodeURIComponent(url.pathname.slice(1)));
  set('user', decodeURIComponent(url.username));
  set('password', decodeURIComponent(url.password));
  for (const [name, value] of url.searchParams) {
    if (name === 'sslmode') set('sslMode', sslModeOf(value));
    else if (name === 'application_name') set('applicationName', value);
    else if (name === 'host') set('host', value);
    else throw misconfigured(`the PostgreSQL URL has a parameter "${name}"; known are sslmode, application_name, host`);
  }
  return parts;
}

function sslModeOf(value: string): SslMode {
  const mode = sslModes.find((known) => known === value);
  if (mode === undefined) throw misconfigured(`sslmode=${value} is not one of ${sslModes.join(', ')}`);
  return mode;
}

function count(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw misconfigured(`${name} is ${value}, not an integer of at least ${least}`);
}

export function misconfigured(reason: string, cause?: unknown): SinkError {
  return new SinkError('misconfigured', fault('store-misconfigured', 'merge', reason), { cause });
}
