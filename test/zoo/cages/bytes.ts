/** Bodies that are no text, no JSON or no object, or almost. */
import { gzipSync } from 'node:zlib';
import { type Animal, type Cages, fixed, keyed, record, refused, stored, title, titled } from './animal.ts';

export const bytes: Cages = {
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
};
