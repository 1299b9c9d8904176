/**
 * One element of a dump as the JSON that the extractor publishes for it.
 *
 * Attributes become `@name`, the text beside attributes or children `#text`, one child its value, several an array, an
 * empty element null. Then the lists that say what a record names are unwrapped and their `@` removed. Keys are sorted,
 * because the hash is taken over the text.
 */
import { recordBody } from '../hash.ts';
import type { RecordType } from '../types.ts';

export type Value = null | string | Value[] | Members;
export interface Members {
  [key: string]: Value;
}

/** Sets an own member, also where an element is named `__proto__`. */
function setMember(members: Members, name: string, value: Value): void {
  if (name !== '__proto__') members[name] = value;
  else Object.defineProperty(members, name, { value, writable: true, enumerable: true, configurable: true });
}

/** Adds a child or attribute; a name that comes again makes an array. */
export function addMember(members: Members, name: string, value: Value): void {
  if (!Object.hasOwn(members, name)) {
    setMember(members, name, value);
    return;
  }
  const present = members[name] as Value;
  if (Array.isArray(present)) present.push(value);
  else setMember(members, name, [present, value]);
}

/** The value of an element, once it is closed. White space alone is nothing; around a text it is kept. */
export function elementValue(members: Members | undefined, text: string): Value {
  if (members === undefined) return text.trim() === '' ? null : text;
  if (text.trim() !== '') members['#text'] = text;
  return members;
}

function isMembers(value: Value | undefined): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function list(value: Value | undefined): Value[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** `@id` is `id`, and a text beside attributes is the name. */
function plain(value: Value): Value {
  if (!isMembers(value)) return value;
  const result: Members = {};
  for (const [key, one] of Object.entries(value)) {
    const renamed = key === '#text' ? 'name' : key.startsWith('@') ? key.slice(1) : key;
    if (renamed !== key || !Object.hasOwn(result, renamed)) setMember(result, renamed, one);
  }
  return result;
}

/** A named thing: an object; where old dumps give only its name, `{name}`, since a name is no id. */
function named(value: Value): Value {
  return typeof value === 'string' ? { name: value } : plain(value);
}

/** What a list names. Old dumps pair `<id>` and `<name>` elements by their order. */
function namedList(wrapper: Value, child: string): Value[] {
  if (!isMembers(wrapper)) return list(wrapper).map(named);
  const children = list(wrapper[child]);
  const ids = child === 'name' ? list(wrapper.id) : [];
  const paired = ids.length === children.length && children.every((one) => typeof one === 'string');
  return paired ? children.map((name, i) => ({ id: ids[i] as Value, name })) : children.map(named);
}

function textList(wrapper: Value, child: string): Value[] {
  return isMembers(wrapper) ? list(wrapper[child]) : list(wrapper);
}

type Unwrap = (wrapper: Value, child: string) => Value[];

/** The lists unwrapped, by type: the child's element name, and what its elements are. */
const unwrapped: Readonly<Record<RecordType, Readonly<Record<string, readonly [child: string, unwrap: Unwrap]>>>> = {
  artists: { members: ['name', namedList], groups: ['name', namedList], aliases: ['name', namedList] },
  labels: { sublabels: ['label', namedList] },
  masters: { artists: ['artist', namedList], genres: ['genre', textList], styles: ['style', textList] },
  releases: {
    artists: ['artist', namedList],
    labels: ['label', namedList],
    extraartists: ['artist', namedList],
    formats: ['format', namedList],
    genres: ['genre', textList],
    styles: ['style', textList],
  },
};

/** The members of a record, normalised; undefined when the element is no record at all (a text or empty). */
export function normalise(type: RecordType, element: Value): Members | undefined {
  if (!isMembers(element)) return undefined;
  const record = type === 'masters' || type === 'releases' ? (plain(element) as Members) : element;
  for (const [field, [child, unwrap]] of Object.entries(unwrapped[type])) {
    const wrapper = record[field];
    if (wrapper === undefined) continue;
    const items = unwrap(wrapper, child);
    // A list of nothing is left out; its wrapper would say no more.
    if (items.length === 0) delete record[field];
    else record[field] = items;
  }
  if (type === 'labels' && isMembers(record.parentLabel)) record.parentLabel = plain(record.parentLabel);
  const master = record.master_id;
  if (type === 'releases' && isMembers(master)) record.master_id = master['#text'] ?? null;
  return record;
}

/** The value with every object's keys in order. */
function sorted(value: Value): Value {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isMembers(value)) return value;
  const result: Members = {};
  for (const key of Object.keys(value).sort()) setMember(result, key, sorted(value[key] as Value));
  return result;
}

/** The message body of a dump's element, or undefined when it has no id. */
export function bodyOf(type: RecordType, element: Value): { readonly id: string; readonly body: Buffer } | undefined {
  const record = normalise(type, element);
  const id = record?.id;
  if (record === undefined || typeof id !== 'string' || id.trim() === '') return undefined;
  return { id, body: recordBody(id, JSON.stringify(sorted(record))) };
}
