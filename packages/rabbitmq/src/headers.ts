/**
 * Foreign headers made safe to publish again.
 *
 * A header table comes from whoever may publish, and going back out it could stop every letter: amqplib throws on values
 * it has decoded itself (NaN, names longer than 255 bytes after mending, a table that looks like a typed value), the
 * broker reads `CC` and `BCC` as further addresses, and a large table does not fit. So every value is rebuilt, and what
 * cannot be said within the budget is left out and counted.
 */

import { isLong } from './tables.ts';

/** Bytes one text or byte string may keep. */
const maxValueBytes = 2_048;
/** Tables within tables within tables; deeper ones are left out. */
const maxDepth = 6;
/** A short string of AMQP 0-9-1: names of headers, most properties. */
export const shortStringBytes = 255;

/** A value as amqplib encodes it, and the bytes that takes. */
interface Encoded {
  readonly value: unknown;
  readonly bytes: number;
}

/** The text cut to `bytes` of UTF-8, on a character's edge. */
export function cut(text: string, bytes: number): string {
  // A UTF-16 unit takes at least one byte, so nothing beyond `bytes` units can stay.
  const start = text.length > bytes ? text.slice(0, bytes) : text;
  const encoded = Buffer.from(start, 'utf8');
  if (encoded.length <= bytes) return start;
  let end = bytes;
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return encoded.toString('utf8', 0, end);
}

/** A property that the protocol keeps short, or undefined when it is not a text. */
export function shortString(value: unknown): string | undefined {
  return typeof value === 'string' ? cut(value, shortStringBytes) : undefined;
}

export interface HeaderBudget {
  /** Copies one header, if it can be said and still fits. */
  add(name: string, value: unknown): boolean;
  /** A table without prototype, for amqplib. */
  readonly headers: Record<string, unknown>;
  readonly bytes: number;
}

export function createHeaderBudget(maxBytes: number): HeaderBudget {
  const headers: Record<string, unknown> = Object.create(null);
  let bytes = 4;
  return {
    headers,
    get bytes() {
      return bytes;
    },
    add(name, value) {
      const nameBytes = Buffer.byteLength(name);
      const encoded = nameBytes <= shortStringBytes ? encode(value, maxBytes - bytes, 0) : undefined;
      if (encoded === undefined || bytes + 1 + nameBytes + encoded.bytes > maxBytes) return false;
      headers[name] = encoded.value;
      bytes += 1 + nameBytes + encoded.bytes;
      return true;
    },
  };
}

/** `room` bounds the work on hostile tables, not only the result. */
function encode(value: unknown, room: number, depth: number): Encoded | undefined {
  if (value === null) return { value, bytes: 1 };
  switch (typeof value) {
    case 'string': {
      const text = cut(value, maxValueBytes);
      return { value: text, bytes: 5 + Buffer.byteLength(text) };
    }
    case 'boolean':
      return { value, bytes: 2 };
    case 'number':
      // Erlang has no such numbers: the broker would close the connection.
      if (!Number.isFinite(value)) return undefined;
      // As whole numbers amqplib would turn the rest into BigInt, which throws.
      return Number.isInteger(value) && Math.abs(value) < 2 ** 63
        ? { value, bytes: 9 }
        : { value: { '!': 'double', value }, bytes: 9 };
    case 'object':
      if (value instanceof Uint8Array) {
        // A copy: the original is a view of a whole read buffer.
        return value.length <= maxValueBytes ? { value: Buffer.from(value), bytes: 5 + value.length } : undefined;
      }
      if (depth >= maxDepth) return undefined;
      if (Array.isArray(value)) return encodeArray(value, room, depth);
      return Object.hasOwn(value, '!') ? encodeTyped(value) : encodeTable(value, room, depth);
    default:
      return undefined;
  }
}

function encodeArray(values: readonly unknown[], room: number, depth: number): Encoded | undefined {
  const copy: unknown[] = [];
  let bytes = 5;
  for (const value of values) {
    const encoded = encode(value, room - bytes, depth + 1);
    if (encoded === undefined) continue;
    bytes += encoded.bytes;
    if (bytes > room) return undefined;
    copy.push(encoded.value);
  }
  return { value: copy, bytes };
}

function encodeTable(table: object, room: number, depth: number): Encoded | undefined {
  const copy: Record<string, unknown> = Object.create(null);
  let bytes = 5;
  for (const [name, value] of Object.entries(table)) {
    const nameBytes = Buffer.byteLength(name);
    const encoded = nameBytes <= shortStringBytes ? encode(value, room - bytes, depth + 1) : undefined;
    if (encoded === undefined) continue;
    bytes += 1 + nameBytes + encoded.bytes;
    if (bytes > room) return undefined;
    copy[name] = encoded.value;
  }
  return { value: copy, bytes };
}

/** Timestamps, decimals and long integers, which amqplib tells apart by a member `!`; a sender's own `!` is not passed on. */
function encodeTyped(typed: object): Encoded | undefined {
  const { '!': type, value } = typed as { readonly '!': unknown; readonly value?: unknown };
  if (type === 'timestamp') {
    const valid = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 63;
    return valid ? { value: { '!': type, value }, bytes: 9 } : undefined;
  }
  if (isLong(typed)) return { value: { '!': typed['!'], value: typed.value }, bytes: 9 };
  if (type === 'decimal' && typeof value === 'object' && value !== null) {
    const { places, digits } = value as { readonly places?: unknown; readonly digits?: unknown };
    const valid = isUnsigned(places, 0xff) && isUnsigned(digits, 0xffff_ffff);
    return valid ? { value: { '!': type, value: { places, digits } }, bytes: 6 } : undefined;
  }
  return undefined;
}

function isUnsigned(value: unknown, max: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
}
