import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { maxTableDepth, readTable, type Table } from '../src/tables.ts';

const require = createRequire(import.meta.url);
const { encodeTable } = require(join(dirname(require.resolve('amqplib')), 'lib/codec.js')) as {
  encodeTable(into: Buffer, table: object, at: number): number;
};

/** Without the length in front, as amqplib hands it over. */
function written(table: object): Buffer {
  const bytes = Buffer.alloc(1 << 20);
  return bytes.subarray(4, encodeTable(bytes, table, 0));
}

/** A table within a table, as often as `depth` says, in bytes: no recursion on our side. */
function deep(depth: number, tag: 'F' | 'A'): Buffer {
  let inner = Buffer.alloc(0);
  const parts: Buffer[] = [];
  for (let i = 0; i < depth; i += 1) {
    const named = tag === 'F' || i === depth - 1 ? Buffer.from([1, 0x74]) : Buffer.alloc(0);
    const head = Buffer.alloc(5);
    head.write(tag, 'latin1');
    head.writeUInt32BE(inner.length, 1);
    parts.unshift(named, head);
    inner = Buffer.alloc(inner.length + named.length + head.length);
  }
  return Buffer.concat(parts);
}

describe('a table of AMQP', () => {
  it('is read as amqplib writes it, every type of value', () => {
    const table = {
      text: 'ünïcode \u0000',
      small: -7,
      short: 300,
      int: -70_000,
      long: 2 ** 53 - 1,
      double: 0.5,
      yes: true,
      no: false,
      nothing: null,
      bytes: Buffer.from([0, 255]),
      list: [1, 'two', [3], { four: 4 }],
      table: { within: { a: 'table' } },
      at: { '!': 'timestamp', value: 1_763_856_000 },
      price: { '!': 'decimal', value: { places: 2, digits: 1999 } },
    };
    expect(readTable(written(table))).toEqual(table);
    const typed = { a: 'uint8', b: 'uint16', c: 'uint32', d: 'float', e: 'int64' };
    const values = Object.entries(typed).map(([name, type]) => [name, { '!': type, value: 3 }]);
    expect(readTable(written(Object.fromEntries(values)))).toEqual({ a: 3, b: 3, c: 3, d: 3, e: 3 });
  });

  it('holds integers of 64 bits to the last digit, and amqplib writes them back as they were', () => {
    for (const value of ['1763856000123456789', '-9223372036854775808', '9223372036854775807', '9007199254740992']) {
      const bytes = written({ seq: { '!': 'int64', value } });
      const read = readTable(bytes);
      expect(read).toEqual({ seq: { '!': 'long', value } });
      expect(written(read)).toEqual(bytes);
    }
  });

  it('takes no prototype from a sender', () => {
    const read = readTable(written(JSON.parse('{"__proto__": {"admin": true}, "x": 1}') as object));
    expect([read.admin, read.x, Object.getPrototypeOf(read)]).toEqual([undefined, 1, Object.prototype]);
    expect(Object.getOwnPropertyDescriptor(read, '__proto__')?.value).toEqual({ admin: true });
  });

  it.each(['F', 'A'] as const)('is read to a depth, and null stands for the rest: %s', (tag) => {
    const depthOf = (table: Table): number => {
      let depth = 0;
      for (let at: unknown = table.t; at !== null && at !== undefined; depth += 1) at = Object.values(at as object)[0];
      return depth;
    };
    expect(depthOf(readTable(deep(10, tag)))).toBe(10);
    expect(depthOf(readTable(deep(9_000, tag)))).toBe(maxTableDepth);
    const behind = Buffer.concat([deep(9_000, tag), Buffer.from([1, 0x78, 0x74, 1])]);
    expect(readTable(behind).x).toBe(true);
  });

  it('of any bytes whatever is read or refused, and never read beyond them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          readTable(Buffer.from(bytes));
        } catch (error) {
          expect(error instanceof RangeError || error instanceof TypeError).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
