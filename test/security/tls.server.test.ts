/**
 * TLS to all three servers: with real servers that speak it, and with certificates that must not be believed shown in front
 * of them. A bad one costs time and nothing else: the service says what is wrong, is not ready, holds what it has, and goes
 * on by itself when the certificate is a good one again.
 */
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Server, shortLivedJava, startNeo4j, startPostgres, startRabbitmq } from '@inator/stack';
import { until } from '@inator/testkit/hurt';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RunningService, ServiceName } from '../support/service.ts';
import { openWorld, type Type, type World } from '../support/world.ts';
import { type Authority, type Kind, makeAuthority } from './support/certificates.ts';
import { sideBySide } from './support/side-by-side.ts';
import { type Front, freePort, startFront } from './support/tls-front.ts';

let dir: string;
let authority: Authority;
let rabbitmq: Server;
let postgres: Server;
let neo4j: Server;
let world: World;
let amqpsPort: number;
const fronts: Front[] = [];

/** Turns TLS on without a restart; the key must belong to the account that the server runs under. */
async function encryptPostgres(): Promise<void> {
  const { certFile, keyFile } = authority.identity('good');
  const [{ data = '' } = {}] = await world.tables
    .query<{ data: string }>('show data_directory as data')
    .catch(() => world.tables.query<{ data: string }>("select current_setting('data_directory') as data"));
  const { uid, gid } = statSync(data);
  if (process.getuid?.() === 0) chownSync(keyFile, uid, gid);
  chmodSync(keyFile, 0o600);
  await world.tables.query(`alter system set ssl_cert_file = '${certFile}'`);
  await world.tables.query(`alter system set ssl_key_file = '${keyFile}'`);
  await world.tables.query("alter system set ssl = 'on'");
  await world.tables.query('select pg_reload_conf()');
}

beforeAll(async () => {
  authority = makeAuthority();
  dir = mkdtempSync(join(tmpdir(), 'inator-tls-'));
  chmodSync(dir, 0o711);
  const { certFile, keyFile } = authority.identity('good');
  const options = (kind: string) => ({ dir: join(dir, kind), ownedByParent: true, ephemeral: true });
  amqpsPort = await freePort();
  const boltPort = await freePort();
  [rabbitmq, postgres, neo4j] = await Promise.all([
    startRabbitmq({
      ...options('rabbitmq'),
      settings: {
        'listeners.ssl.local': `127.0.0.1:${amqpsPort}`,
        'ssl_options.cacertfile': authority.caFile,
        'ssl_options.certfile': certFile,
        'ssl_options.keyfile': keyFile,
        'ssl_options.verify': 'verify_none',
        'ssl_options.fail_if_no_peer_cert': 'false',
      },
    }),
    startPostgres(options('postgres')),
    startNeo4j({
      ...options('neo4j'),
      port: boltPort,
      java: shortLivedJava,
      settings: {
        // Plain text beside TLS: the fronts speak it.
        'server.bolt.tls_level': 'OPTIONAL',
        'server.bolt.advertised_address': `localhost:${boltPort}`,
        'dbms.ssl.policy.bolt.enabled': 'true',
        'dbms.ssl.policy.bolt.base_directory': authority.dir,
        'dbms.ssl.policy.bolt.private_key': keyFile,
        'dbms.ssl.policy.bolt.public_certificate': certFile,
        'dbms.ssl.policy.bolt.client_auth': 'NONE',
      },
    }),
  ]);
  world = await openWorld({
    rabbitmq: rabbitmq.url,
    postgres: postgres.url,
    neo4j: { uri: neo4j.url, username: neo4j.env.NEO4J_USERNAME ?? '', password: neo4j.env.NEO4J_PASSWORD ?? '' },
  });
  await encryptPostgres();
  ways.start();
}, 240_000);

afterAll(async () => {
  await world?.close();
  for (const front of fronts) await front.close();
  await Promise.all([rabbitmq, postgres, neo4j].map((server) => server?.remove()));
  authority.remove();
  rmSync(dir, { recursive: true, force: true });
}, 120_000);

