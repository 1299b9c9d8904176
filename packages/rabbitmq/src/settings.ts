/** Where the broker is and how it is spoken to. */
import type { Options } from 'amqplib';
import { credentials } from './amqp.ts';

export interface TlsSettings {
  /** Certificate authorities to trust, PEM; the system's when absent. */
  readonly ca?: string | Buffer;
  /** Name that the server's certificate must carry, when it is not the host's. */
  readonly servername?: string;
  /** False accepts any certificate: only ever by an explicit word of the operator. Default true. */
  readonly verify?: boolean;
  /** Certificate and key to show to the broker, PEM, where it asks for one. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

export interface BrokerSettings {
  readonly host: string;
  /** Default 5672, with TLS 5671. */
  readonly port?: number;
  /** Default `guest`, which RabbitMQ lets in from its own machine only. */
  readonly username?: string;
  /** Asked before every attempt to connect, so that a rotated password is picked up. Default `guest`. */
  readonly password?: () => string;
  /** Default `/`. */
  readonly vhost?: string;
  readonly tls?: TlsSettings;
  /**
   * Seconds between signs of life; a silent peer is given up after two to three of them. Default 15, at least 1: without
   * heartbeats a link that swallows packets would never be noticed.
   */
  readonly heartbeatSeconds?: number;
  /** For address, socket, TLS and handshake together, in milliseconds. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** For an orderly close, in milliseconds, after which the socket is destroyed. Default 5,000. */
  readonly closeTimeoutMs?: number;
  /** Shown in the broker's list of connections. */
  readonly connectionName?: string;
}

export const settingsDefaults = {
  username: 'guest',
  vhost: '/',
  heartbeatSeconds: 15,
  connectTimeoutMs: 10_000,
  closeTimeoutMs: 5_000,
  connectionName: 'inator',
} as const;

/**
 * Settings from `amqp://user:password@host:port/vhost` or `amqps://…`. Throws a `TypeError` that does not quote the URL,
 * because it may hold a password.
 */
export function brokerSettingsFromUrl(
  url: string,
  more: Omit<BrokerSettings, 'host' | 'port' | 'username' | 'password' | 'vhost'> = {},
): BrokerSettings {
  const parts = parse(url);
  if (parts.protocol !== 'amqp:' && parts.protocol !== 'amqps:') {
    throw new TypeError(`the URL of the broker begins with ${parts.protocol}//: expected amqp:// or amqps://`);
  }
  const { password } = parts;
  return {
    ...more,
    host: parts.host,
    ...(parts.port === '' ? {} : { port: Number(parts.port) }),
    ...(parts.username === '' ? {} : { username: parts.username }),
    ...(password === '' ? {} : { password: () => password }),
    ...(parts.vhost === '' ? {} : { vhost: parts.vhost }),
    ...(parts.protocol === 'amqps:' ? { tls: more.tls ?? {} } : {}),
  };
}

function parse(text: string): Record<'protocol' | 'host' | 'port' | 'username' | 'password' | 'vhost', string> {
  try {
    const url = new URL(text);
    return {
      protocol: url.protocol,
      host: url.hostname.replace(/^\[|\]$/g, '') || 'localhost',
      port: url.port,
      username: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      vhost: decodeURIComponent(url.pathname.slice(1)),
    };
  } catch {
    throw new TypeError('the URL of the broker cannot be read: expected amqp://user:password@host:port/vhost');
  }
}

/** Host and port for messages: never with credentials. */
export function address(settings: BrokerSettings): string {
  return `${settings.host}:${settings.port ?? (settings.tls === undefined ? 5672 : 5671)}`;
}

/** amqplib's two arguments. `signal` destroys the socket from the first packet on, DNS and TLS included. */
export function connectArguments(
  settings: BrokerSettings,
  signal: AbortSignal,
): [Options.Connect, Record<string, unknown>] {
  const { tls } = settings;
  return [
    {
      protocol: tls === undefined ? 'amqp' : 'amqps',
      hostname: settings.host,
      port: settings.port ?? (tls === undefined ? 5672 : 5671),
      // amqplib unescapes the name even where it was never part of a URL.
      vhost: encodeURIComponent(settings.vhost ?? settingsDefaults.vhost),
      heartbeat: Math.max(1, settings.heartbeatSeconds ?? settingsDefaults.heartbeatSeconds),
    },
    {
      signal,
      noDelay: true,
      keepAlive: true,
      keepAliveDelay: 10_000,
      credentials: credentials.plain(settings.username ?? settingsDefaults.username, settings.password?.() ?? 'guest'),
      clientProperties: {
        product: 'inator',
        connection_name: settings.connectionName ?? settingsDefaults.connectionName,
      },
      ...(tls === undefined
        ? {}
        : {
            rejectUnauthorized: tls.verify !== false,
            ...(tls.ca === undefined ? {} : { ca: tls.ca }),
            ...(tls.servername === undefined ? {} : { servername: tls.servername }),
            ...(tls.cert === undefined ? {} : { cert: tls.cert }),
            ...(tls.key === undefined ? {} : { key: tls.key }),
          }),
    },
  ];
}
