/** What a sample of records holds: every path that leads to a value, how often, and of which kinds. */
import { integerText, type JsonValue } from '@inator/runtime';
import { part } from '../model/read-key.ts';
import { below } from '../path/path.ts';

export type ValueKind = 'text' | 'integer' | 'number' | 'boolean' | 'object' | 'list';

export interface Leaf {
  readonly path: string;
  /** Names on the way, for making a name of its own. */
  readonly names: readonly string[];
  /** Records that have a value there; null and absent do not count. */
  present: number;
  /** Records in which the value is an empty text. */
  blank: number;
  readonly kinds: Set<ValueKind>;
  /** Of scalars, as far as they can be keys. */
  readonly distinct: Set<string>;
  longest: number;
  /** The same, as a part of a key of several. */
  longestPart: number;
  readonly texts: string[];
  /** An integer was seen that 64 bits may not hold. */
  beyondInt64: boolean;
}

export interface ListLeaf {
  readonly path: string;
  readonly names: readonly string[];
  /** True when all elements are scalars that can be keys; else what the objects in it hold, relative to the element. */
  scalars: boolean;
  readonly members: Map<string, Leaf>;
  elements: number;
}

export interface Survey {
  readonly records: number;
  readonly leaves: ReadonlyMap<string, Leaf>;
  readonly lists: ReadonlyMap<string, ListLeaf>;
}

/** Objects are opened so deep; what is deeper stays in `data`. */
const deepest = 3;
/** Distinct members are looked at no further: an object with more of them is a map, whose names are data. */
const mostLeaves = 400;

export function survey(records: readonly JsonValue[]): Survey {
  const leaves = new Map<string, Leaf>();
  const lists = new Map<string, ListLeaf>();
  for (const record of records) {
    if (isObject(record)) open(record, [], undefined, leaves, lists);
  }
  return { records: records.length, leaves, lists };
}

function open(
  object: Readonly<Record<string, JsonValue | undefined>>,
  names: readonly string[],
  parent: string | undefined,
  leaves: Map<string, Leaf>,
  lists: Map<string, ListLeaf> | undefined,
): void {
  for (const [name, value] of Object.entries(object)) {
    if (value === null || value === undefined) continue;
    const path = below(parent, name);
    const here = [...names, name];
    const leaf = leafOf(leaves, path, here);
    if (leaf === undefined) continue;
    note(leaf, value);
    if (isObject(value) && here.length < deepest) open(value, here, path, leaves, lists);
    if (Array.isArray(value) && lists !== undefined) openList(value as readonly JsonValue[], path, here, lists);
  }
}

function leafOf(leaves: Map<string, Leaf>, path: string, names: readonly string[]): Leaf | undefined {
  const known = leaves.get(path);
  if (known !== undefined || leaves.size >= mostLeaves) return known;
  const leaf: Leaf = {
    path,
    names,
    present: 0,
    blank: 0,
    kinds: new Set(),
    distinct: new Set(),
    longest: 0,
    longestPart: 0,
    texts: [],
    beyondInt64: false,
  };
  leaves.set(path, leaf);
  return leaf;
}

function note(leaf: Leaf, value: JsonValue): void {
  leaf.present += 1;
  const kind = kindOf(value);
  leaf.kinds.add(kind);
  if (kind === 'object' || kind === 'list') return;
  if (kind === 'integer' && Math.abs(value as number) >= firstBeyondInt64) leaf.beyondInt64 = true;
  const text = kind === 'integer' ? digitsOf(value as number) : String(value);
  if (text.trim() === '') leaf.blank += 1;
  leaf.longest = Math.max(leaf.longest, text.length);
  leaf.longestPart = Math.max(leaf.longestPart, part(text).length);
  leaf.distinct.add(text);
  if (kind === 'text') leaf.texts.push(text);
}

/**
 * The sample is read into doubles: one of 2^63 or -2^63 may have been written as a neighbour that does not fit into 64
 * bits. Those that do fit are taken for beyond with them.
 */
const firstBeyondInt64 = 2 ** 63;

/** Digits of the largest double. */
const mostDigits = 309;

/** A number beyond 1e21 prints with an exponent, but its key has all the digits. */
function digitsOf(integer: number): string {
  const written = Buffer.from(String(integer));
  return integerText(written, 0, written.length, mostDigits) ?? String(integer);
}

function openList(
  list: readonly JsonValue[],
  path: string,
  names: readonly string[],
  lists: Map<string, ListLeaf>,
): void {
  const known = lists.get(path) ?? { path, names, scalars: true, members: new Map(), elements: 0 };
  lists.set(path, known);
  for (const element of list) {
    if (element === null) continue;
    known.elements += 1;
    if (isObject(element)) {
      known.scalars = false;
      open(element, [], undefined, known.members, undefined);
    } else if (!['text', 'integer'].includes(kindOf(element))) known.scalars = false;
  }
}

function isObject(value: JsonValue | undefined): value is Readonly<Record<string, JsonValue | undefined>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: JsonValue): ValueKind {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return Array.isArray(value) ? 'list' : 'object';
}
