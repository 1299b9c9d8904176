/**
 * The zoo: every kind of record that is known to hurt a store, a driver or a parser, and what must become of it. One list for
 * both stores and for both ways of making a model, because they must agree.
 */
import { gzipSync } from 'node:zlib';
import type { FaultCode } from '@inator/runtime';

export type Expected =
  /** One letter with this code, and nothing in the store. */
  | { readonly refused: FaultCode }
  /** A row and a node under this key; the row's document is one of the bodies as PostgreSQL itself reads it, by default the last. */
  | {
      readonly key: string;
      /** Members of the document as `data->>name` gives them: the documented normal forms. */
      readonly members?: Readonly<Record<string, string | null>>;
      /** The title on the node; null where the node has none. Left out where the title is not what the case is about. */
      readonly title?: string | null;
      readonly seq?: string;
      readonly document?: number;
    }
  /** Not a record: acked, and nothing in the store. */
  | 'signal';

export interface ZooCase {
  /** Its place in the zoo. */
  readonly cage: string;
  readonly name: string;
  /** What is published, in this order. */
  readonly bodies: readonly Buffer[];
  /** Of each message. */
  readonly headers?: readonly Readonly<Record<string, unknown>>[];
  readonly discogs: Expected;
  readonly declared: Expected;
}

/** What an animal is made of: its own id, fifteen digits, is a safe integer and the beginning of every key it uses. */
type Animal = readonly [
  name: string,
  body: (id: string) => string | Buffer | readonly (string | Buffer)[],
  expected: (id: string) => Expected | { readonly discogs: Expected; readonly declared: Expected },
  headers?: readonly Readonly<Record<string, unknown>>[],
];

const refused = (code: FaultCode) => (): Expected => ({ refused: code });
const stored =
  (more: { members?: Record<string, string | null>; title?: string | null; seq?: string } = {}) =>
  (id: string): Expected => ({ key: id, ...more });
/** What a text property of a declared model refuses, and the preset's graph leaves out. */
const noScalar = (id: string): { discogs: Expected; declared: Expected } => ({
  discogs: { key: id, title: null },
  declared: { refused: 'value-refused' },
});

const record =
  (members: string) =>
  (id: string): string =>
    `{"type":"data","id":"${id}",${members}}`;
const fixed = (body: string | Buffer) => () => body;
/** A record whose title has these raw bytes. */
const titled =
  (...bytes: readonly number[]) =>
  (id: string): Buffer =>
    Buffer.concat([Buffer.from(`{"id":"${id}","title":"a`), Buffer.from(bytes), Buffer.from('z"}')]);
/** A record with this JSON text as its title. */
const title =
  (json: string) =>
  (id: string): string =>
    record(`"title":${json}`)(id);
const keyed =
  (json: (id: string) => string) =>
  (id: string): string =>
    `{"id":${json(id)},"title":"t"}`;
const big = (count: number, part: string): string => part.repeat(count);
const noise = (length: number): string =>
  Array.from({ length }, (_, i) => ((i * 7919 + 13) % 36).toString(36)).join('');
const text = (value: string): Animal => [
  `the text ${JSON.stringify(value)}`,
  title(JSON.stringify(value)),
  stored({ members: { title: value }, title: value }),
];
const number = (written: string, kept: string): Animal => [
  `the number ${written.length > 40 ? `${written.slice(0, 40)}…` : written}`,
  record(`"n":${written},"list":[${written}]`),
  stored({ members: { n: kept } }),
];

