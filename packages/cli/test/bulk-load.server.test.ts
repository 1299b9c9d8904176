/** `inator bulk-load` as an operator meets it: the real command, broker and database, and kills in the middle. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTableModels } from '@inator/discogs';
import { createPostgres, createTableSink, type Postgres } from '@inator/postgres';
import { createBroker, createQueueSource, queueNames } from '@inator/rabbitmq';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connect } from 'amqplib';
import { inator, lastJson, spawnInator } from './support/command.ts';

const schema = `t_${randomBytes(6).toString('hex')}`;
const prefix = `t${randomBytes(4).toString('hex')}`;
const model = createTableModels().labels;
const env: Record<string, string> = {
  POSTGRES_URL: process.env.TEST_POSTGRES_URL ?? '',
  POSTGRES_SCHEMA: schema,
  RABBITMQ_URL: process.env.TEST_RABBITMQ_URL ?? '',
  RABBITMQ_EXCHANGE_PREFIX: prefix,
  INATOR_STACK: 'env',
};

const folder = mkdtempSync(join(tmpdir(), 'inator-bulk-'));
afterAll(() => rmSync(folder, { recursive: true }));

let postgres: Postgres;
beforeEach(async () => {
  postgres = createPostgres({ url: env.POSTGRES_URL, schema, poolMax: 4, poolMin: 0 });
  const sink = createTableSink(postgres, model);
  await sink.open(new AbortController().signal);
  await sink.close();
});
afterEach(async () => {
  await postgres.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  await postgres.close();
});

const indices = async (): Promise<readonly unknown[]> =>
  (
    await postgres.query(
      `SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = $1 AND tablename = 'labels' ORDER BY 1`,
      [schema],
    )
  ).rows;

describe('inator bulk-load', () => {
  it('begins, shows and ends a load', async () => {
    const before = await indices();
    expect(before).toHaveLength(3);
    const begun = await inator(['bulk-load', 'begin', 'labels', '--json'], { env });
    expect(begun.stderr).toContain(`dropped idx_labels_hash of ${schema}.labels`);
    expect(begun.code).toBe(0);
    expect(lastJson(begun)).toEqual({ dropped: { labels: ['idx_labels_hash', 'idx_labels_gin'] } });
    expect(await indices()).toHaveLength(1);
    const shown = await inator(['bulk-load', 'status'], { env });
    expect(shown.stdout).toMatch(/labels +loading +\S+ +idx_labels_hash idx_labels_gin/);
    const ended = await inator(['bulk-load', 'end', '--json'], { env });
    expect(lastJson(ended)).toEqual({
      ended: [{ table: 'labels', restored: ['idx_labels_hash', 'idx_labels_gin'], failed: [] }],
    });
    expect(await indices()).toEqual(before);
  });

  it('is refused while another consumer is attached to the queue, with what to do next', async () => {
    const before = await indices();
    const settings = { url: env.RABBITMQ_URL ?? '' };
    const address = new URL(settings.url);
    const broker = createBroker({
      host: address.hostname,
      port: Number(address.port),
      username: decodeURIComponent(address.username),
      password: () => decodeURIComponent(address.password),
    });
    const queue = { ...queueNames(prefix, 'tableinator', 'labels'), type: 'classic' as const };
    const source = createQueueSource({ broker, letters: broker, queue, service: 'tableinator' });
    const session = await source.open(() => undefined, { window: 1, signal: new AbortController().signal });
    const ran = await inator(['bulk-load', 'begin', 'labels'], { env });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('1 consumers are attached to its queue');
    expect(ran.stderr).toContain('next: stop what uses the table');
    expect(await indices()).toEqual(before);
    await session.close();
    const channel = await broker.channel();
    await channel.deleteQueue(queue.queue);
    await channel.deleteQueue(queue.deadLetterQueue);
    await channel.deleteExchange(queue.exchange);
    await channel.deleteExchange(queue.deadLetterExchange);
    await broker.close();
  });

  it('of a model file begins its tables, by their own names, and asks for the consumers of their own queues', async () => {
    const file = join(folder, 'things.model.yaml');
    const text =
      'key: id\n    table:\n      name: all_things\n      columns:\n        name: { type: text, index: true }';
    writeFileSync(file, `name: ${prefix}m\ntypes:\n  things:\n    ${text}\n`);
    const { RABBITMQ_EXCHANGE_PREFIX: _, ...bare } = env;
    const modelled = { ...bare, DOMAIN: file };
    await postgres.query(`CREATE TABLE ${schema}.all_things (id text PRIMARY KEY, name text)`);
    await postgres.query(`CREATE INDEX idx_name ON ${schema}.all_things (name)`);
    const other = await inator(['bulk-load', 'begin', 'labels'], { env: modelled });
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('labels is not a table of this domain')]);

    const connection = await connect(env.RABBITMQ_URL ?? '');
    const channel = await connection.createChannel();
    const { queue } = queueNames(`${prefix}m`, 'tableinator', 'things');
    await channel.assertQueue(queue, { durable: false });
    await channel.consume(queue, () => undefined);
    const refused = await inator(['bulk-load', 'begin'], { env: modelled });
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('1 consumers are attached')]);
    await channel.deleteQueue(queue);
    await connection.close();

    const begun = await inator(['bulk-load', 'begin', '--json'], { env: modelled });
    expect(lastJson(begun)).toEqual({ dropped: { all_things: ['idx_name'] } });
    expect((await inator(['bulk-load', 'end'], { env: modelled })).code).toBe(0);
  });

  it('is refused when the broker cannot be asked', async () => {
    const ran = await inator(['bulk-load', 'begin', 'labels'], { env: { ...env, RABBITMQ_URL: 'amqp://127.0.0.1:1' } });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('cannot be told');
    expect(await indices()).toHaveLength(3);
  });

  it('a begin that is killed between two drops has dropped nothing; an end that is killed goes on at the next', async () => {
    const before = await indices();
    const killed = async (command: string, point: string): Promise<void> => {
      const { ended } = spawnInator(['bulk-load', command, 'labels'], {
        ...env,
        NODE_ENV: 'test',
        INATOR_FAILPOINTS: `${point}=kill@1`,
      });
      expect(await ended).toMatchObject({ code: -1, stdout: '' });
    };
    await killed('begin', 'drop-index');
    expect(await indices()).toEqual(before);
    expect((await inator(['bulk-load', 'begin', 'labels'], { env })).code).toBe(0);
    await killed('end', 'restore-index');
    expect(await indices()).toHaveLength(2);
    expect((await inator(['bulk-load', 'status', '--json'], { env })).stdout).toContain('"restoring"');
    expect((await inator(['bulk-load', 'end'], { env })).code).toBe(0);
    expect(await indices()).toEqual(before);
  });
});
