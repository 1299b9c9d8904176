/**
 * Lines by byte offset: where each one starts and ends is what resuming and reject files are built on, which is why this
 * is not `readline`. Works on bytes, so a bad encoding is the line's own trouble, and holds at most one line.
 */

export interface Line {
  /** Without its terminator (LF or CRLF); of a line over the limit only its first bytes. */
  readonly bytes: Buffer;
  /** From 1. */
  readonly number: number;
  /** Offset of its first byte in the (decompressed) input. */
  readonly start: number;
  /** Offset after its terminator: where the next line starts. */
  readonly end: number;
  /** What ended it; nothing at the end of an input that does not end in a line break. */
  readonly terminator: '\n' | '\r\n' | '';
  /** True when the line is longer than the limit; what is over it was read and thrown away. */
  readonly tooLong: boolean;
}

export interface LineSplitter {
  /** The lines completed by this chunk. The chunk is not changed; lines may share its memory. */
  push(chunk: Buffer): Line[];
  /** The last line, when the input does not end in a terminator. */
  end(): Line[];
}

export interface LineSplitterOptions {
  /** Bytes of a line, terminator not counted, that are still accepted. */
  readonly limit: number;
  /** Where the first chunk stands in the input, when reading does not start at its beginning. */
  readonly from?: { readonly byte: number; readonly line: number };
}

/** Bytes kept of a line over the limit: enough to recognise it in a reject file. */
export const keptOfLongLine = 1024;

const lf = 0x0a;
const cr = 0x0d;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

export function createLineSplitter({ limit, from = { byte: 0, line: 1 } }: LineSplitterOptions): LineSplitter {
  let start = from.byte;
  let number = from.line;
  /** Pieces of the line begun in earlier chunks. Once it is too long, only what is kept of it. */
  let pieces: Buffer[] = [];
  let length = 0;
  /** Bytes in `pieces`. */
  let kept = 0;
  /** The last byte seen of the unfinished line: a CR there belongs to the terminator if an LF follows. */
  let last = -1;

  function append(piece: Buffer): void {
    if (piece.length === 0) return;
    length += piece.length;
    last = piece[piece.length - 1] ?? -1;
    // One byte over the limit may still be the CR of CRLF, hence the slack.
    if (length <= limit + 1) {
      pieces.push(piece);
      kept += piece.length;
    } else if (kept !== keptOfLongLine) {
      // A copy, so that what is thrown away is not kept alive by what is kept.
      const head = Buffer.concat([...pieces, piece.subarray(0, keptOfLongLine)]).subarray(0, keptOfLongLine);
      pieces = [Buffer.from(head)];
      kept = head.length;
    }
  }

  function finish(terminator: 0 | 1): Line {
    const carriageReturn = terminator === 1 && last === cr ? 1 : 0;
    const content = length - carriageReturn;
    const tooLong = content > limit;
    const whole = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
    let bytes = whole.subarray(0, tooLong ? keptOfLongLine : content);
    // The mark belongs to the file, not to its first line.
    if (start === 0 && bytes.subarray(0, 3).equals(byteOrderMark)) bytes = bytes.subarray(3);
    const line: Line = {
      bytes,
      number,
      start,
      end: start + length + terminator,
      terminator: terminator === 0 ? '' : carriageReturn === 1 ? '\r\n' : '\n',
      tooLong,
    };
    start = line.end;
    number += 1;
    pieces = [];
    length = 0;
    kept = 0;
    last = -1;
    return line;
  }

  return {
    push(chunk) {
      const lines: Line[] = [];
      let at = 0;
      for (let next = chunk.indexOf(lf, at); next !== -1; next = chunk.indexOf(lf, at)) {
        append(chunk.subarray(at, next));
        lines.push(finish(1));
        at = next + 1;
      }
      append(chunk.subarray(at));
      return lines;
    },
    end() {
      return length === 0 ? [] : [finish(0)];
    },
  };
}

/** Why a line marked `tooLong` is refused. */
export function tooLongReason(line: Line, limits: { readonly recordBytes: number }): string {
  return `the line has ${line.end - line.start} bytes, more than the ${limits.recordBytes} of MAX_RECORD_BYTES`;
}

/** True for a line of nothing but white space: no record, and no reject either. */
export function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) {
    if (byte !== 0x20 && byte !== 0x09 && byte !== cr) return false;
  }
  return true;
}