const zoo: Readonly<Record<string, readonly Animal[]>> = {
  'U+0000 in a text': [
    ['escaped', title('"a\\u0000b"'), refused('text-nul')],
    ['escaped, in a list far down', record('"a":[{"b":["\\u0000"]}]'), refused('text-nul')],
    ['escaped, in a name of a member', record('"\\u0000":1'), refused('text-nul')],
    ['escaped, in the key', keyed((id) => `"${id}\\u0000"`), refused('text-nul')],
    ['as a byte', titled(0), refused('json-invalid')],
    ['as a byte in the key', keyed((id) => `"${id}\0"`), refused('json-invalid')],
    ['with its backslash escaped, which is a text', title('"\\\\u0000"'), stored({ title: '\\u0000' })],
  ],
  'raw control characters': [
    ...[0x01, 0x09, 0x0a, 0x0d, 0x1b, 0x1f].map(
      (byte): Animal => [`0x${byte.toString(16)}`, titled(byte), refused('json-invalid')],
    ),
    ['DEL, which is allowed', titled(0x7f), stored({ title: 'a\x7fz' })],
  ],
  'halves of surrogate pairs': [
    ['the first', title('"\\ud800"'), refused('text-surrogate')],
    ['the second', title('"\\udc00"'), refused('text-surrogate')],
    ['the wrong way round', title('"\\udc00\\ud800"'), refused('text-surrogate')],
    ['the first twice', title('"\\ud83d\\ud83d\\ude00"'), refused('text-surrogate')],
    ['in the key', keyed((id) => `"${id}\\ud800"`), refused('text-surrogate')],
    ['in a name of a member', record('"\\udfff":1'), refused('text-surrogate')],
    ['both, which is a character', title('"\\ud83d\\ude00"'), stored({ members: { title: '😀' }, title: '😀' })],
  ],
  'bytes that are not UTF-8': [
    ...(
      [
        ['a lone continuation', [0x80]],
        ['an interrupted sequence', [0xc3, 0x28]],
        ['a truncated sequence', [0xe2, 0x82]],
        ['an encoded surrogate (CESU-8)', [0xed, 0xa0, 0x80]],
        ['a pair of encoded surrogates', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
        ['an overlong slash', [0xc0, 0xaf]],
        ['an overlong NUL', [0xc0, 0x80]],
        ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
        ['0xFE and 0xFF', [0xfe, 0xff]],
        ['Latin-1', [0xe9, 0x20]],
      ] as const
    ).map(([name, bytes]): Animal => [name, titled(...bytes), refused('utf8-invalid')]),
    [
      'in the key',
      (id) => Buffer.concat([Buffer.from(`{"id":"${id}`), Buffer.from([0xff]), Buffer.from('"}')]),
      refused('utf8-invalid'),
    ],
  ],
  'other encodings': [
    ['a byte order mark', (id) => `\ufeff{"id":"${id}"}`, refused('json-invalid')],
    ['UTF-16', (id) => Buffer.from(`{"id":"${id}"}`, 'utf16le'), refused('utf8-invalid')],
    ['UTF-16 with its mark', (id) => Buffer.from(`\ufeff{"id":"${id}"}`, 'utf16le'), refused('utf8-invalid')],
    [
      'UTF-16, the other end first',
      (id) => Buffer.from(`\ufeff{"id":"${id}"}`, 'utf16le').swap16(),
      refused('utf8-invalid'),
    ],
    ['gzip', (id) => gzipSync(`{"id":"${id}"}`), refused('utf8-invalid')],
  ],
  'not JSON': (
    [
      ['nothing', ''],
      ['white space', ' \n'],
      ['half an object', '{"id":"%"'],
      ['half a text', '{"id":"%'],
      ['trailing bytes', '{"id":"%"}x'],
      ['two documents', '{"id":"%"}{"id":"%"}'],
      ['a trailing comma', '{"id":"%",}'],
      ['NaN', '{"id":"%","n":NaN}'],
      ['Infinity', '{"id":"%","n":-Infinity}'],
      ['single quotes', "{'id':'%'}"],
      ['no quotes', '{id:"%"}'],
      ['a comment', '{"id":"%"/* % */}'],
      ['a leading zero', '{"id":"%","n":01}'],
      ['a plus', '{"id":"%","n":+1}'],
      ['a bare point', '{"id":"%","n":1.}'],
      ['hexadecimal', '{"id":"%","n":0x10}'],
      ['an unknown escape', '{"id":"%","a":"\\x41"}'],
      ['half an escape', '{"id":"%","a":"\\u00"}'],
      ['a name that is no text', '{"id":"%",1:1}'],
      ['True', '{"id":"%","a":True}'],
      ['no-break space between', '{"id":\u00a0"%"}'],
    ] as const
  ).map(([name, body]): Animal => [name, (id) => body.replaceAll('%', id), refused('json-invalid')]),
  'not an object': (['"text"', '5', '-0', 'true', 'null', '[]', '[{"id":"1"}]', '  "x"  '] as const).map(
    (body): Animal => [body, fixed(body), refused('record-not-object')],
  ),
  keys: [
    ['absent', (id) => `{"type":"data","title":"${id}"}`, refused('key-missing')],
    ['null', (id) => `{"id":null,"title":"${id}"}`, refused('key-missing')],
    ['empty', (id) => `{"id":"","title":"${id}"}`, refused('key-missing')],
    ['white space', (id) => `{"id":" \\t","title":"${id}"}`, refused('key-invalid')],
    ['white space beyond ASCII', (id) => `{"id":"\u00a0\u2003","title":"${id}"}`, refused('key-invalid')],
    ['an object', (id) => `{"id":{},"title":"${id}"}`, refused('key-invalid')],
    ['a list', (id) => `{"id":["1"],"title":"${id}"}`, refused('key-invalid')],
    ['a boolean', (id) => `{"id":true,"title":"${id}"}`, refused('key-invalid')],
    ['a fraction', (id) => `{"id":${id}.5}`, refused('key-invalid')],
    ['an integer', keyed((id) => id), stored()],
    ['an integer with a fraction of zero', keyed((id) => `${id}.0`), stored()],
    ['an integer as a power', keyed((id) => `${id}00e-2`), stored()],
    ['a negative integer', keyed((id) => `-${id}`), (id) => ({ key: `-${id}` })],
    ['an integer of thirty digits', keyed((id) => `${id}${id}`), (id) => ({ key: `${id}${id}` })],
    ['a text with a leading zero', keyed((id) => `"${id}.0"`), (id) => ({ key: `${id}.0` })],
    ['a text with space around', keyed((id) => `"${id} x "`), (id) => ({ key: `${id} x ` })],
    ['twice, the last counts', (id) => `{"id":"${id}a","title":"t","id":"${id}"}`, stored({ members: { title: 't' } })],
    ['255 characters', keyed((id) => `"${id.padEnd(255, 'x')}"`), (id) => ({ key: id.padEnd(255, 'x') })],
    [
      '255 characters of four bytes',
      keyed((id) => `"${id}${big(240, '😀')}"`),
      (id) => ({ key: `${id}${big(240, '😀')}` }),
    ],
    ['256 characters', keyed((id) => `"${id.padEnd(256, 'x')}"`), refused('key-too-long')],
    ['2,720 bytes', keyed((id) => `"${id}${noise(2_705)}"`), refused('key-too-long')],
    ['9,000 bytes', keyed((id) => `"${id}${noise(8_985)}"`), refused('key-too-long')],
    ['SQL', keyed((id) => `"${id}'; DROP TABLE releases; --"`), (id) => ({ key: `${id}'; DROP TABLE releases; --` })],
    ['Cypher', keyed((id) => `"${id}\`}) DETACH DELETE n //"`), (id) => ({ key: `${id}\`}) DETACH DELETE n //` })],
    ['a decomposed character', keyed((id) => `"${id}e\u0301"`), (id) => ({ key: `${id}e\u0301` })],
  ],
  'long texts': [
    ['9,000 characters', title(`"${big(9_000, 'x')}"`), stored({ members: { title: big(9_000, 'x') } })],
    ['40,000 bytes that do not compress', title(`"${noise(40_000)}"`), stored({ members: { title: noise(40_000) } })],
    ['7 MiB', record(`"notes":"${big(7 << 20, 'n')}"`), stored()],
    ['a body of more than 8 MiB', record(`"notes":"${big((8 << 20) + 1, 'n')}"`), refused('record-too-large')],
  ],
  'deep and wide': [
    ['99 levels below the record', record(`"a":${big(99, '[')}${big(99, ']')}`), stored()],
    ['100 levels below the record', record(`"a":${big(100, '[')}${big(100, ']')}`), refused('record-too-deep')],
    ['5,000 levels', record(`"a":${big(5_000, '{"a":')}1${big(5_000, '}')}`), refused('record-too-deep')],
    ['20,000 levels', record(`"a":${big(20_000, '[')}${big(20_000, ']')}`), refused('record-too-deep')],
    ['a million brackets that never close', record(big(1_000_000, '[')), refused('json-invalid')],
    ['a million levels', record(`"a":${big(1_000_000, '[')}${big(1_000_000, ']')}`), refused('record-too-deep')],
    ['50,000 members', record(Array.from({ length: 50_000 }, (_, i) => `"m${i}":${i}`).join()), stored()],
    [
      '100,001 members',
      record(Array.from({ length: 100_001 }, (_, i) => `"m${i}":0`).join()),
      refused('record-too-wide'),
    ],
  ],
  numbers: [
    number('9007199254740993', '9007199254740993'),
    number('9223372036854775808', '9223372036854775808'),
    number('18446744073709551621', '18446744073709551621'),
    number('123456789012345678901234567890', '123456789012345678901234567890'),
    number('0.1000000000000000055511151231257827', '0.1000000000000000055511151231257827'),
    number('-0', '0'),
    number('1.0', '1.0'),
    number('1E2', '100'),
    number('1e-7', '0.0000001'),
    number('1e400', `1${big(400, '0')}`),
    number('1e131071', `1${big(131_071, '0')}`),
    ...['1e131072', '-1e131072', '1e-20000', '1e999999999999', big(131_073, '9')].map(
      (written): Animal => [
        `the number ${written.slice(0, 40)}`,
        record(`"n":${written}`),
        refused('number-out-of-range'),
      ],
    ),
  ],
  'names of members': [
    ['__proto__', record('"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}'), stored()],
    [
      'of what every object has',
      record('"toString":1,"hasOwnProperty":2,"valueOf":3,"length":4'),
      stored({ members: { length: '4' } }),
    ],
    ['empty', record('"":1," ":2'), stored({ members: { '': '1' } })],
    ['with quotes and backticks', record('"a`b":1,"c\\"d":2,"e\'f":3'), stored({ members: { 'a`b': '1' } })],
    [
      'like our own',
      record('"seq":9,"hash":"x","data":{},"data_id":"y","_l":1'),
      stored({ members: { data_id: 'y' } }),
    ],
    [
      'twice',
      record('"a":1,"title":"first","a":2,"title":"last"'),
      stored({ members: { a: '2', title: 'last' }, title: 'last' }),
    ],
    ['in another order', (id) => `{"title":"t","id":"${id}","b":1,"a":2}`, stored({ members: { a: '2' }, title: 't' })],
    ['escaped', (id) => `{"\\u0069d":"${id}","t\\u0069tle":"t"}`, stored({ title: 't' })],
  ],
  'values of the wrong shape': [
    ['an object for a text', title('{"a":1}'), noScalar],
    ['an empty object for a text', title('{}'), noScalar],
    ['a list for a text', title('["a"]'), noScalar],
    ['a mixed list for a text', title('[1,"a",null,{}]'), noScalar],
    ['a nested list for a text', title('[[1]]'), noScalar],
    ['null for a text', title('null'), stored({ members: { title: null }, title: null })],
    ['an empty text', title('""'), (id) => ({ discogs: { key: id, title: null }, declared: { key: id } })],
    ['lists and objects where nobody looks', record('"x":[[],[[null]],{},[{"a":[1,"b",null]}]]'), stored()],
    [
      'no lists where the preset looks for some',
      record('"artists":5,"labels":"x","genres":{"a":1},"styles":true'),
      stored(),
    ],
    [
      'strange lists where the preset looks for some',
      record('"artists":[null,1,[],{"id":{}}],"genres":[[],{},null,""]'),
      stored(),
    ],
    [
      'dates that are none',
      record('"released":"9999-99-99","year":"soon"'),
      stored({ members: { released: '9999-99-99' } }),
    ],
  ],
  'texts that mean something elsewhere': [
    ...[
      "'; DROP TABLE releases; --",
      '`}) DETACH DELETE n //',
      '{$ne: 1}',
      '#{7*7}',
      '$1 \\. \\N %s %n',
      '../../etc/passwd',
      '<script>alert(1)</script>',
      'null',
      'NaN',
      '"\\',
      '\r\n\t',
      '\u2028\u2029',
      '\ufeff',
      '\uffff\ufffe\u{10ffff}',
      '👩‍👩‍👧‍👦 e\u0301 ﷽ \u202eabc',
      ' ',
    ].map(text),
  ],
  'kinds of messages': [
    ['no type', (id) => `{"id":"${id}"}`, stored()],
    ['type null', (id) => `{"type":null,"id":"${id}"}`, stored()],
    ...['"artists"', '5', '"DATA"', `"'; DROP"`].map(
      (kind): Animal => [
        `type ${kind}`,
        (id) => `{"type":${kind},"id":"${id}"}`,
        (id) => ({ discogs: { refused: 'type-unknown' }, declared: { key: id } }),
      ],
    ),
    ['the end of a file', fixed('{"type":"file_complete","data_type":"releases","total_processed":1}'), () => 'signal'],
    ['the end of a file that says nothing', fixed('{"type":"file_complete","total_processed":{}}'), () => 'signal'],
    [
      'the end of an extraction',
      fixed('{"type":"extraction_complete","version":"v","record_counts":{"releases":-1}}'),
      () => 'signal',
    ],
  ],
  hashes: [
    ['absent', (id) => `{"id":"${id}"}`, stored()],
    ['null', record('"sha256":null'), stored()],
    ['not that of the body', record('"sha256":"0000"'), stored()],
    ['a number', record('"sha256":5'), refused('hash-invalid')],
    ['empty', record('"sha256":""'), refused('hash-invalid')],
    ['an object', record('"sha256":{}'), refused('hash-invalid')],
    ['255 characters of four bytes', record(`"sha256":"${big(255, '😀')}"`), stored()],
    ['256 characters', record(`"sha256":"${big(256, 'x')}"`), refused('hash-invalid')],
  ],
  versions: [
    ...['abc', '-1', '1.5', '9223372036854775808', '', ' 1', '１'].map(
      (seq): Animal => [`the text "${seq}"`, record('"a":1'), refused('seq-invalid'), [{ 'x-seq': seq }]],
    ),
    ...[-1, 1.5, 2 ** 53, Number.NaN, true, {}].map(
      (seq): Animal => [`the value ${String(seq)}`, record('"a":1'), refused('seq-invalid'), [{ 'x-seq': seq }]],
    ),
    ['none', record('"a":1'), stored()],
    ['null', record('"a":1'), stored(), [{ 'x-seq': null }]],
    ['the largest', record('"a":1'), stored({ seq: '9223372036854775807' }), [{ 'x-seq': '9223372036854775807' }]],
    ['of the year 3000', record('"a":1'), stored({ seq: '32503680000000' }), [{ 'x-version': 32503680000000 }]],
    [
      'equal with another hash, the greater hash last',
      (id) => [record('"sha256":"a"')(id), record('"sha256":"b"')(id)],
      stored({ seq: '7', members: { sha256: 'b' } }),
      [{ 'x-seq': 7 }, { 'x-seq': 7 }],
    ],
    [
      'falling',
      (id) => [record('"sha256":"old"')(id), record('"sha256":"new"')(id)].reverse(),
      (id) => ({ key: id, seq: '2', members: { sha256: 'new' }, document: 0 }),
      [{ 'x-seq': 2 }, { 'x-seq': 1 }],
    ],
  ],
  repetition: [
    [
      'the same key five hundred times, the last arrival counts',
      (id) => Array.from({ length: 500 }, (_, i) => record(`"title":"t${i}"`)(id)),
      stored({ members: { title: 't499' }, title: 't499' }),
    ],
    [
      'the same message ten times',
      (id) => Array.from({ length: 10 }, () => record('"title":"t"')(id)),
      stored({ title: 't' }),
    ],
  ],
};

/** `base`: twelve digits, the first not 0, that nobody else uses. */
export function casesOf(base: string): readonly ZooCase[] {
  let count = 0;
  return Object.entries(zoo).flatMap(([cage, animals]) =>
    animals.map(([name, make, expect, headers]): ZooCase => {
      count += 1;
      const id = `${base}${String(count).padStart(3, '0')}`;
      const made = make(id);
      const bodies = typeof made === 'string' || Buffer.isBuffer(made) ? [made] : made;
      const expected = expect(id);
      const each =
        typeof expected === 'object' && 'discogs' in expected ? expected : { discogs: expected, declared: expected };
      return {
        cage,
        name,
        bodies: bodies.map((body) => Buffer.from(body)),
        ...(headers === undefined ? {} : { headers }),
        ...each,
      };
    }),
  );
}
