/**
 * One cell in PostgreSQL's binary format: its length, then its bytes; length −1 is NULL. The same bytes serve COPY, array
 * parameters and single parameters, so the three write paths cannot differ in what they store.
 */
import type { Cell, ColumnType } from '@inator/runtime';
import { type Bytes, putInt32, reserve, setInt32 } from './bytes.ts';
import { CellError } from './cell-error.ts';
import { putNumeric } from './numeric.ts';

export type PutCell = (out: Bytes, cell: Cell) => void;

/** Types of the catalogue by their fixed object ids (`pg_type.dat`); binary arrays name their element type by it. */
export const typeOids: Readonly<Record<ColumnType, number>> = {
  varchar: 1043,
  text: 25,
  jsonb: 3802,
  bigint: 20,
  integer: 23,
  'double precision': 701,
  boolean: 16,
  timestamptz: 1184,
  date: 1082,
  numeric: 1700,
};

/** Up to this length a loop over the characters beats the call into native code (measured on Node 20). */
const shortText = 40;

/** With the `u` flag a pair is one code point, so this finds only halves that stand alone. */
const loneSurrogate = /\p{Surrogate}/u;

/** Text as UTF-8. A lone surrogate is refused here, because encoding it would silently store U+FFFD instead. */
export function putText(out: Bytes, text: string): void {
  const { length } = text;
  reserve(out, 4 + length * 3);
  const { buffer } = out;
  const start = out.at + 4;
  let written = 0;
  if (length <= shortText) {
    for (; written < length; written += 1) {
      const unit = text.charCodeAt(written);
      if (unit >= 0x80 || unit === 0) break;
      buffer[start + written] = unit;
    }
  }
  if (written < length) {
    if (text.includes('\0')) throw new CellError('text-nul', 'a text holds U+0000');
    written = buffer.write(text, start, 'utf8');
    if (written !== length && loneSurrogate.test(text)) {
      throw new CellError('text-surrogate', 'a text holds half of a surrogate pair');
    }
  }
  setInt32(buffer, out.at, written);
  out.at = start + written;
}

function putBytes(out: Bytes, bytes: Uint8Array): void {
  putInt32(out, bytes.length);
  reserve(out, bytes.length);
  out.buffer.set(bytes, out.at);
  out.at += bytes.length;
}

/** jsonb is a version byte and the JSON text, which is passed through as it came: the server parses it, nobody else. */
function putJsonb(out: Bytes, cell: string | Uint8Array): void {
  const start = out.at;
  if (typeof cell === 'string') {
    // One byte further on, then the length is put in front of the version byte.
    reserve(out, 1);
    out.at = start + 1;
    putText(out, cell);
    setInt32(out.buffer, start, out.at - start - 4);
  } else {
    reserve(out, 5 + cell.length);
    setInt32(out.buffer, start, cell.length + 1);
    out.buffer.set(cell, start + 5);
    out.at = start + 5 + cell.length;
  }
  out.buffer[start + 4] = 1;
}

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

export function putInt64(out: Bytes, value: bigint): void {
  if (value < minInt64 || value > maxInt64) {
    throw new CellError('number-out-of-range', 'an integer is outside the range of bigint');
  }
  reserve(out, 12);
  setInt32(out.buffer, out.at, 8);
  out.buffer.writeBigInt64BE(value, out.at + 4);
  out.at += 12;
}

/** From 1970 to 2000, where PostgreSQL counts its microseconds and its days from. */
const microsecondsTo2000 = 946_684_800_000_000n;
const daysTo2000 = 10_957;

/**
 * What PostgreSQL's `timestamptz` and `date` hold (timestamp.h, "MIN_TIMESTAMP", "END_TIMESTAMP"; date.h): from 4714-11-24
 * BC to the end of 294276 and of 5874897. The binary protocol would take more, and the server answer with an error.
 */
const times = { first: -211_813_488_000_000_000n, end: 9_223_371_331_200_000_000n } as const;
const dates = { first: -2_451_545, end: 2_145_031_949 } as const;

