/** What a hostile producer can send: values that look like commands, properties that mislead, sizes that exhaust. */
import { createPostgres, createTableSink } from '@inator/postgres';
import type { Cell, TableModel } from '@inator/runtime';
import { until } from '@inator/testkit/hurt';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Channel, type ChannelModel, connect, type GetMessage } from 'amqplib';
import type { RunningService } from '../support/service.ts';
import { openWorld, sharedServers, type World } from '../support/world.ts';
import { type Account, addressOf, brokerAccount, manage } from './support/accounts.ts';

let world: World;
let service: RunningService;
let attacker: Account;
let connection: ChannelModel;
let channel: Channel;

const limits = { MAX_RECORD_BYTES: 4_000, MAX_RECORD_DEPTH: 10, MAX_RECORD_MEMBERS: 20 };

beforeAll(async () => {
  world = await openWorld();
  attacker = await brokerAccount({ configure: '.*', write: '.*', read: '.*' }, 'hostile-4711');
  connection = await connect(
    addressOf(sharedServers().rabbitmq, { username: attacker.username, password: 'hostile-4711' }),
  );
  connection.on('error', () => {});
  channel = await connection.createChannel();
  service = await world.start('tableinator', {
    ...Object.fromEntries(Object.entries(limits).map(([name, limit]) => [name, String(limit)])),
    DATA_TYPES: 'artists',
    POSTGRES_BATCH_FLUSH_INTERVAL: '0.2',
  });
  await world.drained(service);
});
afterAll(async () => {
  await connection.close();
  await world.close();
  await attacker.remove();
});

const queue = (): string => world.queue('tableinator', 'artists');
const record = (members: Record<string, unknown>): string => JSON.stringify({ type: 'data', ...members });

/** Texts that are commands to somebody. */
const hostile: readonly string[] = [
  "'); drop table artists; --",
  '"; drop schema public cascade; --',
  "$$; copy (select '') to program 'touch /tmp/x'; $$",
  '\\.',
  '\\N',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a lookup of a Java logger, not a template.
  '%s %n {0} ${jndi:ldap://127.0.0.1/x} {{7*7}}',
  '"}) detach delete n //',
  '`) match (n) detach delete n //',
  '__proto__',
  'constructor',
  '../../etc/passwd',
  '\u202Egnp.exe\u0007\u001b[31m\r\nforged: line',
];

describe('hostile values', () => {
  it('are stored literally in PostgreSQL, and nothing else happens', async () => {
    const bodies = hostile.map((text) => record({ id: text, name: text, [`member ${text}`]: { [text]: text } }));
    await world.broker.publish(world.exchange('artists'), bodies, (i) => ({
      [`x-${hostile[i]}`.slice(0, 100)]: hostile[i],
      'x-inator-code': "'; drop table artists; --",
    }));
    await until(async () => (await world.rows('artists')) === hostile.length, 'all rows');
    const rows = await world.tables.query<{ data_id: string; data: Record<string, unknown> }>(
      `select data_id, data from "${world.schema}".artists`,
    );
    for (const [i, text] of hostile.entries()) {
      expect(rows.find(({ data_id }) => data_id === text)?.data).toEqual(JSON.parse(bodies[i] ?? ''));
    }
    for (const line of service.lines) expect(() => JSON.parse(line)).not.toThrow();
  });

  it('are stored literally in Neo4j, and nothing else happens', async () => {
    const ids = hostile.map((text) => `${text} ${world.prefix}`);
    const graphinator = await world.start('graphinator', { DATA_TYPES: 'artists', NEO4J_BATCH_FLUSH_INTERVAL: '0.2' });
    await world.drained(graphinator);
    await world.broker.publish(
      world.exchange('artists'),
      ids.map((id) => record({ id, name: id })),
    );
    await world.drained(graphinator, service);
    const found = await world.graph.query<{ id: string; name: string }>(
      'match (a:Artist) where a.id in $ids return a.id as id, a.name as name',
      { ids },
    );
    await world.graph.query('match (a:Artist) where a.id ends with $prefix detach delete a', { prefix: world.prefix });
    expect(found.map(({ id }) => id).sort()).toEqual([...ids].sort());
    for (const { id, name } of found) expect(name).toBe(id);
    expect(await graphinator.stop()).toBe(0);
  });

  it('hostile names of schema, table and columns are quoted, and name what they say', async () => {
    const schema = `we"ird'; drop table x; --${world.prefix}`;
    const postgres = createPostgres({ url: sharedServers().postgres, schema, poolMax: 2, poolMin: 0 });
    const column = 'a"b; select $1 --';
    const model: TableModel<readonly Cell[]> = {
      name: 'sel"ect',
      decode: () => {
        throw new Error('not asked');
      },
      table: {
        name: 'sel"ect',
        key: 'ke"y',
        hash: "ha'sh",
        columns: [{ name: column, type: 'text' }],
        indexes: [{ name: `i"x${world.prefix}`, columns: [column] }],
      },
      row: (cells) => cells,
    };
    const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
    try {
      for (const writePath of ['copy', 'multirow', 'row'] as const) {
        const sink = createTableSink(postgres, model, { writePath });
        await sink.open(new AbortController().signal);
        const records = [{ key: `'${writePath}`, hash: 'h', record: ["v'"], seq: undefined, bytes: 1 }];
        const batch = { model, records, bytes: 1, sealedBy: 'records' } as const;
        expect((await sink.write(batch, new AbortController().signal)).counts.created).toBe(1);
        await sink.close();
      }
      const rows = await world.tables.query(`select * from ${quoted(schema)}.${quoted('sel"ect')} order by 1`);
      expect(rows).toMatchObject(["'copy", "'multirow", "'row"].map((key) => ({ 'ke"y': key, [column]: "v'" })));
    } finally {
      await world.tables.query(`drop schema if exists ${quoted(schema)} cascade`);
      await postgres.close();
    }
  });
});

