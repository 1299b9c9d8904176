import { randomBytes } from 'node:crypto';
import { type Cell, type FaultCode, type Sink, SinkError } from '@inator/runtime';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTableSink, writePathNames } from '../src/index.ts';
import { batchOf, cellsModel, doc, keyed, never, newPlace, type Place } from './support/place.ts';

const utf8 = (json: string): Buffer => Buffer.from(json);
const bytes = (...values: number[]): Buffer => Buffer.from([0x22, ...values, 0x22]);

/** Bodies that jsonb refuses: what it is called when COPY names it. */
const refused: readonly [string, Buffer, FaultCode][] = [
  ['an escaped U+0000', utf8('{"a":"\\u0000"}'), 'text-nul'],
  ['a raw NUL byte', utf8('{"a":"\0"}'), 'text-nul'],
  ['a raw control byte', utf8('{"a":"\x01"}'), 'json-invalid'],
  ['a lone high surrogate', utf8('{"a":"\\ud800"}'), 'text-surrogate'],
  ['a lone low surrogate', utf8('{"a":"\\udc00"}'), 'text-surrogate'],
  ['invalid UTF-8', bytes(0xff, 0xfe), 'utf8-invalid'],
  ['an encoded surrogate', bytes(0xed, 0xa0, 0x80), 'utf8-invalid'],
  ['an overlong form', bytes(0xc0, 0xaf), 'utf8-invalid'],
  ['a byte order mark', utf8('\ufeff{}'), 'json-invalid'],
  ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), 'text-nul'],
  ['gzip', Buffer.from([0x1f, 0x8b, 0x08, 0x01]), 'utf8-invalid'],
  ['nothing', utf8(''), 'json-invalid'],
  ['half an object', utf8('{"a":'), 'json-invalid'],
  ['trailing bytes', utf8('{} {}'), 'json-invalid'],
  ['NaN', utf8('{"a":NaN}'), 'json-invalid'],
  ['single quotes', utf8("{'a':1}"), 'json-invalid'],
  ['a comment', utf8('{} // no'), 'json-invalid'],
  ['a number too large', utf8('{"a":1e131072}'), 'number-out-of-range'],
  ['a number too small', utf8('{"a":1e-20000}'), 'number-out-of-range'],
  ['nesting of 100,000', utf8(`${'['.repeat(100_000)}${']'.repeat(100_000)}`), 'limit-refused'],
];

/** Bodies that are stored: the document as PostgreSQL prints it. */
const kept: readonly [string, string, string][] = [
  ['zero with a sign', '{"a":-0}', '{"a": 0}'],
  ['an exponent', '{"a":1E2}', '{"a": 100}'],
  ['a long fraction', '{"a":0.1000000000000000055511151231257827}', '{"a": 0.1000000000000000055511151231257827}'],
  ['an integer of 30 digits', '{"a":123456789012345678901234567890}', '{"a": 123456789012345678901234567890}'],
  ['a key that stands twice', '{"id":"1","id":"2"}', '{"id": "2"}'],
  ['__proto__', '{"__proto__":{"a":1},"constructor":2}', '{"__proto__": {"a": 1}, "constructor": 2}'],
  ['SQL', '{"a":"\'; DROP TABLE things; --"}', '{"a": "\'; DROP TABLE things; --"}'],
  ['astral characters', '{"a":"\\ud83d\\ude00 😀"}', '{"a": "😀 😀"}'],
  ['an array', '[1,null,"x"]', '[1, null, "x"]'],
];

const model = cellsModel({ name: 'zoo', indexes: [{ name: 'idx_zoo_hash', columns: ['hash'] }] });
let place: Place;
beforeAll(() => {
  place = newPlace();
});
afterAll(() => place.dispose());

describe.each(writePathNames)('by %s', (writePath) => {
  let sink: Sink<readonly Cell[]>;
  const caught = async (body: Buffer): Promise<SinkError> => {
    const batch = [doc('before'), keyed('bad', 'h', [body]), doc('after')];
    const error = await sink.write(batchOf(model, batch), never).catch((thrown: unknown) => thrown);
    if (error instanceof SinkError) return error;
    throw new Error('it was stored');
  };
  beforeAll(async () => {
    sink = createTableSink(place.postgres, model, { writePath });
    await sink.open(never);
    await place.rows('TRUNCATE %s.zoo');
  });

  it.each(refused)('%s is refused', async (_, body, code) => {
    const error = await caught(body);
    expect(error.is).toBe('refused');
    expect(error.fault.code).toBe(code);
    expect(error.fault.blame).toBe('record');
    // Only COPY and single rows can tell which record it was.
    expect(error.culprit).toBe(writePath === 'multirow' ? undefined : 1);
    expect(await place.rows('SELECT FROM %s.zoo')).toHaveLength(0);
  });

  it.each(kept)('%s is stored', async (_, body, printed) => {
    await sink.write(batchOf(model, [keyed('kept', body, [utf8(body)])]), never);
    expect(await place.rows("SELECT data::text AS data FROM %s.zoo WHERE data_id = 'kept'")).toEqual([
      { data: printed },
    ]);
    await place.rows('TRUNCATE %s.zoo');
  });

  it('a key too long for its index is refused by the merge, and no reason quotes it', async () => {
    const long = randomBytes(4000).toString('hex');
    const error = await sink.write(batchOf(model, [doc('1'), doc(long)]), never).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ is: 'refused', fault: { code: 'limit-refused', native: '54000' } });
    expect(JSON.stringify((error as SinkError).fault)).not.toContain(long.slice(0, 20));
  });

  it('nothing that is said or kept of a fault quotes the payload', async () => {
    const error = await caught(utf8('{"secret":"Geheimnis", oops}'));
    const cause = error.cause as Error;
    const told = [error.message, JSON.stringify(error.fault), cause.message, cause.stack, JSON.stringify(cause)].join();
    expect(told).not.toContain('Geheimnis');
    expect(told).not.toContain('oops');
  });
});
