/**
 * The shapes in which an XML list reaches us as JSON. One producer unwraps lists, another keeps the wrapper; one child
 * is an object or a string, more are an array; empty elements are null; attributes may keep their `@`, texts be `#text`.
 */
import type { JsonObject, JsonValue } from '@inator/runtime';
import { isLongerThan, longestKey } from './messages.ts';

/** Characters (code points) kept of a text property. Four bytes each at most, it stays under Neo4j's index limit of 8 kB. */
export const longestText = 2000;

/** Something another record names: the id of a node, and its name where it is told. */
export interface Reference {
  readonly id: string;
  readonly name: string | null;
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own member. (A record may lack any key, and what it lacks must not be found on a prototype.) */
export function member<O extends JsonObject, K extends keyof O & string>(object: O, key: K): O[K] | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The elements of a list in any of its shapes: `null`, `[…]`, `{"wrapped": […]}`, `{"wrapped": one}` or one alone. */
export function elements(value: JsonValue | undefined, wrapper: string): readonly JsonValue[] {
  if (value === undefined || value === null || value === '') return [];
  if (Array.isArray(value)) return value as readonly JsonValue[];
  if (!isObject(value)) return [value as JsonValue];
  const wrapped = member(value, wrapper);
  // {"id": "1", "name": "…"} is one reference; {"name": [{"@id": "1"}, …]} and {"name": "…"} are wrappers.
  const alone =
    wrapped === undefined ||
    (typeof wrapped !== 'object' && (member(value, 'id') ?? member(value, '@id')) !== undefined);
  return alone ? [value] : elements(wrapped, wrapper);
}

/** A text as a property: cut to `longestText` characters, null when absent, empty or not a scalar. */
export function text(value: JsonValue | undefined): string | null {
  const plain = isObject(value) ? (member(value, '#text') ?? null) : value;
  if (typeof plain === 'number') return Number.isFinite(plain) ? String(plain) : null;
  if (typeof plain !== 'string' || plain === '') return null;
  return isLongerThan(plain, longestText) ? [...plain.slice(0, 2 * longestText)].slice(0, longestText).join('') : plain;
}

/** A text that can be a key: not blank, not longer than a key may be, else undefined. */
export function keyText(value: JsonValue | undefined): string | undefined {
  const plain = isObject(value) ? (member(value, '#text') ?? null) : value;
  if (typeof plain === 'number') return Number.isSafeInteger(plain) ? String(plain) : undefined;
  if (typeof plain !== 'string' || plain.trim() === '' || isLongerThan(plain, longestKey)) return undefined;
  return plain;
}

/** An id that names a record: Discogs writes 0 where it means none. */
export function idText(value: JsonValue | undefined): string | undefined {
  const id = keyText(value);
  return id === '0' ? undefined : id;
}

/** What one element names, or undefined when it names nothing: null, a bare string, an object without a usable id. */
export function reference(value: JsonValue | undefined): Reference | undefined {
  if (!isObject(value)) return undefined;
  const id = idText(member(value, 'id') ?? member(value, '@id'));
  if (id === undefined) return undefined;
  return { id, name: text(member(value, 'name') ?? member(value, '@name') ?? member(value, '#text')) };
}

/** What a list names, each once, in order of appearance, never `self`; a name told anywhere in the list is kept. */
export function references(value: JsonValue | undefined, wrapper: string, self?: string): readonly Reference[] {
  const found = new Map<string, Reference>();
  for (const element of elements(value, wrapper)) {
    const named = reference(element);
    if (named === undefined || named.id === self) continue;
    const known = found.get(named.id);
    if (known === undefined || known.name === null) found.set(named.id, named);
  }
  return [...found.values()];
}

/** The distinct names of a list of genres or styles, in order of appearance. */
export function names(value: JsonValue | undefined, wrapper: string): readonly string[] {
  const found = new Set<string>();
  for (const element of elements(value, wrapper)) {
    const name = keyText(element);
    if (name !== undefined) found.add(name);
  }
  return [...found];
}

/** A year from its text or number (1999, "1999", "1999-03-00"), or null: 0 and anything that is no year are unknown. */
export function year(value: JsonValue | undefined): bigint | null {
  const digits = /^([0-9]{4})(?:$|-)/.exec(typeof value === 'number' ? String(value) : (text(value) ?? ''))?.[1];
  return digits === undefined || digits === '0000' ? null : BigInt(digits);
}
