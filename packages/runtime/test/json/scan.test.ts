import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  createEnvelopeReader,
  createScanner,
  defaultLimits,
  examine,
  type Limits,
  parseExcerpt,
} from '../../src/index.ts';
import { integerText, numberFits } from '../../src/json/number.ts';

const keys = ['type', 'id', 'sha256'] as const;
const read = createEnvelopeReader(defaultLimits, keys);
const bytes = (text: string): Buffer => Buffer.from(text);
const codeOf = (body: Uint8Array | string, limits: Limits = defaultLimits): string => {
  const verdict = examine(typeof body === 'string' ? bytes(body) : body, limits);
  const scanned = createScanner(limits, [...keys])(typeof body === 'string' ? bytes(body) : body);
  expect(scanned.is).toBe(verdict.is);
  if (verdict.is === 'ok') return 'ok';
  expect(scanned.is === 'refused' && scanned.fault).toEqual(verdict.fault);
  expect(verdict.fault.proven).toBe(true);
  return verdict.fault.code;
};

describe('what a record may not be', () => {
  it.each([
    ['', 'json-invalid'],
    ['   ', 'json-invalid'],
    ['{"id":"1"', 'json-invalid'],
    ['{"id":"1"}x', 'json-invalid'],
    ['{"id":"1"}{}', 'json-invalid'],
    ["{'id':'1'}", 'json-invalid'],
    ['{"id":NaN}', 'json-invalid'],
    ['{"id":1,}', 'json-invalid'],
    ['{"id":01}', 'json-invalid'],
    ['{"id":"\u0001"}', 'json-invalid'],
    ['{"id":"a\u0000b"}', 'json-invalid'],
    ['\ufeff{"id":"1"}', 'json-invalid'],
    ['[]', 'record-not-object'],
    ['null', 'record-not-object'],
    ['"\\u0000"', 'record-not-object'],
    ['{"a":"\\u0000"}', 'text-nul'],
    ['{"\\u0000":1}', 'text-nul'],
    ['{"a":[{"b":"x\\u0000"}]}', 'text-nul'],
    ['{"a":"\\\\u0000"}', 'ok'],
    ['{"a":"\\ud800"}', 'text-surrogate'],
    ['{"a":"\\udc00"}', 'text-surrogate'],
    ['{"a":"\\udc00\\ud800"}', 'text-surrogate'],
    ['{"a":"\\ud83dx\\ude00"}', 'text-surrogate'],
    ['{"\\ud800":1}', 'text-surrogate'],
    ['{"a":"\\ud83d\\ude00"}', 'ok'],
    ['{"a":"\\ud83d\\uDE00"}', 'ok'],
    ['{"a":"\\u0000","b":"\\ud800"}', 'text-nul'],
    ['{"a":"\\ud800","b":"\\u0000"}', 'text-surrogate'],
    ['{"a":"\\u0000",}', 'json-invalid'],
    ['{"a":1e131071}', 'ok'],
    ['{"a":1e400}', 'ok'],
    ['{"a":1e131072}', 'number-out-of-range'],
    ['{"a":-1e131072}', 'number-out-of-range'],
    ['{"a":1e-20000}', 'number-out-of-range'],
    ['{"a":1e999999999999}', 'number-out-of-range'],
    [`{"a":${'9'.repeat(131_072)}}`, 'ok'],
    [`{"a":${'9'.repeat(131_073)}}`, 'number-out-of-range'],
    ['{"__proto__":{"id":"1"},"constructor":1}', 'ok'],
  ])('%#: %.40s is %s', (body, code) => {
    expect(codeOf(body)).toBe(code);
  });

  it.each([
    ['UTF-16 without a mark', Buffer.from('{"id":"1"}', 'utf16le'), 'utf8-invalid'],
    ['UTF-16 with a mark', Buffer.from('\ufeff{"id":"1"}', 'utf16le'), 'utf8-invalid'],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0]), 'utf8-invalid'],
    ['an overlong slash', Buffer.from([0x7b, 0xc0, 0xaf, 0x7d]), 'utf8-invalid'],
    ['an encoded surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'utf8-invalid'],
  ])('%s', (_, body, code) => {
    expect(codeOf(body)).toBe(code);
  });

  it('an escape cut off by the end of the body is a syntax fault at that end', () => {
    for (const body of ['{"a":"\\', '{"a":"\\u', '{"a":"\\u00', '{"a":"\\ud83d', '{"a":"\\ud83d\\ude']) {
      expect(codeOf(body)).toBe('json-invalid');
    }
  });

  it('limits hold exactly: at the limit a body passes, one over it is refused', () => {
    const limits = { recordBytes: 40, depth: 3, members: 4 };
    expect(codeOf(`{"a":"${'x'.repeat(32)}"}`, limits)).toBe('ok');
    expect(codeOf(`{"a":"${'x'.repeat(33)}"}`, limits)).toBe('record-too-large');
    expect(codeOf('{"a":[[]]}', limits)).toBe('ok');
    expect(codeOf('{"a":[[[]]]}', limits)).toBe('record-too-deep');
    expect(codeOf('{"a":{"b":1,"c":1},"d":1}', limits)).toBe('ok');
    expect(codeOf('{"a":{"b":1,"c":1},"d":1,"e":1}', limits)).toBe('record-too-wide');
  });

  it('a million brackets are refused without recursion', () => {
    expect(codeOf(`{"a":${'['.repeat(1_000_000)}`)).toBe('record-too-deep');
  });

  it('a reason tells the byte and never quotes the payload', () => {
    const verdict = examine(bytes('{"secret":"s3cret" "x"}'));
    expect(verdict.is === 'refused' && verdict.fault.reason).toBe('byte 19: a comma or closing brace expected');
  });
});

