/**
 * Servers that may be hurt, users with passwords that no log may show, and a proxy on each link. Everything here is
 * private to one run and goes with it.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Server, shortLivedJava } from '@inator/stack';
import { type Proxy as Link, startOwnServer, startProxy } from '@inator/testkit/hurt';
import { type Graph, openGraph, openTables, type Tables } from '../support/stores.ts';
import { type LinkTarget, linkNames, type ServerTarget } from './plan.ts';

export interface Arena {
  /** Logs of the services, and of the servers when they are kept. */
  readonly logs: string;
  readonly servers: Readonly<Record<ServerTarget, Server>>;
  readonly links: Readonly<Record<LinkTarget, Link>>;
  readonly prefix: string;
  readonly schema: string;
  /** Past the proxies, as administrators. */
  readonly tables: Tables;
  readonly graph: Graph;
  readonly brokerUrl: string;
  /** The broker's HTTP API. Rejects on a status of 400 and above, 404 excepted. */
  manage<T>(method: string, path: string, body?: unknown): Promise<T | undefined>;
  /** What the services are configured with: through the proxies, as the users that may do only what they need. */
  readonly environment: Readonly<Record<'tableinator' | 'graphinator', Readonly<Record<string, string>>>>;
  readonly postgresUser: string;
  /** Passwords and the mark in every body: no line of a log may hold one. */
  readonly secrets: readonly string[];
  readonly canary: string;
  /** Copies the servers' logs beside those of the services, and leaves them there; returns the folder. */
  keepLogs(): string;
  /** Ends the servers and, unless the logs are kept, leaves nothing. */
  close(): Promise<void>;
}

const user = 'chaos';
const schema = 'chaos';
const prefix = 'chaos';

/** A Java machine that is started among ten others on two cores has been seen to need five minutes. */
const startTimeoutMs = 900_000;

export async function openArena(report: (line: string) => void): Promise<Arena> {
  const root = mkdtempSync(join(tmpdir(), 'inator-chaos-'));
  chmodSync(root, 0o711);
  const logs = join(root, 'logs');
  mkdirSync(logs);
  // When this process dies, its servers and their data go with it; the folder they stand in only if it is empty then.
  const clear = (): void => {
    if (!existsSync(join(logs, 'README'))) rmSync(logs, { recursive: true, force: true });
  };
  process.on('exit', clear);
  const secret = (of: string): string => `canary-${of}-${randomBytes(6).toString('hex')}`;
  const passwords = { rabbitmq: secret('rabbitmq'), postgres: secret('postgres'), neo4j: secret('neo4j') };
  const canary = secret('body');
  const options = (kind: string) => ({ dir: join(root, kind), report, startTimeoutMs });
  const started = await Promise.allSettled([
    startOwnServer('rabbitmq', options('rabbitmq')),
    startOwnServer('postgres', { ...options('postgres'), settings: { max_connections: '300' } }),
    startOwnServer('neo4j', { ...options('neo4j'), password: passwords.neo4j, java: shortLivedJava }),
  ]);
  const up = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const removeAll = async (): Promise<void> => {
    await Promise.all(up.map((server) => server.remove()));
  };
  for (const one of started) {
    if (one.status === 'fulfilled') continue;
    await removeAll();
    rmSync(root, { recursive: true, force: true });
    throw one.reason;
  }
  const [rabbitmq, postgres, neo4j] = up as [Server, Server, Server];
  const servers = { rabbitmq, postgres, neo4j };

  const links = Object.fromEntries(
    await Promise.all(
      linkNames.map(async (link) => {
        const { port } = servers[link.split('-')[1] as ServerTarget];
        return [link, await startProxy({ target: { host: '127.0.0.1', port } })] as const;
      }),
    ),
  ) as Record<LinkTarget, Link>;

  const management = new URL(rabbitmq.env.RABBITMQ_MANAGEMENT_URL ?? '');
  const authorization = `Basic ${Buffer.from(`${management.username}:${management.password}`).toString('base64')}`;
  const manage = async <T>(method: string, path: string, body?: unknown): Promise<T | undefined> => {
    const response = await fetch(`http://${management.host}/api/${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(15_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status >= 400 && response.status !== 404)
      throw new Error(`the broker answers ${response.status} to ${method} ${path}`);
    return text === '' || response.status === 404 ? undefined : (JSON.parse(text) as T);
  };

  const tables = openTables(postgres.url);
  const graph = openGraph(neo4j.url, 'neo4j', passwords.neo4j);
  await manage('PUT', `users/${user}`, { password: passwords.rabbitmq, tags: '' });
  await manage('PUT', `permissions/%2f/${user}`, { configure: '.*', write: '.*', read: '.*' });
  await tables.query(`create role ${user} login password '${passwords.postgres}'`);
  await tables.query(`create schema ${schema} authorization ${user}`);

  const amqp = (link: LinkTarget): string => `amqp://${user}:${passwords.rabbitmq}@127.0.0.1:${links[link].port}`;
  const common = {
    RABBITMQ_EXCHANGE_PREFIX: prefix,
    // Losses by silence must show within a round.
    RABBITMQ_HEARTBEAT: '5',
    DRAIN_TIMEOUT: '10',
    LOG_LEVEL: 'debug',
  };
  return {
    logs,
    servers,
    links,
    prefix,
    schema,
    tables,
    graph,
    brokerUrl: rabbitmq.url,
    manage,
    environment: {
      tableinator: {
        ...common,
        RABBITMQ_URL: amqp('tableinator-rabbitmq'),
        POSTGRES_URL: `postgresql://${user}:${passwords.postgres}@127.0.0.1:${links['tableinator-postgres'].port}/inator`,
        POSTGRES_SCHEMA: schema,
        POSTGRES_BATCH_SIZE: '200',
        POSTGRES_BATCH_FLUSH_INTERVAL: '0.3',
        POSTGRES_STATEMENT_TIMEOUT: '8',
        POSTGRES_LOCK_TIMEOUT: '2',
      },
      graphinator: {
        ...common,
        RABBITMQ_URL: amqp('graphinator-rabbitmq'),
        NEO4J_URI: `bolt://127.0.0.1:${links['graphinator-neo4j'].port}`,
        NEO4J_USERNAME: 'neo4j',
        NEO4J_PASSWORD: passwords.neo4j,
        NEO4J_BATCH_SIZE: '200',
        NEO4J_BATCH_FLUSH_INTERVAL: '0.3',
      },
    },
    postgresUser: user,
    secrets: [...Object.values(passwords), canary],
    canary,
    keepLogs() {
      for (const { kind, dir } of up) {
        if (dir === undefined) continue;
        for (const file of [`${kind}.log`, 'log']) {
          if (existsSync(join(dir, file)))
            cpSync(join(dir, file), join(logs, `server-${kind}`, file), { recursive: true });
        }
      }
      writeFileSync(
        join(logs, 'README'),
        'Logs of a chaos run that found something. Delete them when they are read.\n',
      );
      return logs;
    },
    async close() {
      await Promise.allSettled([tables.close(), graph.close(), ...Object.values(links).map((link) => link.close())]);
      await removeAll();
      process.off('exit', clear);
      if (!existsSync(join(logs, 'README'))) rmSync(root, { recursive: true, force: true });
    },
  };
}
