/**
 * AMQP tables read from bytes, in place of amqplib's own reading of them, which a producer could turn against every lane of
 * a service: it goes one call deeper for every table within a table, so that a header of some thousand of them ends the
 * connection, and the message comes again. It also gives 64-bit integers as doubles, which rounds the versions that
 * clocks and other generators of ids make.
 *
 * Values are as amqplib gives them, but for integers that a double cannot hold: they are `{ '!': 'long', value: '…' }`,
 * which amqplib writes back as the integer it was.
 */

/** What stands deeper in tables within tables is left out: its place holds null. Letters keep less, see `headers.ts`. */
export const maxTableDepth = 64;

export type Table = Record<string, unknown>;

/** An integer of 64 bits that a double cannot hold. */
export interface Long {
  readonly '!': 'long';
  readonly value: string;
}

/** Whether it is such an integer, and not a sender's own table of the same look. */
export function isLong(value: unknown): value is Long {
  if (typeof value !== 'object' || value === null) return false;
  const { '!': type, value: digits } = value as Partial<Record<keyof Long, unknown>>;
  return type === 'long' && typeof digits === 'string' && /^-?\d{16,19}$/.test(digits);
}

/** Throws `RangeError` or `TypeError` for bytes that are no table. */
export function readTable(bytes: Buffer): Table {
  let at = 0;

  const upTo = (length: number): number => {
    const end = at + length;
    if (end > bytes.length) throw new RangeError('a table ends before its last value');
    return end;
  };
  const moved = (by: number): number => {
    const from = at;
    at = upTo(by);
    return from;
  };
  const length = (): number => bytes.readUInt32BE(moved(4));
  const text = (size: number): string => bytes.toString('utf8', moved(size), at);

  const table = (end: number, depth: number): Table => {
    const found: Table = {};
    while (at < end) {
      const name = text(bytes.readUInt8(moved(1)));
      const value = read(depth);
      // A plain assignment would set the prototype.
      if (name === '__proto__') Object.defineProperty(found, name, { value, enumerable: true });
      else found[name] = value;
    }
    return found;
  };
  const list = (end: number, depth: number): unknown[] => {
    const found: unknown[] = [];
    while (at < end) found.push(read(depth));
    return found;
  };
  const nested = <T>(depth: number, inner: (end: number, depth: number) => T): T | null => {
    const end = upTo(length());
    if (depth < maxTableDepth) return inner(end, depth + 1);
    at = end;
    return null;
  };

  function read(depth: number): unknown {
    const tag = String.fromCharCode(bytes.readUInt8(moved(1)));
    switch (tag) {
      case 'S':
        return text(length());
      case 'I':
        return bytes.readInt32BE(moved(4));
      case 'l':
        return integer(bytes.readBigInt64BE(moved(8)));
      case 'T':
        return { '!': 'timestamp', value: Number(bytes.readBigUInt64BE(moved(8))) };
      case 't':
        return bytes[moved(1)] !== 0;
      case 'F':
        return nested(depth, table);
      case 'A':
        return nested(depth, list);
      case 'V':
        return null;
      case 'd':
        return bytes.readDoubleBE(moved(8));
      case 'f':
        return bytes.readFloatBE(moved(4));
      case 'b':
        return bytes.readInt8(moved(1));
      case 'B':
        return bytes.readUInt8(moved(1));
      case 's':
        return bytes.readInt16BE(moved(2));
      case 'u':
        return bytes.readUInt16BE(moved(2));
      case 'i':
        return bytes.readUInt32BE(moved(4));
      case 'D':
        return { '!': 'decimal', value: { places: bytes.readUInt8(moved(1)), digits: bytes.readUInt32BE(moved(4)) } };
      case 'x': {
        const size = length();
        return bytes.subarray(moved(size), at);
      }
      default:
        throw new TypeError(`a value of a table has the unknown type ${JSON.stringify(tag)}`);
    }
  }

  return table(bytes.length, 0);
}

function integer(value: bigint): number | Long {
  const double = Number(value);
  return Number.isSafeInteger(double) ? double : { '!': 'long', value: String(value) };
}
