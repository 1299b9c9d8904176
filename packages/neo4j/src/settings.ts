/** How to reach the graph store, and what of it goes into the driver's own configuration. */
import { fault, SinkError } from '@inator/runtime';
import { auth, type Config } from 'neo4j-driver';

export interface Neo4jSettings {
  /** `bolt`, `bolt+s`, `neo4j` or `neo4j+s`. Unchecked TLS (`+ssc`) is refused. */
  readonly uri: string;
  readonly username?: string | undefined;
  /** Asked whenever a driver is made, so that a rotated password is picked up at the next connect. */
  readonly password?: (() => string) | undefined;
  /** Default: the user's home database. */
  readonly database?: string | undefined;
  /** TLS for a plain scheme; `+s` and `caFile` imply it. */
  readonly encrypted?: boolean | undefined;
  /** PEM file of the certificate authority to trust instead of the system's. */
  readonly caFile?: string | undefined;
  /** Connections at most, default 50. */
  readonly poolMax?: number | undefined;
  /** For one TCP connect with its handshake, default 5,000; waiting for a free connection may take twice that. */
  readonly connectTimeoutMs?: number | undefined;
  /** The server ends a transaction after this, default 30,000. Our own deadline follows `graceMs` later. */
  readonly transactionTimeoutMs?: number | undefined;
  /** What the server calls us in its list of connections. */
  readonly userAgent?: string | undefined;
}

export const defaultConnectTimeoutMs = 5_000;
export const defaultTransactionTimeoutMs = 30_000;
/** Between the server's own deadline, which names its reason, and ours, which can only say that nobody answers. */
export const graceMs = 1_500;

export function misconfigured(reason: string, cause?: unknown): SinkError {
  return new SinkError('misconfigured', fault('store-misconfigured', 'graph', reason), { cause });
}

/** Where to connect and how. Throws `SinkError` `misconfigured` for a URI that is none, or that would not check TLS. */
export function driverTarget(settings: Neo4jSettings): { readonly uri: string; readonly config: Config } {
  const scheme = /^([a-z0-9+]+):\/\//i.exec(settings.uri)?.[1]?.toLowerCase();
  if (scheme?.endsWith('+ssc')) {
    throw misconfigured(`the Neo4j URI says ${scheme}, which checks no certificate: use +s, with a CA file if needed`);
  }
  if (scheme === undefined || !['bolt', 'neo4j', 'bolt+s', 'neo4j+s'].includes(scheme)) {
    throw misconfigured('the Neo4j URI must begin with bolt://, bolt+s://, neo4j:// or neo4j+s://');
  }
  const connectTimeoutMs = settings.connectTimeoutMs ?? defaultConnectTimeoutMs;
  const config: Config = {
    // Retrying is the runtime's, which knows what is held and for how long.
    maxTransactionRetryTime: 0,
    disableAutoCommitRetries: true,
    maxConnectionPoolSize: settings.poolMax ?? 50,
    connectionTimeout: connectTimeoutMs,
    connectionAcquisitionTimeout: 2 * connectTimeoutMs,
    // A connection that was idle this long may have been cut by something in between: ask before trusting it.
    connectionLivenessCheckTimeout: 30_000,
    // 64-bit versions must come back whole.
    useBigInt: true,
    telemetryDisabled: true,
    notificationFilter: { minimumSeverityLevel: 'OFF' },
    userAgent: settings.userAgent ?? 'inator',
  };
  const ownCa = settings.caFile !== undefined;
  if (scheme.endsWith('+s') && !ownCa) return { uri: settings.uri, config };
  // The driver takes trust settings only beside a plain scheme.
  const uri = settings.uri.replace(/^([a-z0-9]+)\+s:/i, '$1:');
  if (ownCa) {
    config.encrypted = 'ENCRYPTION_ON';
    config.trust = 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES';
    config.trustedCertificates = [settings.caFile ?? ''];
  } else {
    config.encrypted = settings.encrypted === true ? 'ENCRYPTION_ON' : 'ENCRYPTION_OFF';
    if (settings.encrypted === true) config.trust = 'TRUST_SYSTEM_CA_SIGNED_CERTIFICATES';
  }
  return { uri, config };
}

export function authToken(settings: Neo4jSettings): ReturnType<typeof auth.basic> | undefined {
  if (settings.username === undefined && settings.password === undefined) return undefined;
  return auth.basic(settings.username ?? 'neo4j', settings.password?.() ?? '');
}