function putTime(out: Bytes, time: Date | bigint): void {
  let microseconds: bigint;
  if (typeof time === 'bigint') microseconds = time;
  else {
    const ms = time.getTime();
    if (Number.isNaN(ms)) throw new CellError('value-refused', 'a time is not a valid date');
    microseconds = BigInt(ms) * 1000n;
  }
  const value = microseconds - microsecondsTo2000;
  if (value < times.first || value >= times.end) {
    throw new CellError('number-out-of-range', 'a time is outside the range of timestamptz');
  }
  putInt64(out, value);
}

function putDays(out: Bytes, days: number): void {
  const value = days - daysTo2000;
  if (!Number.isSafeInteger(days)) throw new CellError('value-refused', 'a date is not a whole number of days');
  if (value < dates.first || value >= dates.end) {
    throw new CellError('number-out-of-range', 'a date is outside the range of date');
  }
  putInt32(out, 4);
  putInt32(out, value);
}

function wholeNumber(cell: number | bigint): bigint {
  if (typeof cell === 'bigint') return cell;
  if (!Number.isSafeInteger(cell)) {
    throw new CellError('number-out-of-range', 'a number is not an integer that can be represented exactly');
  }
  return BigInt(cell);
}

function wrongType(wanted: ColumnType, cell: Cell): never {
  throw new CellError('defect', `the model gave a ${typeof cell} for a column of type ${wanted}`);
}

const putText_ =
  (type: ColumnType): PutCell =>
  (out, cell) => {
    if (typeof cell === 'string') putText(out, cell);
    else if (cell === null) putInt32(out, -1);
    else if (cell instanceof Uint8Array) putBytes(out, cell);
    else wrongType(type, cell);
  };

/** How a cell of each type is written. What the model may give is said at `Cell`; anything else is its defect. */
export const putCellOf: Readonly<Record<ColumnType, PutCell>> = {
  varchar: putText_('varchar'),
  text: putText_('text'),
  jsonb(out, cell) {
    if (cell === null) putInt32(out, -1);
    else if (typeof cell === 'string' || cell instanceof Uint8Array) putJsonb(out, cell);
    else wrongType('jsonb', cell);
  },
  bigint(out, cell) {
    if (cell === null) putInt32(out, -1);
    else if (typeof cell === 'bigint' || typeof cell === 'number') putInt64(out, wholeNumber(cell));
    else wrongType('bigint', cell);
  },
  integer(out, cell) {
    if (cell === null) return putInt32(out, -1);
    if (typeof cell !== 'bigint' && typeof cell !== 'number') return wrongType('integer', cell);
    const value = Number(wholeNumber(cell));
    if (value !== (value | 0)) throw new CellError('number-out-of-range', 'an integer is outside the range of integer');
    putInt32(out, 4);
    putInt32(out, value);
  },
  'double precision'(out, cell) {
    if (cell === null) return putInt32(out, -1);
    if (typeof cell !== 'number') return wrongType('double precision', cell);
    putInt32(out, 8);
    reserve(out, 8);
    out.at = out.buffer.writeDoubleBE(cell, out.at);
  },
  boolean(out, cell) {
    if (cell === null) return putInt32(out, -1);
    if (typeof cell !== 'boolean') return wrongType('boolean', cell);
    putInt32(out, 1);
    reserve(out, 1);
    out.buffer[out.at] = cell ? 1 : 0;
    out.at += 1;
  },
  timestamptz(out, cell) {
    if (cell === null) putInt32(out, -1);
    else if (cell instanceof Date || typeof cell === 'bigint') putTime(out, cell);
    else wrongType('timestamptz', cell);
  },
  date(out, cell) {
    if (cell === null) putInt32(out, -1);
    else if (typeof cell === 'number') putDays(out, cell);
    else wrongType('date', cell);
  },
  numeric(out, cell) {
    if (cell === null) putInt32(out, -1);
    else if (typeof cell === 'string') putNumeric(out, cell);
    else if (typeof cell === 'bigint') putNumeric(out, String(cell));
    else if (typeof cell === 'number') putNumeric(out, String(cell));
    else wrongType('numeric', cell);
  },
};
