import { type Cell, type ColumnType, type Sink, SinkError } from '@inator/runtime';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createTableSink, writePathNames } from '../src/index.ts';
import { batchOf, cellsModel, keyed, never, newPlace, type Place } from './support/place.ts';

const types: readonly ColumnType[] = [
  'varchar',
  'text',
  'jsonb',
  'bigint',
  'integer',
  'double precision',
  'boolean',
  'timestamptz',
  'numeric',
];
const model = cellsModel({
  columns: types.map((type) => ({ name: type, type, nullable: true })),
});

/** Any text PostgreSQL can hold: well-formed, without U+0000. Controls, quotes, backslashes, astral characters included. */
const text = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('\\N', '\\.', '\t', '\r\n', '"', "'", '\\', '😀', ''),
  )
  .map((value) => value.replaceAll('\0', '').replace(/\p{Surrogate}/gu, ''));
const decimal = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.bigInt({ min: 0n, max: 10n ** 40n }),
    fc.option(fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 30 })),
    fc.option(fc.integer({ min: -30, max: 30 })),
  )
  .map(
    ([sign, whole, fraction, exponent]) =>
      `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${exponent === null ? '' : `e${exponent}`}`,
  );
const cells = fc.tuple(
  fc.option(text),
  fc.option(text),
  fc.option(
    fc
      .json()
      .map((json) => json.replaceAll('\\u0000', ''))
      .filter((json) => !/\\ud[89a-f]/i.test(json) && !/\p{Surrogate}/u.test(json)),
  ),
  fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  fc.option(fc.integer()),
  fc.option(fc.double()),
  fc.option(fc.boolean()),
  fc.option(fc.date({ min: new Date('-004000-01-01'), max: new Date('+200000-01-01'), noInvalidDate: true })),
  fc.option(decimal),
);
const records = fc.uniqueArray(fc.tuple(text, text, cells, fc.option(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }))), {
  selector: ([key]) => key,
  minLength: 1,
  maxLength: 20,
});

let place: Place;
beforeAll(() => {
  place = newPlace();
});
afterAll(() => place.dispose());

/** What was stored, as text; the server itself compares what JavaScript cannot represent. */
const storedSql = `SELECT data_id, hash, seq::text AS seq, "varchar", "text", "jsonb" = $2::text::jsonb AS "jsonb",
  "bigint"::text, "integer"::text, "double precision", "boolean", (extract(epoch FROM "timestamptz") * 1000)::bigint::text AS "timestamptz",
  "numeric" = $3::numeric AS "numeric" FROM %s.things WHERE data_id = $1`;

describe.each(writePathNames)('the encoder, by %s,', (writePath) => {
  let sink: Sink<readonly Cell[]>;
  beforeAll(async () => {
    sink = createTableSink(place.postgres, model, { writePath });
    await sink.open(never);
  });

  it('brings every value of every type into the table as it was', async () => {
    await fc.assert(
      fc.asyncProperty(records, async (made) => {
        await place.rows('TRUNCATE %s.things');
        const batch = made.map(([key, hash, row, seq]) => keyed(key, hash, row, seq ?? undefined));
        const receipt = await sink.write(batchOf(model, batch), never);
        expect(receipt.counts.created).toBe(made.length);
        for (const [key, hash, [vc, tx, json, big, int, double, bool, date, num], seq] of made) {
          const [row] = await place.rows(storedSql, [key, json, num]);
          expect(row).toEqual({
            data_id: key,
            hash,
            seq: seq === null ? null : String(seq),
            varchar: vc,
            text: tx,
            jsonb: json === null ? null : true,
            bigint: big === null ? null : String(big),
            integer: int === null ? null : String(int),
            'double precision': double === null ? null : double,
            boolean: bool,
            timestamptz: date === null ? null : String(date.getTime()),
            numeric: num === null ? null : true,
          });
        }
      }),
      { numRuns: 25 },
    );
  });

  it('keeps the scale of a decimal and every digit of a long one', async () => {
    const values = [
      '0.00',
      '-0.000',
      '1.10',
      '10000',
      '12345.67890',
      '0.00001',
      '1e20',
      '1e-20',
      '-99990000.0001',
      'NaN',
      `${'9'.repeat(131_072)}.5`,
    ];
    const none = [null, null, null, null, null, null, null, null];
    await sink.write(
      batchOf(
        model,
        values.map((value, i) => keyed(`n${i}`, 'h', [...none, value])),
      ),
      never,
    );
    const rows = await place.rows<{ numeric: string }>(
      "SELECT numeric::text FROM %s.things WHERE data_id ~ '^n' ORDER BY substr(data_id, 2)::int",
    );
    expect(rows.map(({ numeric }) => numeric)).toEqual([
      '0.00',
      '0.000',
      '1.10',
      '10000',
      '12345.67890',
      '0.00001',
      '100000000000000000000',
      '0.00000000000000000001',
      '-99990000.0001',
      'NaN',
      values.at(-1),
    ]);
  });

  it.each<[string, string, number, Cell]>([
    ['a lone surrogate in text', 'text-surrogate', 1, 'x\ud800'],
    ['U+0000 in text', 'text-nul', 1, 'a\0'],
    ['a bigint beyond 64 bits', 'number-out-of-range', 3, 2n ** 63n],
    ['a number that is no integer', 'number-out-of-range', 3, 1.5],
    ['an integer beyond 32 bits', 'number-out-of-range', 4, 2 ** 31],
    ['an invalid date', 'value-refused', 7, new Date(Number.NaN)],
    ['text that is no decimal', 'value-refused', 8, '1,5'],
    ['a decimal beyond the range', 'number-out-of-range', 8, '1e131072'],
    ['a decimal of a huge exponent', 'number-out-of-range', 8, '1e9999999'],
  ])('refuses %s alone, proven, without asking the server', async (_, code, column, cell) => {
    const row: Cell[] = [null, null, null, null, null, null, null, null, null];
    const bad = row.with(column, cell);
    const error = await sink
      .write(batchOf(model, [keyed('good', 'h', row), keyed('bad', 'h', bad)]), never)
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(SinkError);
    expect(error).toMatchObject({ is: 'refused', culprit: 1, fault: { code, proven: true } });
  });

  it('blames a value of the wrong kind on the model', async () => {
    const row: Cell[] = [null, null, null, 'seven', null, null, null, null, null];
    const error = await sink.write(batchOf(model, [keyed('bad', 'h', row)]), never).catch((e: unknown) => e);
    expect(error).toMatchObject({ is: 'suspect', culprit: 0, fault: { code: 'defect' } });
  });

  it('takes a body of 8 MiB, and a batch beyond what it keeps', async () => {
    const body = Buffer.from(JSON.stringify({ a: 'x'.repeat(8 * 1024 * 1024) }));
    const row: Cell[] = [null, null, body, null, null, null, null, null, null];
    const receipt = await sink.write(batchOf(model, [keyed('large 1', 'h', row), keyed('large 2', 'h', row)]), never);
    expect(receipt.counts.created).toBe(2);
  });
});
