/** Guesses: which member is the key, which type a column has, how things are called. Each is judged by all values seen. */
import { longestKey } from '../model/read-key.ts';
import type { DeclaredType } from '../value/convert.ts';
import { daysOf, microsecondsOf } from '../value/time.ts';
import type { Leaf, Survey } from './survey.ts';

export interface KeyGuess {
  readonly paths: readonly string[];
  /** Paths whose values are as unique in the sample, likely keys first: the reader decides. */
  readonly alsoUnique: readonly string[];
  /** Why a person should look at it; undefined when it stands to reason. */
  readonly doubt: string | undefined;
}

/** Leaves of which pairs are tried. */
const mostPaired = 12;

/** The ends of names that refer to one thing, after another word: `order_id`, `orderId`, `AirportID`, `Order No`. */
const idEnd = /(^|[\s_-])(id|key|uuid|guid|code|number|no|sku|ref)$/;

/** How much a name sounds like a key. What things are called repeats sooner or later: any id goes before it. */
function sound(names: readonly string[]): number {
  const last = names.at(-1) ?? '';
  const name = last.toLowerCase();
  const depth = (names.length - 1) * 2;
  if (/^(_?id|key|uuid|guid)$/.test(name)) return 10 - depth;
  if (idEnd.test(name) || idEnd.test(last.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase())) return 7 - depth;
  if (/^(code|iata|icao|isbn|ean|sku|slug|hash|email|url)/.test(name)) return 5 - depth;
  if (/^(name|title)/.test(name)) return 1 - depth;
  if (/(date|time|_at$|^at$|price|amount|count|lat|lon|size|score|rating)/.test(name)) return -5 - depth;
  return 0 - depth;
}

function mayBeKey({ kinds, longest, blank }: Leaf): boolean {
  return kinds.size === 1 && (kinds.has('text') || kinds.has('integer')) && longest <= longestKey && blank === 0;
}

/** `pairs`: how many distinct pairs two paths have over the sample. */
export function guessKey({ records, leaves }: Survey, pairs: (a: string, b: string) => number): KeyGuess | undefined {
  const all = [...leaves.values()].filter(mayBeKey);
  const whole = all.filter(({ present }) => present === records).sort((a, b) => sound(b.names) - sound(a.names));
  const [unique, ...others] = whole.filter(({ distinct }) => distinct.size === records);
  if (unique !== undefined) {
    // In a sample of one everything is unique, which says nothing.
    const alsoUnique = records > 1 ? others.map(({ path }) => path) : [];
    return { paths: [unique.path], alsoUnique, doubt: undefined };
  }
  const candidates = whole.slice(0, mostPaired);
  for (const [i, a] of candidates.entries()) {
    for (const b of candidates.slice(i + 1)) {
      if (a.longestPart + 1 + b.longestPart <= longestKey && pairs(a.path, b.path) === records) {
        return {
          paths: [a.path, b.path],
          alsoUnique: [],
          doubt: 'no member alone is unique in the sample; these two together are',
        };
      }
    }
  }
  const best = [...whole].sort((a, b) => b.distinct.size - a.distinct.size || sound(b.names) - sound(a.names))[0];
  if (best !== undefined) {
    const twice = records - best.distinct.size;
    return {
      paths: [best.path],
      alsoUnique: [],
      doubt: `not unique in the sample: ${twice} of ${records} records would replace another`,
    };
  }
  const most = all.sort((a, b) => b.present - a.present)[0];
  if (most === undefined) return undefined;
  return {
    paths: [most.path],
    alsoUnique: [],
    doubt: `${records - most.present} of ${records} records do not have it: they would be refused`,
  };
}

export interface TypeGuess {
  readonly type: DeclaredType;
  readonly hint?: string;
}

const canonicalInteger = /^-?(0|[1-9]\d{0,17})$/;
const canonicalNumber = /^-?(0|[1-9]\d*)(\.\d+)?$/;

/** `typed`: texts may stand for numbers and booleans, because the source (CSV) knows nothing else. */
export function guessType({ kinds, texts, beyondInt64 }: Leaf, typed: boolean): TypeGuess | undefined {
  if (kinds.has('object') || kinds.has('list')) return undefined;
  if (!kinds.has('text')) {
    if (kinds.size === 1 && kinds.has('boolean')) return { type: 'boolean' };
    if (kinds.has('boolean')) return { type: 'text' };
    return { type: kinds.has('number') || beyondInt64 ? 'numeric' : 'bigint' };
  }
  if (kinds.size > 1) return { type: 'text', hint: 'not always a text' };
  const filled = texts.filter((text) => text !== '');
  if (filled.length === 0) return { type: 'text' };
  const blank = filled.length < texts.length;
  // An empty text is no value to every other type, and a value to this one.
  if (blank && !typed) return { type: 'text' };
  if (typed) {
    if (filled.every((text) => canonicalInteger.test(text))) return { type: 'bigint' };
    if (filled.every((text) => canonicalNumber.test(text))) return { type: 'numeric' };
    if (filled.every((text) => /^(true|false)$/i.test(text))) return { type: 'boolean' };
  }
  if (filled.every((text) => daysOf(text) !== undefined)) return { type: 'date' };
  const moments = filled.map((text) => microsecondsOf(text, undefined));
  if (moments.every((moment) => typeof moment === 'bigint')) return { type: 'timestamptz' };
  if (moments.every((moment) => moment === 'zone')) {
    return { type: 'text', hint: 'a time without an offset; if it is UTC: { type: timestamptz, zone: Z }' };
  }
  return { type: 'text' };
}

/** `releaseDate` and `Release Date` as `release_date`. */
export function snake(names: readonly string[]): string {
  const text = names
    .join('_')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .normalize('NFD')
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 40);
  return /^[a-z]/.test(text) ? text : `c_${text}`.replace(/_+$/, '');
}

/** `order_items` as `OrderItem`. */
export function labelOf(name: string): string {
  const words = snake([name]).split('_').filter(Boolean);
  const last = words.at(-1) ?? '';
  const singular = last.endsWith('ies') ? `${last.slice(0, -3)}y` : /[^su]s$/.test(last) ? last.slice(0, -1) : last;
  return [...words.slice(0, -1), singular].map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
