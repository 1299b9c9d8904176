/**
 * One pass over a body's bytes that proves it to be a record both stores can hold, and finds its top-level members,
 * without building a value.
 *
 * The pass is complete, not a guess: RFC 8259 syntax, UTF-8, an object at the top, depth, members, U+0000, halves of
 * surrogate pairs, numbers beyond PostgreSQL's numeric. So a table needs nothing else before its body goes into COPY,
 * and a graph, which parses the body too, gives the same verdict by construction.
 */
import { isUtf8 } from 'node:buffer';
import { type Fault, type FaultCode, fault } from '../fault.ts';
import type { Limits } from '../model.ts';
import { numberFits } from './number.ts';
import { endOfString, type TextNotes } from './text.ts';

export type MemberKind = 'string' | 'number' | 'boolean' | 'null' | 'object' | 'array';

/** A top-level member's value: where it stands in the body. For a string, between its quotes. Good until the next scan. */
export interface Member {
  readonly kind: MemberKind;
  /** Where its key begins, at the quote. */
  readonly keyStart: number;
  readonly start: number;
  /** Index after its last byte. */
  readonly end: number;
  /** True when the string holds an escape, so that its bytes are not yet its text. */
  readonly escaped: boolean;
}

type Place = { -readonly [K in keyof Member]: Member[K] };

export type Scan =
  /** One entry per key asked for, in that order: the last occurrence, or undefined when the key is absent. */
  | { readonly is: 'ok'; readonly members: readonly (Member | undefined)[] }
  | { readonly is: 'refused'; readonly fault: Fault };

const comma = 0x2c;
const colon = 0x3a;
const doubleQuote = 0x22;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

const inObject = 1;
const inArray = 2;

const literals = [
  { bytes: Buffer.from('true'), kind: 'boolean' },
  { bytes: Buffer.from('false'), kind: 'boolean' },
  { bytes: Buffer.from('null'), kind: 'null' },
] as const;

function refuse(code: FaultCode, reason: string): Scan {
  return { is: 'refused', fault: fault(code, 'decode', reason, { proven: true }) };
}

/** Index of the first byte at or after `i` that is not JSON white space. */
function afterSpace(bytes: Uint8Array, i: number, end: number): number {
  let at = i;
  while (at < end) {
    const byte = bytes[at] as number;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
    at++;
  }
  return at;
}

function afterDigits(bytes: Uint8Array, i: number, end: number): number {
  let at = i;
  while (at < end && (bytes[at] as number) >= 0x30 && (bytes[at] as number) <= 0x39) at++;
  return at;
}

/** Index after the JSON number at `start`, or the complement of the byte at fault. */
function endOfNumber(bytes: Uint8Array, start: number, end: number): number {
  let i = bytes[start] === 0x2d ? start + 1 : start;
  const whole = i;
  i = afterDigits(bytes, i, end);
  if (i === whole) return ~i;
  if (bytes[whole] === 0x30 && i > whole + 1) return ~(whole + 1);
  if (i < end && bytes[i] === 0x2e) {
    const fraction = i + 1;
    i = afterDigits(bytes, fraction, end);
    if (i === fraction) return ~i;
  }
  if (i < end && (bytes[i] === 0x65 || bytes[i] === 0x45)) {
    i++;
    if (i < end && (bytes[i] === 0x2b || bytes[i] === 0x2d)) i++;
    const digits = i;
    i = afterDigits(bytes, digits, end);
    if (i === digits) return ~i;
  }
  return i;
}

const nobody: readonly number[] = [];

/** Numbers shorter than this need no look at their range unless they have an exponent. */
const surelySmall = 16_000;

function fits(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < surelySmall) {
    let i = start;
    while (i < end && bytes[i] !== 0x65 && bytes[i] !== 0x45) i++;
    if (i === end) return true;
  }
  return numberFits(bytes, start, end);
}

function sameBytes(bytes: Uint8Array, start: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[start + i] !== wanted[i]) return false;
  return true;
}

