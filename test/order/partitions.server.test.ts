/**
 * Order without versions: a consistent-hash exchange keeps a key in one partition, a single active consumer keeps the
 * partition in one process, and when that is killed the next goes on in order. The recipe is in docs/guides/order.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Server } from '@inator/stack';
import { startOwnServer, until } from '@inator/testkit';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { connect } from 'amqplib';
import type { RunningService } from '../support/service.ts';
import { openWorld, sharedServers, type World } from '../support/world.ts';

let dir: string;
let server: Server;
let partitions: World[];
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'inator-partitions-'));
  const plugins = ['rabbitmq_consistent_hash_exchange'];
  server = await startOwnServer('rabbitmq', { dir, name: 'partitions', plugins });
  const { postgres = '' } = sharedServers();
  partitions = [
    await openWorld({ rabbitmq: server.url, postgres }),
    await openWorld({ rabbitmq: server.url, postgres }),
  ];
}, 180_000);
afterAll(async () => {
  for (const world of partitions) await world.close().catch(() => {});
  await server.remove();
  rmSync(dir, { recursive: true, force: true });
}, 60_000);

it('keys spread over partitions, each with a standby, end at their last version although the active ones are killed', async () => {
  const [first] = partitions;
  const schema = first?.schema ?? '';
  const env = {
    POSTGRES_SCHEMA: schema,
    DATA_TYPES: 'artists',
    SINGLE_ACTIVE_CONSUMER: 'true',
    POSTGRES_BATCH_SIZE: '20',
    POSTGRES_BATCH_FLUSH_INTERVAL: '0.05',
  };
  const consuming = (service: RunningService): Promise<unknown> =>
    until(async () => {
      const { body } = await service.get<{ readonly lanes: readonly { readonly consuming: boolean }[] }>('/lanes');
      return body.lanes.every((lane) => lane.consuming);
    }, 'it consumes');
  const active: RunningService[] = [];
  const standby: RunningService[] = [];
  for (const world of partitions) {
    const one = await world.start('tableinator', env);
    await consuming(one);
    active.push(one);
    const two = await world.start('tableinator', env);
    await consuming(two);
    standby.push(two);
  }

  // What the producer owns: one exchange that chooses by routing key, bound to the exchange of each partition.
  const connection = await connect(server.url);
  const channel = await connection.createConfirmChannel();
  await channel.assertExchange('artists-by-key', 'x-consistent-hash', { durable: true });
  for (const world of partitions) await channel.bindExchange(world.exchange('artists'), 'artists-by-key', '1');

  const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
  const versions = 100;
  const publish = async (from: number, to: number): Promise<void> => {
    for (let version = from; version <= to; version += 1) {
      for (const id of keys) {
        channel.publish('artists-by-key', id, Buffer.from(JSON.stringify({ type: 'data', id, version })), {
          persistent: true,
        });
      }
    }
    await channel.waitForConfirms();
  };
  await publish(1, versions / 2);
  await until(async () => ((await first?.tables.count(schema, 'artists')) ?? 0) > 20, 'both are at work');
  for (const service of active) service.kill('SIGKILL');
  await Promise.all(active.map((service) => service.exited));
  await publish(versions / 2 + 1, versions);

  for (const [i, world] of partitions.entries()) {
    const heir = standby[i];
    if (heir !== undefined) await world.drained(heir);
  }
  const rows = await first?.tables.query(
    `select data_id as id, (data->>'version')::int as version from "${schema}".artists order by data_id`,
  );
  expect(rows).toEqual([...keys].sort().map((id) => ({ id, version: versions })));
  // The keys were really divided, and both standbys took over.
  for (const heir of standby) {
    const { body } = await heir.get<{ readonly lanes: readonly { readonly totals: { readonly acked: number } }[] }>(
      '/lanes',
    );
    expect(body.lanes[0]?.totals.acked).toBeGreaterThanOrEqual((versions / 2) * 5);
  }
  for (const world of partitions) {
    expect(await world.broker.letters(`${world.queue('tableinator', 'artists')}.dlq`)).toEqual([]);
  }
  await channel.close();
  await connection.close();
});
