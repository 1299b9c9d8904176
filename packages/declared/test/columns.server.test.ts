/** Declared columns in PostgreSQL: exact, on every write path, and a bad value costs one record. */
import { randomBytes } from 'node:crypto';
import { createPostgres, createTableSink, type Postgres, quoted, writePathNames } from '@inator/postgres';
import type { Batch, Keyed } from '@inator/runtime';
import { describeSink } from '@inator/testkit';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTableModels, type TableRecord } from '../src/index.ts';
import { modelOf } from './support.ts';

const paths = writePathNames;
const never = new AbortController().signal;

const text = `name: shop
types:
  orders:
    key: id
    table:
      columns:
        value: text
        price: numeric
        pieces: { type: bigint, index: true }
        paid: boolean
        at: timestamptz
        day: { type: date, required: true }
        extra: jsonb
      indexes: [[day, pieces]]
`;
const model = createTableModels(modelOf(text)).get('orders');
if (model === undefined) throw new Error('no model');

function newPostgres(): Postgres {
  return createPostgres({
    url: process.env.TEST_POSTGRES_URL ?? '',
    schema: `t_${randomBytes(6).toString('hex')}`,
    poolMax: 6,
    poolMin: 0,
  });
}

async function drop(postgres: Postgres): Promise<void> {
  await postgres.query(`DROP SCHEMA IF EXISTS ${quoted(postgres.settings.schema)} CASCADE`);
  await postgres.close();
}

function keyedOf(bodies: readonly string[]): Keyed<TableRecord>[] {
  return bodies.map((body) => {
    const decoded = model?.decode(Buffer.from(body), {});
    if (decoded?.is !== 'record') throw new Error(JSON.stringify(decoded));
    const { key, hash, record } = decoded;
    return { key, hash, record, seq: undefined, bytes: body.length };
  });
}

const batchOf = (records: readonly Keyed<TableRecord>[]): Batch<TableRecord> => {
  if (model === undefined) throw new Error('no model');
  return { model, records, bytes: 0, sealedBy: 'records' };
};

for (const writePath of paths) {
  describeSink(`a table with declared columns, write path ${writePath},`, async () => {
    const postgres = newPostgres();
    return {
      sink: createTableSink(postgres, model, { writePath }),
      model,
      make(_, value) {
        const body = JSON.stringify({ id: 'x', value, price: 1.5, day: '2024-01-01' });
        const [keyed] = keyedOf([body]);
        if (keyed === undefined) throw new Error('no record');
        return { record: keyed.record, hash: keyed.hash };
      },
      async stored() {
        const { rows } = await postgres.query<{ data_id: string; value: string }>(
          `SELECT data_id, value FROM ${quoted(postgres.settings.schema)}.orders WHERE data->>'value' = value`,
        );
        return new Map(rows.map(({ data_id, value }) => [data_id, value]));
      },
      dispose: () => drop(postgres),
    };
  });
}