describe('a poison message with hostile properties', () => {
  let deep: unknown = 'bottom';
  for (let i = 0; i < 100; i += 1) deep = { [`level${i}`]: deep };
  const large = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`large${i}`, 'h'.repeat(900)]));

  it('is dead-lettered nowhere but in its own queue, for good, and costs no session', async () => {
    const before = await world.tables.count(world.schema, 'artists');
    const { queue: carbon } = await channel.assertQueue('', { exclusive: true });
    const { queue: blind } = await channel.assertQueue('', { exclusive: true });
    const { queue: answers } = await channel.assertQueue('', { exclusive: true });
    const death = { count: 3, reason: 'rejected', queue: 'elsewhere', exchange: '', 'routing-keys': ['elsewhere'] };
    const variants: readonly { readonly [name: string]: unknown }[] = [
      { userId: attacker.username },
      { expiration: '2000' },
      { CC: [carbon], BCC: [blind] },
      { headers: { cc: [carbon], bcc: [blind], Cc: 7 } },
      { headers: { ...large } },
      { headers: { deep, wide: [[[[[[[[1]]]]]]]], 'x-death': [death] } },
      { headers: { 'x-delivery-count': 19, 'x-inator-code': 'forged', 'x-inator-replays': 'many' } },
      { contentEncoding: 'gzip', contentType: 'x'.repeat(255), type: '\u0000', priority: 255, replyTo: answers },
      {
        userId: attacker.username,
        expiration: '2000',
        CC: [carbon],
        BCC: [blind],
        contentEncoding: 'deflate',
        messageId: 'm'.repeat(255),
        headers: { ...large, deep, 'x-death': [death], 'x-delivery-count': 100 },
      },
    ];
    for (const [i, options] of variants.entries()) {
      channel.sendToQueue(queue(), Buffer.from(`poison ${i}`), { persistent: true, ...options });
    }
    // AMQP clients cannot say more than a frame in headers; the broker's own API can, and other protocols may.
    const beyondFrames = [70_000, 125_000, 400_000, 6_000_000];
    for (const [i, bytes] of beyondFrames.entries()) {
      await manage('POST', 'exchanges/%2F/amq.default/publish', {
        routing_key: queue(),
        payload: `poison ${variants.length + i}`,
        payload_encoding: 'string',
        properties: { delivery_mode: 2, headers: { huge: 'h'.repeat(bytes), small: 'kept' } },
      });
    }
    await until(
      async () => (await channel.checkQueue(`${queue()}.dlq`)).messageCount === variants.length + beyondFrames.length,
      'a letter each',
    );
    // The broker itself delivered what the sender copied, once each; a letter must not do so again.
    expect((await channel.checkQueue(carbon)).messageCount).toBe(2);
    expect((await channel.checkQueue(blind)).messageCount).toBe(2);
    expect((await channel.checkQueue(answers)).messageCount).toBe(0);

    const letters: GetMessage[] = [];
    for (;;) {
      const letter = await channel.get(`${queue()}.dlq`, { noAck: true });
      if (letter === false) break;
      letters.push(letter);
    }
    for (const { properties, content } of letters) {
      expect(properties.userId).toBeUndefined();
      expect(properties.expiration).toBeUndefined();
      expect(Object.keys(properties.headers ?? {}).filter((name) => /^b?cc$/i.test(name))).toEqual([]);
      expect(properties.headers).toMatchObject({ 'x-inator-queue': queue(), 'x-inator-service': 'tableinator' });
      expect(properties.headers?.['x-inator-code']).toMatch(/^(json-invalid|encoding-unsupported)$/);
      expect(content.toString()).toMatch(/^poison \d+$/);
    }
    const of = (i: number): GetMessage | undefined =>
      letters.find(({ content }) => content.toString() === `poison ${i}`);
    for (const i of [4, 8]) expect(of(i)?.properties.headers?.['x-inator-headers-dropped']).toBeGreaterThan(30);
    for (const i of [5, 8]) expect(of(i)?.properties.headers?.['x-death']).toMatchObject([{ queue: 'elsewhere' }]);
    // A count that the producer made up makes no suspect of a first delivery.
    expect(of(6)?.properties.headers).toMatchObject({ 'x-inator-code': 'json-invalid', 'x-inator-delivery-count': 0 });
    expect(of(8)?.properties.messageId).toBe('m'.repeat(255));

    await world.broker.publish(world.exchange('artists'), [record({ id: 'after the poison' })]);
    await until(async () => (await world.rows('artists')) === before + 1, 'the next good record is stored');
    const { body } = await service.get<{
      readonly lanes: readonly { readonly totals: { readonly sessionsLost: number } }[];
    }>('/lanes');
    expect(body.lanes.map(({ totals }) => totals.sessionsLost)).toEqual([0]);
  });
});