/** What a body that is not UTF-8 seems to be, for the person who reads the letter. */
function notUtf8(body: Uint8Array): string {
  if (body[0] === 0x1f && body[1] === 0x8b) return 'the body is not UTF-8; it begins like gzip';
  if ((body[0] === 0xff && body[1] === 0xfe) || (body[0] === 0xfe && body[1] === 0xff)) {
    return 'the body is not UTF-8; it begins with a UTF-16 byte order mark';
  }
  return 'the body is not UTF-8';
}

/** The text of a key written with escapes. The bytes are a well-formed JSON string. */
export function unescaped(body: Uint8Array, start: number, end: number): string {
  return JSON.parse(asBuffer(body).toString('utf8', start - 1, end + 1)) as string;
}

export function asBuffer(body: Uint8Array): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

/**
 * A scanner for bodies within `limits` that finds the top-level members named `keys`. Total: never throws. Where a body
 * has several faults, not being JSON comes first, then the first of the others. Not re-entrant, and need not be.
 */
export function createScanner(limits: Limits, keys: readonly string[]): (body: Uint8Array) => Scan {
  const wanted = keys.map((key) => Buffer.from(key));
  /** By length, which of `keys` have it: most keys of a body are told apart from all of them by that. */
  const byLength: number[][] = [];
  for (const [k, { length }] of wanted.entries()) {
    while (byLength.length <= length) byLength.push([]);
    byLength[length]?.push(k);
  }
  const kinds = new Uint8Array(limits.depth + 1);
  const notes: TextNotes = { nul: -1, surrogate: -1, escape: -1 };
  // Made once and filled anew by every scan: no garbage a body.
  const members: (Member | undefined)[] = keys.map(() => undefined);
  const places = keys.map((): Place => ({ kind: 'null', keyStart: 0, start: 0, end: 0, escaped: false }));
  const put = (k: number, kind: MemberKind, keyStart: number, start: number, end: number, escaped: boolean): void => {
    const place = places[k] as Place;
    place.kind = kind;
    place.keyStart = keyStart;
    place.start = start;
    place.end = end;
    place.escaped = escaped;
    members[k] = place;
  };

  /** Which of `keys` the key between `start` and `end` is, or -1. */
  const indexOfKey = (bytes: Uint8Array, start: number, end: number): number => {
    if (notes.escape >= start) return keys.indexOf(unescaped(bytes, start, end));
    const alike = end - start < byLength.length ? (byLength[end - start] as number[]) : nobody;
    for (const k of alike) if (sameBytes(bytes, start, wanted[k] as Buffer)) return k;
    return -1;
  };

  return (body) => {
    const end = body.length;
    if (end > limits.recordBytes) {
      return refuse('record-too-large', `the body has ${end} bytes; the limit is ${limits.recordBytes}`);
    }
    if (!isUtf8(body)) return refuse('utf8-invalid', notUtf8(body));
    if (end === 0) return refuse('json-invalid', 'the body is empty');
    if (body[0] === 0xef && body[1] === 0xbb) {
      return refuse('json-invalid', 'the body begins with a byte order mark, which JSON does not allow');
    }
    if (body[0] === 0 || (end > 1 && body[1] === 0)) {
      return refuse('utf8-invalid', 'the body is not UTF-8; it looks like UTF-16 or UTF-32');
    }

    members.fill(undefined);
    notes.nul = notes.surrogate = notes.escape = -1;
    let badNumber = -1;
    let notObject = false;
    let count = 0;
    let depth = 0;
    /** Which of `keys` the value now read belongs to, or -1; where its key begins. */
    let reading = -1;
    let keyStart = 0;
    /** The same of an object or array that is open, and where that begins. */
    let entered = -1;
    let enteredAt = 0;

    const syntax = (at: number, expected: string): Scan =>
      refuse(
        'json-invalid',
        at >= end ? `the body ends at byte ${end} where ${expected} should stand` : `byte ${at}: ${expected} expected`,
      );

    let i = afterSpace(body, 0, end);
    /** True when a key, not a value, stands at `i`. */
    let atKey = false;
    if (body[i] !== openBrace) notObject = true;

    for (;;) {
      if (atKey) {
        if (i >= end || body[i] !== doubleQuote) return syntax(i, 'a key in quotes');
        const close = endOfString(body, i + 1, end, notes);
        if (close < 0) return syntax(~close, 'a well-formed string');
        if (++count > limits.members) {
          return refuse('record-too-wide', `the body has more than ${limits.members} object members`);
        }
        if (depth === 1) {
          reading = indexOfKey(body, i + 1, close);
          keyStart = i;
        }
        i = afterSpace(body, close + 1, end);
        if (i >= end || body[i] !== colon) return syntax(i, 'a colon');
        i = afterSpace(body, i + 1, end);
      }

      // A value begins at i. Containers are entered here and left below.
      if (i >= end) return syntax(i, 'a value');
      const byte = body[i] as number;
      if (byte === doubleQuote) {
        const close = endOfString(body, i + 1, end, notes);
        if (close < 0) return syntax(~close, 'a well-formed string');
        if (reading >= 0) {
          put(reading, 'string', keyStart, i + 1, close, notes.escape > i);
          reading = -1;
        }
        i = close + 1;
      } else if (byte === openBrace || byte === openBracket) {
        if (reading >= 0) {
          entered = reading;
          enteredAt = i;
          reading = -1;
        }
        if (++depth > limits.depth) {
          return refuse('record-too-deep', `the body nests deeper than ${limits.depth} at byte ${i}`);
        }
        kinds[depth] = byte === openBrace ? inObject : inArray;
        i = afterSpace(body, i + 1, end);
        if (byte === openBrace ? body[i] !== closeBrace : body[i] !== closeBracket) {
          atKey = byte === openBrace;
          continue;
        }
      } else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
        const after = endOfNumber(body, i, end);
        if (after < 0) return syntax(~after, 'a well-formed number');
        if (badNumber < 0 && !fits(body, i, after)) badNumber = i;
        if (reading >= 0) {
          put(reading, 'number', keyStart, i, after, false);
          reading = -1;
        }
        i = after;
      } else {
        const literal = literals.find((one) => one.bytes[0] === byte);
        if (literal === undefined || !sameBytes(body, i, literal.bytes)) return syntax(i, 'a value');
        const after = i + literal.bytes.length;
        if (reading >= 0) {
          put(reading, literal.kind, keyStart, i, after, false);
          reading = -1;
        }
        i = after;
      }

      // A value ended before i: leave what ends with it.
      for (;;) {
        i = afterSpace(body, i, end);
        if (depth === 0) break;
        const isObject = kinds[depth] === inObject;
        const next = i < end ? (body[i] as number) : -1;
        if (next === comma) break;
        if (next !== (isObject ? closeBrace : closeBracket)) {
          return syntax(i, isObject ? 'a comma or closing brace' : 'a comma or closing bracket');
        }
        depth--;
        i++;
        if (depth === 1 && entered >= 0) {
          put(entered, isObject ? 'object' : 'array', keyStart, enteredAt, i, false);
          entered = -1;
        }
      }
      if (depth === 0) break;
      atKey = kinds[depth] === inObject;
      i = afterSpace(body, i + 1, end);
    }

    if (i < end) return syntax(i, 'the end of the body');
    if (notObject) return refuse('record-not-object', 'the body is JSON, but not an object');
    const soft = firstOf(notes.nul, notes.surrogate, badNumber);
    if (soft < 0) return { is: 'ok', members };
    if (soft === notes.nul) return refuse('text-nul', `byte ${soft}: a text holds U+0000`);
    if (soft === badNumber) return refuse('number-out-of-range', `byte ${soft}: a number is out of PostgreSQL's range`);
    return refuse('text-surrogate', `byte ${soft}: a text holds half of a surrogate pair`);
  };
}

/** The smallest index that is not -1, or -1. */
function firstOf(...indexes: readonly number[]): number {
  return indexes.reduce((first, index) => (index >= 0 && (first < 0 || index < first) ? index : first), -1);
}
