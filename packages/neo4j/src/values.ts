/**
 * What may reach the driver. A value that it cannot pack poisons a pooled connection, half of a surrogate pair silently
 * becomes U+FFFD and merges distinct keys, and a `bigint` past 64 bits wraps: so nothing unchecked is handed over.
 */
import { type Fault, fault } from '@inator/runtime';

/**
 * Longest key and longest hash, in characters (code points), as the table's columns count them too: with 4 bytes each a key
 * stays far below the 8,167 bytes an index entry may have.
 */
export const maxKeyLength = 255;
const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

const proven = { proven: true };

export function keyFault(key: unknown): Fault | undefined {
  if (typeof key !== 'string' || key === '') {
    return fault('key-missing', 'graph', 'a node has no key', proven);
  }
  if (isTooLong(key)) {
    return fault('key-too-long', 'graph', `a key has more than the ${maxKeyLength} characters allowed`, proven);
  }
  return textFault(key, 'a key');
}

export function hashFault(hash: unknown): Fault | undefined {
  if (typeof hash !== 'string' || hash === '' || isTooLong(hash)) {
    return fault('hash-invalid', 'graph', 'the hash is not text of 1 to 255 characters', proven);
  }
  return textFault(hash, 'the hash');
}

export function seqFault(seq: unknown): Fault | undefined {
  if (seq === undefined || (typeof seq === 'bigint' && seq >= 0n && seq <= int64.max)) return undefined;
  return fault('seq-invalid', 'graph', 'the version is not an integer from 0 to 2^63 - 1', proven);
}

/** `name` is the property's: it comes from the model, so it may be told. */
export function valueFault(value: unknown, name: string): Fault | undefined {
  switch (typeof value) {
    case 'string':
      return textFault(value, `property ${name}`);
    case 'number':
    case 'boolean':
      return undefined;
    case 'bigint':
      if (value >= int64.min && value <= int64.max) return undefined;
      return fault('number-out-of-range', 'graph', `property ${name} holds an integer of more than 64 bits`, proven);
    default:
      break;
  }
  if (value === null) return undefined;
  if (!Array.isArray(value)) {
    return fault('value-refused', 'graph', `property ${name} holds what Neo4j cannot store as a property`, proven);
  }
  for (const item of value) {
    if (typeof item !== 'string') {
      return fault('value-refused', 'graph', `the list in property ${name} holds something other than text`, proven);
    }
    const wrong = textFault(item, `the list in property ${name}`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function isTooLong(text: string): boolean {
  return text.length > maxKeyLength && (text.length > 2 * maxKeyLength || [...text].length > maxKeyLength);
}

function textFault(text: string, where: string): Fault | undefined {
  // In every Node we support; the library declarations of es2023 do not know it yet.
  if ((text as string & { isWellFormed(): boolean }).isWellFormed()) return undefined;
  return fault('text-surrogate', 'graph', `${where} holds half of a surrogate pair`, proven);
}
