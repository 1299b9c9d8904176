/** Each server restarted in the middle of a load: exact counts, no letter, no restart of the service. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Server, shortLivedJava } from '@inator/stack';
import { startOwnServer, until } from '@inator/testkit';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { idOf, sample } from '../support/sample.ts';
import type { RunningService, ServiceName } from '../support/service.ts';
import { openWorld, type World } from '../support/world.ts';

/** Servers of this file's own, because it hurts them. */
let root: string;
let rabbitmq: Server;
let postgres: Server;
let neo4j: Server;
let world: World;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'inator-outage-'));
  chmodSync(root, 0o711);
  [rabbitmq, postgres, neo4j] = await Promise.all([
    startOwnServer('rabbitmq', { dir: join(root, 'rabbitmq') }),
    startOwnServer('postgres', { dir: join(root, 'postgres') }),
    startOwnServer('neo4j', { dir: join(root, 'neo4j'), java: shortLivedJava }),
  ]);
  world = await openWorld({
    rabbitmq: rabbitmq.env.RABBITMQ_URL ?? '',
    postgres: postgres.env.POSTGRES_URL ?? '',
    neo4j: {
      uri: neo4j.env.NEO4J_URI ?? '',
      username: neo4j.env.NEO4J_USERNAME ?? '',
      password: neo4j.env.NEO4J_PASSWORD ?? '',
    },
  });
}, 180_000);

afterAll(async () => {
  await world.close().catch(() => {});
  await Promise.all([rabbitmq, postgres, neo4j].map((server) => server.remove()));
  rmSync(root, { recursive: true, force: true });
}, 120_000);

const env = {
  POSTGRES_BATCH_SIZE: '50',
  NEO4J_BATCH_SIZE: '50',
  POSTGRES_BATCH_FLUSH_INTERVAL: '0.2',
  NEO4J_BATCH_FLUSH_INTERVAL: '0.2',
};

async function acked(service: RunningService): Promise<number> {
  const { body } = await service.get<{ readonly lanes: readonly { readonly totals: { readonly acked: number } }[] }>(
    '/lanes',
  );
  return body.lanes.reduce((sum, lane) => sum + lane.totals.acked, 0);
}

async function restartUnderLoad(name: ServiceName, victim: () => Server, seed: number): Promise<void> {
  // The last test may have killed the broker under this world's connection.
  await world.reconnect();
  const service = await world.start(name, env);
  await world.drained(service);
  // More than are stored when the server goes; a graph takes longer for each.
  const bodies = sample('releases', name === 'tableinator' ? 4_000 : 2_000, seed);
  await world.broker.publish(world.exchange('releases'), bodies);
  const before = await acked(service);
  await until(async () => (await acked(service)) > before + 200, 'some progress');
  await victim().kill();
  expect(await acked(service)).toBeLessThan(before + bodies.length);
  await victim().start();
  await world.reconnect();
  const { broker } = world;
  const queue = world.queue(name, 'releases');
  const ids = bodies.map(idOf);
  const count = async (): Promise<number> => {
    if (name === 'tableinator') {
      const [row] = await world.tables.query<{ n: number }>(
        `select count(*)::int as n from "${world.schema}".releases where data_id = any($1)`,
        [ids],
      );
      return row?.n ?? 0;
    }
    const [row] = await world.graph.query<{ n: number }>(
      'match (r:Release) where r.id in $ids and r.sha256 is not null return count(r) as n',
      { ids },
    );
    return row?.n ?? 0;
  };
  await until(
    async () => (await count().catch(() => 0)) === ids.length && (await broker.ready(queue)) === 0,
    () => `all ${ids.length} stored`,
    90_000,
  );
  expect(await broker.letters(`${queue}.dlq`)).toEqual([]);
  expect(service.exitCode).toBeUndefined();
  expect(await service.stop()).toBe(0);
  expect(await broker.ready(queue)).toBe(0);
}

describe('a server is killed and started again in the middle of a load', () => {
  it(
    'PostgreSQL: tableinator goes on by itself, exact',
    () => restartUnderLoad('tableinator', () => postgres, 41),
    180_000,
  );
  it(
    'RabbitMQ: tableinator goes on by itself, exact',
    () => restartUnderLoad('tableinator', () => rabbitmq, 43),
    180_000,
  );
  // From here on graphinator's queue is there, and takes whatever is published.
  it('Neo4j: graphinator goes on by itself, exact', () => restartUnderLoad('graphinator', () => neo4j, 42), 180_000);
  it(
    'RabbitMQ: graphinator goes on by itself, exact',
    () => restartUnderLoad('graphinator', () => rabbitmq, 44),
    180_000,
  );
});
