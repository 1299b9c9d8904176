import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createTableModels, extractionComplete, fileComplete, recordTypes, tableModels } from '../src/index.ts';
import { bytes, decode } from './decode.ts';

const codeOf = (value: unknown): string => {
  const decoded = decode(value);
  return decoded.is === 'refused' ? decoded.fault.code : decoded.is;
};
const keyOf = (value: unknown): string | undefined => {
  const decoded = decode(value);
  return decoded.is === 'record' ? decoded.key : undefined;
};

describe('keys', () => {
  it.each([
    ['"123"', '123'],
    ['123', '123'],
    ['1.0', '1'],
    ['1e2', '100'],
    ['-0', '0'],
    ['9007199254740993', '9007199254740993'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['" a "', ' a '],
    ['"\\u0031"', '1'],
    ['"\'; DROP TABLE artists; --"', "'; DROP TABLE artists; --"],
    [`"${'x'.repeat(255)}"`, 'x'.repeat(255)],
    [`"${'🎵'.repeat(255)}"`, '🎵'.repeat(255)],
  ])('id %s is the key %s in both stores', (id, key) => {
    expect(keyOf(`{"type":"data","id":${id}}`)).toBe(key);
  });

  it.each([
    ['{"type":"data"}', 'key-missing'],
    ['{"type":"data","id":null}', 'key-missing'],
    ['{"type":"data","id":""}', 'key-missing'],
    ['{"type":"data","id":" \\t\\n"}', 'key-invalid'],
    ['{"type":"data","id":true}', 'key-invalid'],
    ['{"type":"data","id":{"id":"1"}}', 'key-invalid'],
    ['{"type":"data","id":["1"]}', 'key-invalid'],
    ['{"type":"data","id":1.5}', 'key-invalid'],
    ['{"type":"data","id":1e300}', 'key-invalid'],
    [`{"type":"data","id":"${'x'.repeat(256)}"}`, 'key-too-long'],
    [`{"type":"data","id":"${'🎵'.repeat(256)}"}`, 'key-too-long'],
    ['{"a":{"id":"1"}}', 'key-missing'],
    ['{}', 'key-missing'],
  ])('%.60s is refused as %s', (body, code) => {
    expect(codeOf(body)).toBe(code);
  });

  it('the last of two ids counts, as it does in both stores', () => {
    expect(keyOf('{"type":"data","id":"1","sha256":"x","id":"2"}')).toBe('2');
    expect(keyOf('{"type":"data","id":"1","\\u0069d":"2"}')).toBe('2');
    expect(codeOf('{"type":"data","id":"1","id":null}')).toBe('key-missing');
  });
});

describe('kinds of messages', () => {
  it('a record without a type is a record, if it has an id', () => {
    expect(keyOf('{"id":"1"}')).toBe('1');
    expect(keyOf('{"type":null,"id":"1"}')).toBe('1');
  });

  it.each(['"artist"', '"DATA"', '""', '5', '{}', 'false'])('the type %s is unknown', (type) => {
    expect(codeOf(`{"type":${type},"id":"1"}`)).toBe('type-unknown');
  });

  it('the last type decides', () => {
    expect(codeOf('{"type":"file_complete","id":"1","type":"data"}')).toBe('record');
  });

  it('a file_complete is a signal, and what it does not tell is undefined', () => {
    const at = new Date('2026-01-02T03:04:05.678Z');
    expect(decode(fileComplete({ type: 'labels', total: 7, file: 'l.xml', at }))).toEqual({
      is: 'signal',
      signal: { is: 'file_complete', type: 'labels', total: 7, at: '2026-01-02T03:04:05.678Z' },
    });
    expect(decode('{"type":"file_complete","total_processed":"7","timestamp":5}')).toEqual({
      is: 'signal',
      signal: { is: 'file_complete', type: 'artists', total: undefined, at: undefined },
    });
  });

  it('an extraction_complete is a signal with its counts', () => {
    const startedAt = new Date('2026-01-01T00:00:00Z');
    expect(decode(extractionComplete({ version: '20260101', startedAt, counts: { artists: 3, labels: 0 } }))).toEqual({
      is: 'signal',
      signal: {
        is: 'extraction_complete',
        version: '20260101',
        startedAt: startedAt.toISOString(),
        counts: { artists: 3, labels: 0 },
      },
    });
    expect(decode('{"type":"extraction_complete","record_counts":{"a":-1,"b":"2","__proto__":4,"c":1e400}}')).toEqual({
      is: 'signal',
      signal: {
        is: 'extraction_complete',
        version: undefined,
        startedAt: undefined,
        counts: Object.fromEntries([['__proto__', 4]]),
      },
    });
  });
});

describe('hashes', () => {
  it('a declared hash is taken, an absent or null one is that of the bytes', () => {
    expect(decode('{"id":"1","sha256":"abc"}')).toMatchObject({ hash: 'abc' });
    for (const body of ['{"id":"1"}', '{"id":"1","sha256":null}']) {
      expect(decode(body)).toMatchObject({ hash: createHash('sha256').update(body).digest('hex') });
    }
  });

  it.each(['5', '""', '{}', 'true', `"${'x'.repeat(256)}"`])('sha256 %.20s is refused, with the key told', (hash) => {
    const decoded = decode(`{"id":"1","sha256":${hash}}`);
    expect(decoded).toMatchObject({ is: 'refused', key: '1', fault: { code: 'hash-invalid', proven: true } });
  });
});

describe('tables', () => {
  it.each(recordTypes)('%s has the columns and indexes that others rely on', (type) => {
    const { table } = tableModels[type];
    expect(table).toMatchObject({ name: type, key: 'data_id', hash: 'hash' });
    expect(table.columns).toEqual([{ name: 'data', type: 'jsonb' }]);
    expect(table.indexes.map((index) => index.name)).toEqual([`idx_${type}_hash`, `idx_${type}_gin`]);
  });

  it('the body goes into data as it came, byte for byte, the very same bytes', () => {
    const body = bytes('{ "id" : "1", "n": 0.10000000000000000000000001 }');
    const decoded = tableModels.artists.decode(body, {});
    expect(decoded.is === 'record' && tableModels.artists.row(decoded.record)[0]).toBe(body);
  });

  it('limits hold', () => {
    const models = createTableModels({ limits: { recordBytes: 10, depth: 5, members: 5 } });
    expect(models.labels.decode(bytes('{"id":"123"}'), {})).toMatchObject({ fault: { code: 'record-too-large' } });
  });

  it('the court of appeal finds nothing in what decode accepted', () => {
    expect(tableModels.artists.examine?.(bytes('{"id":"1"}'))).toBeUndefined();
    expect(tableModels.artists.examine?.(bytes('{"id":"\\u0000"}'))).toMatchObject({ code: 'text-nul', proven: true });
  });
});

describe('both models agree', () => {
  it('on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (body) => void decode(Buffer.from(body))),
      { numRuns: 2000 },
    );
  });

  it('on any record, whole or broken at one byte', () => {
    const record = fc.json().map((json) => `{"type":"data","id":"1","x":${json}}`);
    fc.assert(
      fc.property(record, fc.nat(), fc.nat(255), (text, at, byte) => {
        decode(text);
        const body = bytes(text);
        body[at % body.length] = byte;
        decode(body);
      }),
      { numRuns: 2000 },
    );
  });
});