let published = 0;
async function publish(type: Type, count: number): Promise<void> {
  const bodies = Array.from({ length: count }, () => {
    published += 1;
    return `{"type":"data","id":"${published}","name":"n"}`;
  });
  await world.broker.publish(world.exchange(type), bodies);
}

async function nodes(label: string): Promise<number> {
  const [row] = await world.graph.query<{ n: number }>(
    `match (n:${label}) where n.sha256 is not null return count(n) as n`,
  );
  return row?.n ?? 0;
}

const overTls = (server: Server, port: number): string => {
  const url = new URL(server.url);
  url.hostname = 'localhost';
  url.port = String(port);
  return url.href.replace(/^amqp:/, 'amqps:').replace(/^bolt:/, 'bolt+s:');
};

/** The settings for TLS of one service to all its servers. */
function trusting(name: ServiceName, at: { amqps?: number; postgres?: number; bolt?: string } = {}) {
  return {
    RABBITMQ_URL: overTls(rabbitmq, at.amqps ?? amqpsPort),
    RABBITMQ_CA_FILE: authority.caFile,
    ...(name === 'tableinator'
      ? {
          POSTGRES_URL: overTls(postgres, at.postgres ?? postgres.port),
          POSTGRES_SSLMODE: 'verify-full',
          POSTGRES_CA_FILE: authority.caFile,
          POSTGRES_BATCH_FLUSH_INTERVAL: '0.2',
        }
      : {
          NEO4J_URI: at.bolt ?? overTls(neo4j, neo4j.port),
          NEO4J_CA_FILE: authority.caFile,
          NEO4J_BATCH_FLUSH_INTERVAL: '0.2',
        }),
  };
}

/** tableinator, with the certificates of the servers themselves. */
async function tables(): Promise<void> {
  const service = await world.start('tableinator', {
    ...trusting('tableinator'),
    DATA_TYPES: 'artists',
    INSTANCE: 'good',
  });
  await world.drained(service);
  await publish('artists', 3);
  await until(async () => (await world.rows('artists')) >= 3, 'rows');
  const encrypted = await world.tables.query<{ ssl: boolean }>(
    "select s.ssl from pg_stat_ssl s join pg_stat_activity a using (pid) where a.application_name = 'tableinator good'",
  );
  expect(encrypted.length).toBeGreaterThan(0);
  expect(encrypted.every(({ ssl }) => ssl)).toBe(true);
  expect(await service.stop()).toBe(0);
}

/** graphinator likewise, directly and by way of the server's own list of addresses. */
async function graphs(): Promise<void> {
  for (const scheme of ['bolt+s', 'neo4j+s']) {
    const bolt = overTls(neo4j, neo4j.port).replace(/^[a-z+0-9]+:/, `${scheme}:`);
    const before = await nodes('Artist');
    const service = await world.start('graphinator', { ...trusting('graphinator', { bolt }), DATA_TYPES: 'artists' });
    await world.drained(service);
    await publish('artists', 3);
    await until(async () => (await nodes('Artist')) >= before + 3, `nodes over ${scheme}`);
    expect((await service.get('/readyz')).status).toBe(200);
    expect(await service.stop()).toBe(0);
  }
}

/** What the log line must name, whatever library found it. */
const named: Readonly<Record<Exclude<Kind, 'good'>, RegExp>> = {
  expired: /CERT_HAS_EXPIRED/,
  'of another host': /ERR_TLS_CERT_ALTNAME_INVALID/,
  'signed by itself': /DEPTH_ZERO_SELF_SIGNED_CERT/,
  'of an unknown authority':
    /UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|an authority that is not trusted/,
};

interface Line {
  readonly event: string;
  readonly code?: string;
  readonly reason?: string;
  readonly native?: string;
}

interface Walk {
  readonly service: ServiceName;
  /** Each its own: an exchange hands its messages to both services. */
  readonly type: Type;
  readonly code: string;
  front(): Promise<Front>;
  env(front: Front): Readonly<Record<string, string>>;
  stored(): Promise<number>;
}