describe('numbers', () => {
  // Each was put to PostgreSQL 15 as '[…]'::jsonb.
  it.each([
    ['1e-16383', true],
    ['1e-16384', false],
    ['0e-16384', false],
    ['0e999999', true],
    ['0e1073741822', true],
    ['0e1073741823', false],
    ['0e-1073741823', false],
    ['0.00001e131076', true],
    ['0.00001e131077', false],
    ['1.5e-16382', true],
    ['1.5e-16383', false],
    ['12e131070', true],
    ['12e131071', false],
    ['0.10e-16381', true],
    ['0.10e-16382', false],
    ['-0', true],
  ])('%s fits numeric: %s', (text, expected) => {
    expect(numberFits(bytes(text), 0, text.length)).toBe(expected);
  });

  it.each([
    ['123', '123'],
    ['-5', '-5'],
    ['-0', '0'],
    ['1.0', '1'],
    ['1e2', '100'],
    ['10e-1', '1'],
    ['1.50e1', '15'],
    ['0.0', '0'],
    ['0e5', '0'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['1.5', undefined],
    ['1e-1', undefined],
    ['1e255', undefined],
    ['1e254', `1${'0'.repeat(254)}`],
    ['1e1073741824', undefined],
  ])('the integer text of %s is %s', (text, expected) => {
    expect(integerText(bytes(text), 0, text.length, 255)).toBe(expected);
  });

  it('the integer text of any integer is its own', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 60n), max: 10n ** 60n }), (n) => {
        const text = n.toString();
        expect(integerText(bytes(text), 0, text.length, 255)).toBe(text);
      }),
    );
  });
});

/** Text of a JSON document as a careless or hostile producer may write it: duplicates, escapes, white space. */
const space = fc.stringMatching(/^[ \t\r\n]{0,2}$/);
const aString = fc.oneof(fc.constantFrom('id', 'type', 'sha256', 'data'), fc.string({ unit: 'binary', maxLength: 6 }));
const written: fc.Arbitrary<string> = fc.tuple(aString, fc.integer({ min: 0, max: 15 })).map(([text, mask]) => {
  let out = '"';
  for (let i = 0; i < text.length; i++) {
    const escapeIt = ((mask >> (i % 4)) & 1) === 1;
    const plain = JSON.stringify(text[i]).slice(1, -1);
    out += escapeIt ? `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}` : plain;
  }
  return `${out}"`;
});
const scalar = fc.oneof(
  written,
  fc.constantFrom('true', 'false', 'null', '0', '-1.5e3', '1e400', '12345678901234567890'),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => JSON.stringify(n)),
);
const { value: document } = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, scalar, tie('object'), tie('array')),
  object: fc
    .array(fc.tuple(space, written, space, space, tie('value'), space), { maxLength: 5 })
    .map((ms) => `{${ms.map(([a, k, b, c, v, d]) => `${a}${k}${b}:${c}${v}${d}`).join(',')}}`),
  array: fc
    .array(fc.tuple(space, tie('value'), space), { maxLength: 4 })
    .map((vs) => `[${vs.map((v) => v.join('')).join(',')}]`),
}));
const record = fc
  .array(fc.tuple(fc.oneof(written, fc.constantFrom('"id"', '"\\u0069d"', '"type"', '"sha256"')), space, document), {
    maxLength: 8,
  })
  .map((ms) => `{${ms.map(([k, s, v]) => `${s}${k}${s}:${v}`).join(',')}}`);

