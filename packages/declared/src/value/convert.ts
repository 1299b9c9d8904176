/**
 * Values of a record as values of a column or property, exactly: what cannot be held without loss is refused with a reason.
 *
 * Producers of CSV know only texts, so a text that is nothing but a number, a boolean or a time is taken for one; an empty
 * text is then no value. A text column takes every scalar as it is written.
 */
import { type Cell, integerText, numberFits } from '@inator/runtime';
import { type Found, sourceOf, textOf } from '../path/picker.ts';
import { daysOf, earliestMicroseconds, furthestMicroseconds, microsecondsOf, minutesOf } from './time.ts';
import { nounOf, Wrong } from './wrong.ts';

/** The types of declared columns. */
export const columnTypes = ['text', 'bigint', 'numeric', 'boolean', 'timestamptz', 'date', 'jsonb'] as const;
export type DeclaredType = (typeof columnTypes)[number];

export const epochUnits = ['seconds', 'milliseconds', 'microseconds'] as const;
export type EpochUnit = (typeof epochUnits)[number];

export interface TimeOptions {
  /** What a time without an offset is taken for: `Z` or `+02:00`. */
  readonly zone?: string | undefined;
  /** The value is a number of these since 1970. */
  readonly epoch?: EpochUnit | undefined;
}

/** Given a value that is there and not null; `null` when it is nothing after all (an empty text). */
export type Convert = (body: Uint8Array, found: Found) => Cell | Wrong;

/** Digits of the longest integer that is read before its range is judged. */
const mostDigits = 400;
const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n } as const;
const decimal = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

function refuse(found: Found, wanted: string): Wrong {
  return new Wrong('value-refused', `${nounOf(found)} stands where ${wanted} is expected`);
}

function integer(body: Uint8Array, found: Found, wanted: string): bigint | null | Wrong {
  let digits: string | undefined;
  if (found.kind === 'number') {
    digits = integerText(body, found.start, found.end, mostDigits);
    if (digits === undefined) return new Wrong('value-refused', `the number is not an integer; ${wanted} is expected`);
  } else if (found.kind === 'string') {
    const text = textOf(body, found);
    if (text === '') return null;
    if (!/^[+-]?\d{1,400}$/.test(text))
      return new Wrong('value-refused', `the text is not an integer; ${wanted} is expected`);
    digits = text.startsWith('+') ? text.slice(1) : text;
  } else return refuse(found, wanted);
  return BigInt(digits);
}

/** An integer of 64 bits. */
export function toBigint(body: Uint8Array, found: Found): bigint | null | Wrong {
  const value = integer(body, found, 'bigint');
  if (typeof value === 'bigint' && (value < int64.min || value > int64.max)) {
    return new Wrong('number-out-of-range', 'the integer does not fit into 64 bits');
  }
  return value;
}

/** The decimal text of a number as PostgreSQL's numeric takes it. */
export function toNumeric(body: Uint8Array, found: Found): string | null | Wrong {
  if (found.kind === 'number') return textOf(body, found);
  if (found.kind !== 'string') return refuse(found, 'numeric');
  const text = textOf(body, found);
  if (text === '') return null;
  if (!decimal.test(text)) return new Wrong('value-refused', 'the text is not a number; numeric is expected');
  // As JSON would write it: what the range is judged by.
  const plain = text
    .replace(/^\+/, '')
    .replace(/^(-?)0+(?=\d)/, '$1')
    .replace(/^(-?)\./, '$10.')
    .replace(/\.(?=$|[eE])/, '');
  const bytes = Buffer.from(plain);
  if (!numberFits(bytes, 0, bytes.length))
    return new Wrong('number-out-of-range', 'the number does not fit into numeric');
  return plain;
}

/** Any scalar as it is written. */
export function toText(body: Uint8Array, found: Found): string | Wrong {
  if (found.kind === 'object' || found.kind === 'array') return refuse(found, 'text');
  return textOf(body, found);
}

export function toBoolean(body: Uint8Array, found: Found): boolean | null | Wrong {
  if (found.kind !== 'boolean' && found.kind !== 'string') return refuse(found, 'boolean');
  const text = textOf(body, found).toLowerCase();
  if (text === '') return null;
  if (text === 'true' || text === 'false') return text === 'true';
  return new Wrong('value-refused', 'the text is neither "true" nor "false"; boolean is expected');
}

/** Days since 1970-01-01. */
export function toDate(body: Uint8Array, found: Found): number | null | Wrong {
  if (found.kind !== 'string') return refuse(found, 'date');
  const text = textOf(body, found);
  if (text === '') return null;
  return daysOf(text) ?? new Wrong('value-refused', 'the text is not a date such as 2024-05-31');
}

const perUnit: Readonly<Record<EpochUnit, { readonly digits: number }>> = {
  seconds: { digits: 6 },
  milliseconds: { digits: 3 },
  microseconds: { digits: 0 },
};

/** Microseconds since 1970 in UTC. */
export function createToTime({ zone, epoch }: TimeOptions): (body: Uint8Array, found: Found) => bigint | null | Wrong {
  const assumed = zone === undefined ? undefined : minutesOf(zone);
  if (epoch !== undefined) {
    const { digits } = perUnit[epoch];
    return (body, found) => {
      const text = toNumeric(body, found);
      return typeof text === 'string' ? sinceEpoch(text, digits, epoch) : text;
    };
  }
  return (body, found) => {
    if (found.kind === 'number')
      return new Wrong('value-refused', 'a number stands where a time is expected; `epoch` would say in which unit');
    if (found.kind !== 'string') return refuse(found, 'timestamptz');
    const text = textOf(body, found);
    if (text === '') return null;
    const moment = microsecondsOf(text, assumed);
    if (moment === 'shape') return new Wrong('value-refused', 'the text is not a time such as 2024-05-31T12:00:00Z');
    if (moment === 'zone') {
      return new Wrong(
        'value-refused',
        'the time does not say how far it is from UTC; `zone` would say what to assume',
      );
    }
    return moment;
  };
}

/** Moves the decimal point by `digits`; whatever is finer than a microsecond is cut off. */
function sinceEpoch(text: string, digits: number, unit: EpochUnit): bigint | Wrong {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  const beyond = new Wrong('number-out-of-range', `the number of ${unit} is outside the range of times`);
  if (match === null) return beyond;
  const fraction = match[3] ?? '';
  const shift = digits + Number(match[4] ?? 0) - fraction.length;
  const all = (match[2] ?? '') + fraction;
  const moved = shift >= 0 ? all + '0'.repeat(shift) : all.slice(0, shift) || '0';
  if (moved.replace(/^0+/, '').length > 19) return beyond;
  const value = match[1] === '-' ? -BigInt(moved) : BigInt(moved);
  return value < earliestMicroseconds || value > furthestMicroseconds ? beyond : value;
}

/** The JSON text of any value. */
export function toJsonb(body: Uint8Array, found: Found): Uint8Array {
  return sourceOf(body, found);
}

/** How the cells of a column of this type are made. */
export function convertTo(type: DeclaredType, time: TimeOptions = {}): Convert {
  switch (type) {
    case 'text':
      return toText;
    case 'bigint':
      return toBigint;
    case 'numeric':
      return toNumeric;
    case 'boolean':
      return toBoolean;
    case 'timestamptz':
      return createToTime(time);
    case 'date':
      return toDate;
    case 'jsonb':
      return toJsonb;
  }
}