const walks: Readonly<Record<string, Walk>> = {
  PostgreSQL: {
    service: 'tableinator',
    type: 'labels',
    code: 'store-misconfigured',
    front: () => startFront({ target: postgres.port, asksFirst: true }, authority.identity('of an unknown authority')),
    env: (front) => trusting('tableinator', { postgres: front.port }),
    stored: () => world.rows('labels'),
  },
  RabbitMQ: {
    service: 'tableinator',
    type: 'masters',
    code: 'broker-refused',
    front: () => startFront({ target: rabbitmq.port }, authority.identity('of an unknown authority')),
    env: (front) => trusting('tableinator', { amqps: front.port }),
    stored: () => world.rows('masters'),
  },
  Neo4j: {
    service: 'graphinator',
    type: 'releases',
    code: 'store-misconfigured',
    front: () => startFront({ target: neo4j.port }, authority.identity('of an unknown authority')),
    env: (front) => trusting('graphinator', { bolt: overTls(neo4j, front.port) }),
    stored: () => nodes('Release'),
  },
};

/** Sees the service refuse the certificate, say so, and wait. */
async function refused(service: RunningService, walk: Walk, kind: Exclude<Kind, 'good'>, from: number) {
  const found = await until(
    () =>
      service.lines
        .slice(from)
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Line)
        .find(({ event, reason, native }) => {
          const isFailure = event === 'open.failed' || event === 'batch.held' || event === 'batch.retry';
          return isFailure && named[kind].test(`${reason} ${native}`);
        }),
    () => `${walk.service} names a certificate ${kind}; its last lines:\n${service.lines.slice(-5).join('\n')}`,
    60_000,
  );
  expect(found?.code).toBe(walk.code);
  const { status } = await service.get('/readyz');
  expect(status).toBe(503);
  expect((await service.get('/livez')).status).toBe(200);
}

async function through(walk: Walk): Promise<void> {
  const front = await walk.front();
  fronts.push(front);
  const service = await world.start(walk.service, {
    ...walk.env(front),
    DATA_TYPES: walk.type,
    LOG_LEVEL: 'debug',
  });
  await refused(service, walk, 'of an unknown authority', 0);
  front.present(authority.identity('good'));
  await until(async () => (await service.get('/readyz')).status === 200, 'ready with a good certificate', 60_000);
  await publish(walk.type, 5);
  await until(async () => (await walk.stored()) === 5, 'stored with a good certificate');
  await world.drained(service);

  for (const kind of ['expired', 'of another host', 'signed by itself'] as const) {
    const from = service.lines.length;
    front.present(authority.identity(kind));
    front.cut();
    if (kind === 'expired') await publish(walk.type, 5);
    await refused(service, walk, kind, from);
    expect(await walk.stored()).toBe(5);
  }
  await until(
    () => front.open <= 4,
    () => `refused connections are closed; ${front.open} are open`,
    20_000,
  );

  front.present(authority.identity('good'));
  await until(
    async () => (await walk.stored()) === 10,
    () => `stored with a good certificate again; the last lines:\n${service.lines.slice(-12).join('\n')}`,
    60_000,
  );
  await world.drained(service);
  expect(await world.broker.letters(`${world.queue(walk.service, walk.type)}.dlq`)).toEqual([]);
  expect(service.exitCode).toBeUndefined();
  expect(service.lines.filter((line) => line.includes('"event":"service.started"'))).toHaveLength(1);
  expect(await service.stop()).toBe(0);
}

const ways = sideBySide({
  tables,
  graphs,
  ...Object.fromEntries(Object.entries(walks).map(([name, walk]) => [name, () => through(walk)])),
});

describe('servers with a good certificate', () => {
  it('are written to by tableinator, everything encrypted', () => ways.end('tables'));

  it('are written to by graphinator, over bolt+s and over neo4j+s', () => ways.end('graphs'));
});

describe('a certificate that must not be believed', () => {
  it.each(Object.keys(walks))('of %s is refused by name, everything is held, and a good one mends it', (name) =>
    ways.end(name),
  );
});
