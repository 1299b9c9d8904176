// These tests start servers of their own: starting, hurting and stopping them is what is tested.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import neo4j from 'neo4j-driver';
import {
  postgresLogin,
  type Server,
  type ServerOptions,
  shortLivedJava,
  startNeo4j,
  startPostgres,
  startRabbitmq,
} from '../src/index.ts';
import { accepts, answersAmqp, answersBolt, answersPostgres } from '../src/local/probe.ts';
import { descendants, isAlive } from '../src/local/processes.ts';
import { readRecord } from '../src/local/record.ts';
import { until } from '../src/wait.ts';
import { type Scratch, scratchFolder } from './scratch.ts';

interface Subject {
  readonly kind: 'rabbitmq' | 'postgres' | 'neo4j';
  /** As the tests of services start it. */
  start(options: ServerOptions): Promise<Server>;
  answers(server: Server): Promise<boolean>;
  write(server: Server): Promise<void>;
  /** What `write` wrote, as often as it wrote it. */
  read(server: Server): Promise<number>;
}

const queue = 'api/queues/%2F/kept';

async function rabbitmqApi(server: Server, method: string, path: string, body: unknown): Promise<unknown> {
  const url = new URL(server.env.RABBITMQ_MANAGEMENT_URL ?? '');
  const response = await fetch(`${url.origin}/${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${url.username}:${url.password}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

async function cypher(server: Server, statement: string): Promise<number> {
  const { NEO4J_URI: uri = '', NEO4J_USERNAME: user = '', NEO4J_PASSWORD: password = '' } = server.env;
  const driver = neo4j.driver(uri, neo4j.auth.basic(user, password));
  try {
    const { records } = await driver.executeQuery(statement);
    return Number(records[0]?.get('n'));
  } finally {
    await driver.close();
  }
}

const subjects: readonly Subject[] = [
  {
    kind: 'postgres',
    start: startPostgres,
    answers: (server) => answersPostgres(server.port, postgresLogin.user, postgresLogin.database),
    async write(server) {
      await server.run('psql', ['-qc', 'CREATE TABLE kept AS SELECT 1 AS n']);
    },
    read: async (server) => Number((await server.run('psql', ['-Atc', 'SELECT count(*) FROM kept'])).stdout),
  },
  {
    kind: 'rabbitmq',
    start: startRabbitmq,
    answers: (server) => answersAmqp(server.port),
    async write(server) {
      await rabbitmqApi(server, 'PUT', queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
      await rabbitmqApi(server, 'POST', 'api/exchanges/%2F/amq.default/publish', {
        routing_key: 'kept',
        payload: 'body',
        payload_encoding: 'string',
        properties: { delivery_mode: 2 },
      });
      // RabbitMQ 3.10 keeps its list of quorum queues in memory for up to three seconds; a queue that is younger when the
      // node is killed comes back without a leader, and every question to it hangs.
      await server.run('rabbitmqctl', ['eval', '[dets:sync(Table) || Table <- dets:all()].']);
    },
    async read(server) {
      // A quorum queue elects its leader after the listeners are open.
      let found: unknown[] = [];
      const get = { count: 10, ackmode: 'ack_requeue_true', encoding: 'auto' };
      await until(
        async () => {
          found = (await rabbitmqApi(server, 'POST', `${queue}/get`, get).catch(() => [])) as unknown[];
          return found.length > 0;
        },
        { timeoutMs: 20_000 },
      );
      return found.length;
    },
  },
  {
    kind: 'neo4j',
    start: (options) => startNeo4j({ ...options, java: shortLivedJava }),
    answers: (server) => answersBolt(server.port),
    async write(server) {
      await cypher(server, 'CREATE (k:Kept) RETURN 1 AS n');
    },
    read: (server) => cypher(server, 'MATCH (k:Kept) RETURN count(k) AS n'),
  },
];

let scratch: Scratch;
const servers = new Map<string, Server>();
beforeAll(async () => {
  scratch = scratchFolder();
  await Promise.all(
    subjects.map(async ({ kind, start }) => {
      servers.set(kind, await start({ dir: join(scratch.path, kind), ownedByParent: true, ephemeral: true }));
    }),
  );
}, 300_000);
afterAll(async () => {
  for (const server of servers.values()) await server.remove();
  scratch.remove();
}, 120_000);

describe.each(subjects)('a private $kind', ({ kind, answers, write, read }) => {
  let server: Server;
  beforeAll(() => {
    const started = servers.get(kind);
    if (started === undefined) throw new Error(`${kind} has not started`);
    server = started;
  });

  it('names itself as the services expect it', () => {
    const name = { rabbitmq: 'RABBITMQ_URL', postgres: 'POSTGRES_URL', neo4j: 'NEO4J_URI' }[kind];
    expect(server.env[name]).toBe(server.url);
    expect(server.url).toContain(`127.0.0.1:${server.port}`);
  });

  it('freezes with its connections open, and goes on', async () => {
    await server.pause();
    expect(await accepts(server.port)).toBe(true);
    expect(await answers(server)).toBe(false);
    await server.resume();
    expect(await until(() => answers(server), { timeoutMs: 20_000 })).toBe(true);
  }, 60_000);

  it('comes back after SIGKILL with its data, its port and its address', async () => {
    await write(server);
    const { url, port } = server;
    const before = server.pid() as number;
    const all = [before, ...descendants(before)];
    await server.kill();
    expect(all.filter(isAlive)).toEqual([]);
    expect(server.pid()).toBeUndefined();
    expect(await accepts(port)).toBe(false);
    await server.start();
    expect(server.pid()).not.toBe(before);
    expect([server.url, server.port]).toEqual([url, port]);
    expect(await read(server)).toBe(1);
  }, 300_000);

  it('stops without leaving a process, and can be stopped again', async () => {
    const pid = server.pid() as number;
    const all = [pid, ...descendants(pid)];
    await server.stop();
    expect(all.filter(isAlive)).toEqual([]);
    for (const port of Object.values(readRecord(server.dir ?? '')?.ports ?? {})) {
      expect({ port, open: await accepts(port) }).toEqual({ port, open: false });
    }
    await server.stop();
    await server.remove();
    expect(existsSync(server.dir ?? '')).toBe(false);
  }, 120_000);
});
