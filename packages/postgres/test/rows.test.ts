import type { Keyed } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createBytesPool, newBytes, retainedBytes } from '../src/encode/bytes.ts';
import { createRowEncoder } from '../src/encode/rows.ts';
import { winnersOf } from '../src/write/row.ts';
import { cellsModel, doc, keyed } from './support/place.ts';

describe('the COPY body', () => {
  it('is header, a row a record and the trailer, byte for byte', () => {
    const out = newBytes(1);
    createRowEncoder(cellsModel()).copy(out, [keyed('k', 'h', [Buffer.from('{}')], 1)]);
    const expected = [
      '5047434f50590aff0d0a00',
      '00000000',
      '00000000',
      '0005',
      '00000004',
      '00000000',
      '00000001',
      '6b',
      '00000001',
      '68',
      '00000008',
      '0000000000000001',
      '00000003',
      '01',
      '7b7d',
      'ffff',
    ];
    expect(out.buffer.subarray(0, out.at).toString('hex')).toBe(expected.join(''));
  });
  it('has the arrival number, so that later arrivals can win', () => {
    const out = newBytes();
    createRowEncoder(cellsModel()).copy(out, [doc('a'), doc('b')]);
    expect(out.buffer.includes(Buffer.from('000000040000000100000001', 'hex'))).toBe(true);
  });
});

describe('the buffers', () => {
  it('are used again, but none beyond the size or the number to keep', () => {
    const pool = createBytesPool(1);
    const [first, second] = [pool.take(), pool.take()];
    first.at = 10;
    pool.giveBack(first);
    pool.giveBack(second);
    expect(pool.take()).toBe(first);
    expect(first.at).toBe(0);
    expect(pool.take()).not.toBe(second);
    pool.giveBack(newBytes(retainedBytes + 1));
    expect(pool.take().buffer.length).toBeLessThan(retainedBytes);
  });
});

it('the winners of a batch are one a key, the highest version, then the greater hash, then the last, in byte order', () => {
  const record = fc.record({
    key: fc.constantFrom('a', 'b', '😀', '\uffee'),
    hash: fc.constantFrom('x', 'y'),
    seq: fc.option(fc.integer({ min: 0, max: 3 })),
  });
  fc.assert(
    fc.property(fc.array(record), (made) => {
      const records = made.map(({ key, hash, seq }) => doc(key, hash, seq ?? undefined));
      const winners = winnersOf(records).map((index) => records[index] as Keyed<unknown>);
      const keys = winners.map(({ key }) => Buffer.from(key).toString('hex'));
      expect(keys).toEqual([...new Set(records.map(({ key }) => Buffer.from(key).toString('hex')))].sort());
      for (const winner of winners) {
        const same = records.filter(({ key }) => key === winner.key);
        const versioned = same.filter(({ seq }) => seq !== undefined);
        const top = versioned.reduce((max, { seq }) => ((seq ?? -1n) > max ? (seq ?? max) : max), -1n);
        if (top < 0n) expect(winner).toBe(same.at(-1));
        else
          expect([winner.seq, winner.hash]).toEqual([
            top,
            versioned
              .filter(({ seq }) => seq === top)
              .map(({ hash }) => hash)
              .sort()
              .at(-1),
          ]);
      }
    }),
  );
});
