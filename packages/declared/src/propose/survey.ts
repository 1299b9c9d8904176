/** What a sample of records holds: every path that leads to a value, how often, and of which kinds. */
import { part } from '../model/read-key.ts';
import { below } from '../path/path.ts';
import { type ExactObject, type ExactValue, isExactDouble, NumberText } from './exact.ts';

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
  /** An integer was seen that 64 bits do not hold. */
  beyondInt64: boolean;
  /** A number was seen that a double does not hold: too large, or of too many digits. */
  beyondDouble: boolean;
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

export function survey(records: readonly ExactObject[]): Survey {
  const leaves = new Map<string, Leaf>();
  const lists = new Map<string, ListLeaf>();
  for (const record of records) open(record, [], undefined, leaves, lists);
  return { records: records.length, leaves, lists };
}

function open(
  object: ExactObject,
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
    if (Array.isArray(value) && lists !== undefined) openList(value as readonly ExactValue[], path, here, lists);
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
    beyondDouble: false,
  };
  leaves.set(path, leaf);
  return leaf;
}

function note(leaf: Leaf, value: ExactValue): void {
  leaf.present += 1;
  const kind = kindOf(value);
  leaf.kinds.add(kind);
  if (kind === 'object' || kind === 'list') return;
  if (value instanceof NumberText) {
    if (value.digits !== undefined && BigInt.asIntN(64, BigInt(value.digits)) !== BigInt(value.digits)) {
      leaf.beyondInt64 = true;
    }
    if (!isExactDouble(value.source)) leaf.beyondDouble = true;
  }
  const text = value instanceof NumberText ? value.toJSON() : String(value);
  if (text.trim() === '') leaf.blank += 1;
  leaf.longest = Math.max(leaf.longest, text.length);
  leaf.longestPart = Math.max(leaf.longestPart, part(text).length);
  leaf.distinct.add(text);
  if (kind === 'text') leaf.texts.push(text);
}

function openList(
  list: readonly ExactValue[],
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

function isObject(value: ExactValue | undefined): value is ExactObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText);
}

function kindOf(value: ExactValue): ValueKind {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'boolean') return 'boolean';
  if (value instanceof NumberText) return value.digits === undefined ? 'number' : 'integer';
  return Array.isArray(value) ? 'list' : 'object';
}
