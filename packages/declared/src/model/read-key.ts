/** Key, hash and version of a record, by the rules that hold for every domain. */
import { hash } from 'node:crypto';
import type { EnvelopeValue, FaultCode } from '@inator/runtime';
import { Wrong } from '../value/wrong.ts';

/**
 * Characters (code points, as the table's columns and the graph count them) of the longest key and of the longest declared
 * hash: what both stores can index.
 */
export const longestKey = 255;

function isTooLong(text: string): boolean {
  return text.length > longestKey && (text.length > 2 * longestKey || [...text].length > longestKey);
}

/** A scalar as an envelope or a picker read it. */
export type Scalar = EnvelopeValue | undefined | Wrong;

/** Null is absent. */
function isAbsent(value: EnvelopeValue | undefined): value is undefined {
  return value === undefined || value.kind === 'null';
}

/** The text that a value is as a key, `undefined` when there is none. */
export function keyText(value: Scalar, where: string): string | undefined | Wrong {
  if (value instanceof Wrong) return new Wrong('key-invalid', `${where}: ${value.says}`);
  if (isAbsent(value)) return undefined;
  const text = value.text ?? value.integer;
  if (text === undefined) {
    const what =
      value.kind === 'number'
        ? `a number that is not an integer of up to ${longestKey} digits`
        : `a JSON ${value.kind}`;
    return new Wrong('key-invalid', `${where} is ${what}; text or an integer is expected`);
  }
  return text;
}

/** A part of a key of several: parts are told apart whatever they hold (RFC 6901 escapes its parts alike). */
export function part(text: string): string {
  return text.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** The key made of `values`; `undefined` when a part is absent, null or empty. */
export function keyOf(values: readonly Scalar[], names: readonly string[]): string | undefined | Wrong {
  let key = '';
  for (let i = 0; i < values.length; i += 1) {
    const text = keyText(values[i], names[i] ?? '');
    if (typeof text !== 'string') return text;
    if (text === '') return undefined;
    if (text.trim() === '') return new Wrong('key-invalid', `${names[i]} is only white space`);
    key = values.length === 1 ? text : `${key}${i === 0 ? '' : '/'}${part(text)}`;
  }
  if (isTooLong(key)) return new Wrong('key-too-long', `the key is longer than ${longestKey} characters`);
  return key;
}

/** The declared hash, or else the SHA-256 of the body in lower-case hexadecimal. */
export function hashOf(value: Scalar, where: string, body: Uint8Array): string | Wrong {
  const invalid = (why: string): Wrong => new Wrong('hash-invalid' satisfies FaultCode, `${where}: ${why}`);
  if (value instanceof Wrong) return invalid(value.says);
  if (isAbsent(value)) return hash('sha256', body, 'hex');
  if (value.text === undefined || value.text === '' || isTooLong(value.text)) {
    return invalid(`it is not a text of 1 to ${longestKey} characters`);
  }
  return value.text;
}

/** The version's text, judged later where versions from headers are; a wrong one is named by its text or kind. */
export function versionOf(value: Scalar): string | undefined {
  if (value instanceof Wrong) return value.says;
  return isAbsent(value) ? undefined : (value.integer ?? value.text ?? value.kind);
}