function wellFormed(value: unknown): boolean {
  if (typeof value === 'string') return !/[\p{Surrogate}\0]/u.test(value);
  if (Array.isArray(value)) return value.every(wellFormed);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, member]) => wellFormed(key) && wellFormed(member));
}

/** What `JSON.parse` thinks of the body, in the words of the reader. */
function expected(value: unknown): unknown {
  if (typeof value === 'string') return { kind: 'string', text: value };
  if (typeof value === 'number') return { kind: 'number' };
  if (typeof value === 'boolean') return { kind: 'boolean' };
  if (value === null) return { kind: 'null' };
  return { kind: Array.isArray(value) ? 'array' : 'object' };
}

function compare(text: string): void {
  const reading = read(bytes(text));
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(text);
  } catch {
    expect(reading.is).toBe('refused');
    return;
  }
  if (reading.is === 'refused') {
    // JSON.parse keeps only the last of duplicate keys, so only the whole text can tell of a fault in a lost one.
    if (reading.fault.code === 'number-out-of-range') {
      expect(text).toMatch(/[eE][+-]?\d{5}/);
      return;
    }
    const lost = JSON.stringify(parsed).length < text.length;
    const bad = typeof parsed !== 'object' || parsed === null || Array.isArray(parsed) || !wellFormed(parsed);
    expect(bad || (lost && /^text-/.test(reading.fault.code))).toBe(true);
    return;
  }
  expect(wellFormed(parsed)).toBe(true);
  for (const key of keys) {
    const value = reading.values[key];
    if (!Object.hasOwn(parsed, key)) {
      expect(value).toBeUndefined();
      continue;
    }
    expect(value).toMatchObject(expected(parsed[key]) as object);
    if (typeof parsed[key] === 'number' && value?.integer !== undefined) {
      expect(Number(value.integer)).toBeCloseTo(parsed[key], 5);
    }
  }
}

describe('reading without parsing equals parsing', () => {
  it('the reader agrees with JSON.parse on any record, however written', () => {
    fc.assert(fc.property(record, compare), { numRuns: 3000 });
  });

  it('the reader agrees with JSON.parse on records with one byte broken', () => {
    fc.assert(
      fc.property(
        record,
        fc.nat(),
        fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', ' ', '0', 'e', '-', '.', '\n', ''),
        (text, at, byte) => {
          const i = at % (text.length + 1);
          const broken = text.slice(0, i) + byte + text.slice(i + 1);
          if (!/\p{Surrogate}/u.test(broken)) compare(broken);
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('any bytes at all get a verdict, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (body) => {
        expect(['ok', 'refused']).toContain(read(body).is);
        expect(examine(body).is).toBe(read(body).is);
      }),
      { numRuns: 3000 },
    );
  });

  it('the last of duplicate keys wins, escaped or not, and nested ones do not count', () => {
    const reading = read(bytes('{"id":"1","\\u0069d":"2","a":{"id":"3"},"b":[{"id":"4"}]}'));
    expect(reading.is === 'ok' && reading.values.id?.text).toBe('2');
  });

  const keeping = createEnvelopeReader(defaultLimits, ['id'], ['type', 'id', 'data']);

  it('an excerpt is what JSON.parse gives of the members kept, whatever stands around them', () => {
    const compareExcerpt = (text: string): void => {
      const reading = keeping(bytes(text));
      if (reading.is === 'refused') return;
      const whole = JSON.parse(text) as Record<string, unknown>;
      const wanted = Object.entries(whole).filter(([key]) => ['type', 'id', 'data'].includes(key));
      expect(parseExcerpt(bytes(text), reading.spans)).toEqual({ is: 'ok', value: Object.fromEntries(wanted) });
    };
    fc.assert(fc.property(record, compareExcerpt), { numRuns: 3000 });
    for (const text of [
      '{}',
      '{"x":1}',
      '{ "data" : [ {"id":"}"} , 1 ] , "id" : 5 }',
      '{"\\u0064ata":{},"data":"\\""}',
    ]) {
      compareExcerpt(text);
    }
  });

  it('an excerpt may be larger than the memory kept for excerpts', () => {
    const text = JSON.stringify({ before: 1, data: ['é'.repeat(100_000)], after: 2 });
    const reading = keeping(bytes(text));
    const spans = reading.is === 'ok' ? reading.spans : [];
    expect(parseExcerpt(bytes(text), spans)).toEqual({ is: 'ok', value: { data: ['é'.repeat(100_000)] } });
  });
});