describe.each(paths)('declared columns, write path %s,', (writePath) => {
  let postgres: Postgres;
  beforeAll(() => {
    postgres = newPostgres();
  });
  afterAll(() => drop(postgres));

  it('hold what PostgreSQL itself reads out of the body, digit for digit and microsecond for microsecond', async () => {
    const sink = createTableSink(postgres, model, { writePath });
    await sink.open(never);
    const numbers = ['0', '-0.0', '1.50', '1e3', '1E-7', '12345678901234567890.123456789012345678901234567890', '0.1'];
    const times = [
      '2024-02-29T23:59:59.999999Z',
      '0001-01-01T00:00:00Z',
      '9999-12-31T23:59:60Z',
      '1969-12-31 23:59:59.5+05:30',
      '2000-01-01T00:00-11',
      '2024-06-01T12:00:00.1234565Z',
      '2024-06-01T12:00:00.1234575Z',
      '2024-06-01T12:00:00.99999999+0000',
    ];
    const days = ['0001-01-01', '1970-01-01', '2000-02-29', '9999-12-31'];
    const bodies = Array.from({ length: 56 }, (_, i) => {
      const price = numbers[i % numbers.length];
      const [at, day] = [times[i % times.length], days[i % days.length]];
      const pieces = [`${2n ** 63n - 1n}`, `${-(2n ** 63n)}`, '0', 'null'][i % 4];
      return `{"id":${i},"value":"a\\n\\u00e9\\"😀${i}","price":${price},"pieces":${pieces},"paid":${i % 3 === 0},"at":"${at}","day":"${day}","extra":{"b":[1.0,null]}}`;
    });
    await sink.write(batchOf(keyedOf(bodies)), never);
    const { rows } = await postgres.query<{ wrong: string[]; n: number }>(
      `SELECT count(*)::int AS n, array_remove(array_agg(CASE
         WHEN value IS DISTINCT FROM data->>'value' THEN data_id || ' value'
         WHEN price IS DISTINCT FROM (data->>'price')::numeric THEN data_id || ' price'
         WHEN pieces IS DISTINCT FROM (data->>'pieces')::bigint THEN data_id || ' pieces'
         WHEN paid IS DISTINCT FROM (data->>'paid')::boolean THEN data_id || ' paid'
         WHEN at IS DISTINCT FROM (data->>'at')::timestamptz THEN data_id || ' at ' || at::text
         WHEN day IS DISTINCT FROM (data->>'day')::date THEN data_id || ' day'
         WHEN extra IS DISTINCT FROM data->'extra' THEN data_id || ' extra'
       END), NULL) AS wrong FROM ${quoted(postgres.settings.schema)}.orders`,
    );
    expect(rows).toEqual([{ n: bodies.length, wrong: [] }]);
  });

  it('have the types, the NOT NULL and the indices that the file says', async () => {
    const { schema } = postgres.settings;
    const columns = await postgres.query<{ name: string; type: string; required: boolean }>(
      `SELECT attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS required FROM pg_attribute
       WHERE attrelid = $1::regclass AND attnum > 0 AND attname NOT IN ('data_id', 'hash', 'seq', 'created_at', 'updated_at') ORDER BY attnum`,
      [`${schema}.orders`],
    );
    expect(columns.rows.map(({ name, type, required }) => `${name} ${type}${required ? ' not null' : ''}`)).toEqual([
      'data jsonb not null',
      'value text',
      'price numeric',
      'pieces bigint',
      'paid boolean',
      'at timestamp with time zone',
      'day date not null',
      'extra jsonb',
    ]);
    const indexes = await postgres.query<{ name: string }>(
      'SELECT indexname AS name FROM pg_indexes WHERE schemaname = $1 ORDER BY 1',
      [schema],
    );
    expect(indexes.rows.map(({ name }) => name)).toEqual([
      'idx_orders_day_pieces',
      'idx_orders_gin',
      'idx_orders_hash',
      'idx_orders_pieces',
      'orders_pkey',
    ]);
  });

  it('change with their record, and become null when it loses a value', async () => {
    const sink = createTableSink(postgres, model, { writePath });
    await sink.open(never);
    await sink.write(batchOf(keyedOf(['{"id":"c","value":"old","price":1,"day":"2024-01-01"}'])), never);
    await sink.write(batchOf(keyedOf(['{"id":"c","value":"new","day":"2024-01-02"}'])), never);
    const { rows } = await postgres.query(
      `SELECT value, price, day::text AS day FROM ${quoted(postgres.settings.schema)}.orders WHERE data_id = 'c'`,
    );
    expect(rows).toEqual([{ value: 'new', price: null, day: '2024-01-02' }]);
  });
});

it('the first and the last time that the model takes are times of PostgreSQL, the ones beyond are refused before', async () => {
  const ages = createTableModels(
    modelOf(`name: ages
types:
  ages: { key: id, table: { columns: { at: { type: timestamptz, epoch: microseconds } } } }
`),
  ).get('ages');
  if (ages === undefined) throw new Error('no model');
  const decode = (at: string) => ages.decode(Buffer.from(`{"id":"${at}","at":${at}}`), {});
  const ends = ['-210866803200000000', '8640000000000000000'];
  const records = ends
    .map(decode)
    .flatMap((each) => (each.is === 'record' ? [{ ...each, seq: undefined, bytes: 0 }] : []));
  const beyond = ['-210866803200000001', '8640000000000000001'].map(decode);
  expect(beyond.map((each) => each.is === 'refused' && each.fault.code)).toEqual(Array(2).fill('number-out-of-range'));
  const postgres = newPostgres();
  try {
    const sink = createTableSink(postgres, ages);
    await sink.open(never);
    await sink.write({ model: ages, records, bytes: 0, sealedBy: 'records' }, never);
    const { rows } = await postgres.query<{ at: string }>(
      `SELECT (at AT TIME ZONE 'UTC')::text AS at FROM ${quoted(postgres.settings.schema)}.ages ORDER BY 1`,
    );
    expect(rows).toEqual([{ at: '275760-09-13 00:00:00' }, { at: '4714-11-24 00:00:00 BC' }]);
  } finally {
    await drop(postgres);
  }
});