describe('limits', () => {
  const nested = (levels: number): string =>
    `{"type":"data","id":"deep ${levels}","d":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
  const wide = (members: number): string =>
    record({
      id: `wide ${members}`,
      ...Object.fromEntries(Array.from({ length: members - 2 }, (_, i) => [`m${i}`, i])),
    });
  const sized = (bytes: number): string => {
    const frame = record({ id: `size ${bytes}`, pad: '' });
    return record({ id: `size ${bytes}`, pad: 'p'.repeat(bytes - frame.length) });
  };
  const number = (text: string): string => `{"type":"data","id":"number ${text.slice(0, 20)}","n":${text}}`;

  it('let through what is just within, and refuse what is just beyond, by name', async () => {
    const { MAX_RECORD_BYTES: bytes, MAX_RECORD_DEPTH: depth, MAX_RECORD_MEMBERS: members } = limits;
    const within = [sized(bytes), nested(depth), wide(members), record({ id: 'k'.repeat(255) }), number('1e131071')];
    const beyond = [
      ['record-too-large', sized(bytes + 1)],
      ['record-too-deep', nested(depth + 1)],
      ['record-too-wide', wide(members + 1)],
      ['key-too-long', record({ id: 'k'.repeat(256) })],
      ['number-out-of-range', number('1e131072')],
      ['number-out-of-range', number('1e-99999999999')],
    ] as const;
    const before = await world.rows('artists');
    await world.broker.publish(world.exchange('artists'), [...within, ...beyond.map(([, body]) => body)]);
    await world.drained(service);
    expect(await world.rows('artists')).toBe(before + within.length);
    const letters = await world.broker.letters(`${queue()}.dlq`);
    const told = letters.map(({ body, headers }) => [headers['x-inator-code'], body.toString()]);
    expect(told.sort()).toEqual(beyond.map((each) => [...each]).sort());
  });
});
