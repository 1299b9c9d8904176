/** tableinator with exactly the rights that the security guide grants, made by the guide's own commands. */

import { until } from '@inator/testkit/hurt';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'amqplib';
import type { RunningService } from '../support/service.ts';
import { openTables, type Tables } from '../support/stores.ts';
import { openWorld, sharedServers, type World } from '../support/world.ts';
import { type Account, addressOf, brokerAccount, uniqueName } from './support/accounts.ts';
import { guideBlock } from './support/guide.ts';

const id = uniqueName('t');
const migration = `${id}_migration`;
const runtime = `${id}_runtime`;
const password = 'least-privilege-4711';

let world: World;
let server: Tables;
let admin: Tables;
let user: Account;

/** The guide's names as this test's own. */
const renamed = (text: string): string =>
  text
    .replaceAll('inator_migration', migration)
    .replaceAll('inator_runtime', runtime)
    .replaceAll('DATABASE inator', `DATABASE ${id}`)
    .replaceAll('SCHEMA inator', `SCHEMA ${id}`)
    .replaceAll(/PASSWORD '[^']*'/g, `PASSWORD '${password}'`);

const databaseUrl = (as: { username?: string; password?: string } = {}): string => {
  const url = new URL(
    as.username === undefined ? (sharedServers().postgres ?? '') : addressOf(sharedServers().postgres ?? '', as),
  );
  url.pathname = `/${id}`;
  return url.href;
};

/** `rabbitmqctl set_permissions -p / user 'configure' 'write' 'read'` */
function permissions(): { readonly configure: string; readonly write: string; readonly read: string } {
  const line =
    guideBlock('the broker: tableinator')
      .split('\n')
      .find((each) => each.includes('set_permissions')) ?? '';
  const [configure, write, read] = [...line.matchAll(/'([^']*)'/g)].map(([, regex = '']) =>
    regex.replaceAll('discogs', world.prefix),
  );
  if (configure === undefined || write === undefined || read === undefined) throw new Error(`no regexes in "${line}"`);
  return { configure, write, read };
}

const settings = (username: string) => ({
  POSTGRES_URL: databaseUrl({ username, password }),
  POSTGRES_SCHEMA: id,
  DATA_TYPES: 'artists',
  POSTGRES_BATCH_FLUSH_INTERVAL: '0.2',
});
const restricted = () => ({
  ...settings(runtime),
  RABBITMQ_URL: addressOf(sharedServers().rabbitmq, { username: user.username, password }),
  RABBITMQ_PASSIVE: 'true',
});

beforeAll(async () => {
  world = await openWorld();
  server = openTables(sharedServers().postgres ?? '');
  await server.query(`create database ${id}`);
  admin = openTables(databaseUrl());
  await admin.query(renamed(guideBlock('the database: once, by a superuser')));
  user = await brokerAccount(permissions(), password);
});
afterAll(async () => {
  await world.close();
  await user.remove();
  await admin.close();
  await server.query(`drop database if exists ${id} with (force)`);
  for (const role of [migration, runtime]) await server.query(`drop role if exists ${role}`);
  await server.close();
});

describe('the migration role', () => {
  it('makes the tables, and the runtime role cannot', async () => {
    const early = await world.start('tableinator', settings(runtime));
    await until(
      () => early.lines.some((line) => /open\.failed.*42501/.test(line)),
      'the runtime role may create nothing',
    );
    expect(await early.stop()).toBe(0);

    const once = await world.start('tableinator', settings(migration));
    await world.drained(once);
    expect(await once.stop()).toBe(0);
    const tables = await admin.query<{ name: string; owner: string }>(
      'select tablename as name, tableowner as owner from pg_tables where schemaname = $1',
      [id],
    );
    expect(tables).toEqual([{ name: 'artists', owner: migration }]);
  });
});

describe('the runtime role and a broker user that may configure nothing', () => {
  let service: RunningService;
  beforeAll(async () => {
    service = await world.start('tableinator', restricted());
    await until(
      async () => (await service.get('/readyz')).status === 200,
      () => `ready with these rights; the last line: ${service.lines.at(-1)}`,
    );
  });

  it('write rows, change them, and hand in letters', async () => {
    const bodies = Array.from({ length: 20 }, (_, i) => `{"type":"data","id":"${i}","name":"old"}`);
    await world.broker.publish(world.exchange('artists'), [...bodies, 'no JSON']);
    await world.drained(service);
    await world.broker.publish(world.exchange('artists'), ['{"type":"data","id":"7","name":"new"}']);
    await world.drained(service);
    const rows = await admin.query<{ name: string; n: number }>(
      `select data->>'name' as name, count(*)::int as n from ${id}.artists group by 1 order by 1`,
    );
    expect(rows).toEqual([
      { name: 'new', n: 1 },
      { name: 'old', n: 19 },
    ]);
    const letters = await world.broker.letters(`${world.queue('tableinator', 'artists')}.dlq`);
    expect(letters.map(({ headers }) => headers['x-inator-code'])).toEqual(['json-invalid']);
    expect((await service.get('/readyz')).status).toBe(200);
  });

  it('may do nothing else', async () => {
    const tables = openTables(databaseUrl({ username: runtime, password }));
    for (const sql of [
      `create table ${id}.mine (a int)`,
      `create schema ${id}_mine`,
      `delete from ${id}.artists`,
      `truncate ${id}.artists`,
      `drop table ${id}.artists`,
      `alter table ${id}.artists add b int`,
    ]) {
      await expect(tables.query(sql)).rejects.toMatchObject({ code: '42501' });
    }
    await tables.close();

    const connection = await connect(addressOf(sharedServers().rabbitmq, { username: user.username, password }));
    connection.on('error', () => {});
    const queue = world.queue('tableinator', 'artists');
    const refused = async (
      what: (channel: Awaited<ReturnType<typeof connection.createChannel>>) => Promise<unknown>,
    ) => {
      const channel = await connection.createConfirmChannel();
      const closed = new Promise<{ code?: number }>((resolve) => channel.on('error', resolve));
      const outcome = await Promise.race([what(channel).catch((error: { code?: number }) => error), closed]);
      expect(outcome).toMatchObject({ code: 403 });
    };
    const published = (exchange: string) => (channel: { publish(e: string, k: string, b: Buffer): boolean }) => {
      channel.publish(exchange, queue, Buffer.from('{}'));
      return new Promise<never>(() => {});
    };
    await refused((channel) => channel.assertQueue(`${queue}.mine`));
    await refused((channel) => channel.deleteQueue(queue));
    await refused((channel) => channel.purgeQueue(`${queue}.dlq`));
    await refused((channel) => channel.get(`${queue}.dlq`));
    await refused(published(world.exchange('artists')));
    await refused(published(''));
    await connection.close();
  });

  it('say which right is missing, by name, when one is taken away', async () => {
    await service.stop();
    await admin.query(`revoke update on ${id}.artists from ${runtime}`);
    const poor = await world.start('tableinator', restricted());
    const line = await until(() => poor.lines.find((each) => each.includes('"event":"open.failed"')), 'a failure');
    expect(JSON.parse(line ?? '{}')).toMatchObject({
      code: 'store-misconfigured',
      blame: 'operator',
      reason: `the role lacks rights: GRANT UPDATE ON "${id}"."artists" TO it`,
    });
    expect(poor.exitCode).toBeUndefined();
    await admin.query(`grant update on ${id}.artists to ${runtime}`);
    await world.drained(poor);
  });
});
