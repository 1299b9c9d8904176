import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createLineSplitter, keptOfLongLine, type Line } from '../src/publish/lines.ts';

/** The lines of `chunks`, however they are cut. */
function split(chunks: readonly Buffer[], limit = 1_000_000, from = { byte: 0, line: 1 }): Line[] {
  const splitter = createLineSplitter({ limit, from });
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()];
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const edges = [0, ...[...at].map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
}

describe('the line splitter', () => {
  it('knows where every line starts and ends, LF and CRLF alike', () => {
    const lines = split([Buffer.from('ab\r\nc\n\nd')]);
    expect(lines.map(({ bytes, start, end, number }) => [bytes.toString(), start, end, number])).toEqual([
      ['ab', 0, 4, 1],
      ['c', 4, 6, 2],
      ['', 6, 7, 3],
      ['d', 7, 8, 4],
    ]);
  });

  it('gives the same lines however the input is cut into chunks', () => {
    const piece = fc.oneof(
      fc.constantFrom('\n', '\r\n', '\r', 'x', '{"id":"1"}', '\u00e9', '\ufeff'),
      fc.string({ maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.nat(), { maxLength: 12 }), (pieces, places) => {
        const bytes = Buffer.from(pieces.join(''));
        expect(split(cut(bytes, places), 6)).toEqual(split([bytes], 6));
      }),
    );
  });

  it('covers the input without a gap: each line starts where the one before ends', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (raw) => {
        const bytes = Buffer.from(raw);
        const lines = split([bytes]);
        let at = 0;
        for (const line of lines) {
          expect(line.start).toBe(at);
          at = line.end;
        }
        expect(at).toBe(bytes.length);
      }),
    );
  });

  it('starts counting where it is told to', () => {
    const [first] = split([Buffer.from('x\n')], 100, { byte: 500, line: 21 });
    expect(first).toMatchObject({ start: 500, end: 502, number: 21 });
  });

  it('takes a byte-order mark from the first line, and only there', () => {
    const lines = split([Buffer.from('\ufeffa\n\ufeffb\n')]);
    expect(lines.map(({ bytes }) => bytes.toString())).toEqual(['a', '\ufeffb']);
  });

  it('accepts a line of exactly the limit and marks one byte more', () => {
    const lines = split([Buffer.from('12345\n123456\n12345\r\n123456\r\n12345')], 5);
    expect(lines.map(({ tooLong }) => tooLong)).toEqual([false, true, false, true, false]);
  });

  it('keeps only the beginning of a line over the limit, and finds the next one', () => {
    const splitter = createLineSplitter({ limit: 10_000 });
    const long = Buffer.alloc(50_000, 'x');
    const lines = [
      ...splitter.push(Buffer.from('xy')),
      ...splitter.push(long),
      ...splitter.push(long),
      ...splitter.push(Buffer.from('\nnext\n')),
    ];
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({ tooLong: true, start: 0, end: 100_003 });
    expect(lines[0]?.bytes).toHaveLength(keptOfLongLine);
    expect(lines[0]?.bytes.subarray(0, 3).toString()).toBe('xyx');
    expect(lines[1]?.bytes.toString()).toBe('next');
  });
});
