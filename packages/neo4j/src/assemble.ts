/** From records to the parameters of the writing statement: deduplicated over the batch, sorted, checked. */
import type { Properties } from '@inator/runtime';
import { type Integer, int } from 'neo4j-driver';
import type { PropertyNames } from './names.ts';
import { type Brought, type HeldEdge, type Other, readRecord, standingOf } from './read-record.ts';
import { bookkeeping, type GraphShape } from './shape.ts';
import { list } from './statements.ts';
import type { Candidate, Verdict } from './version.ts';

/** An own node that exists, locked, and what is to become of it. */
export interface Held<R> {
  readonly candidate: Candidate<R>;
  readonly verdict: Verdict;
  readonly tied: boolean;
  /** By owned group. */
  readonly edges: readonly (readonly HeldEdge[])[];
}

/** Which record of the batch brought a row, for blaming it. */
export interface Origins {
  readonly fresh: readonly number[];
  readonly known: readonly number[];
  /** By label. */
  readonly others: readonly (readonly number[])[];
}

export interface Plan {
  readonly lists: Readonly<Record<string, readonly unknown[]>>;
  readonly origins: Origins;
  /** By owned group: what records assert no longer. */
  readonly gone: readonly (readonly (readonly [key: string, others: readonly string[]])[])[];
  /** Relationships that the statement must create, no less. */
  readonly creates: number;
}

const nothing: Properties = Object.freeze({});
const none: readonly never[] = [];

/**
 * `fresh` are candidates whose nodes the store did not have, `held` those that are locked; both sorted by key. Throws
 * `SinkError` `refused`, its culprit named, for a record that must not reach the store.
 */
export function assemble<R>(
  shape: GraphShape<R>,
  names: PropertyNames,
  fresh: readonly Candidate<R>[],
  held: readonly Held<R>[],
): Plan {
  const { labels, primary, owned, shared } = shape;
  const others = labels.map(() => new Map<string, Other>());
  const brought = new Map<string, Brought>();
  const stored = new Map(held.map(({ candidate, edges }) => [candidate.key, edges]));
  const mine = new Map<string, number>();
  for (const { key } of fresh) mine.set(key, mine.size);
  for (const { candidate } of held) mine.set(candidate.key, mine.size);

  const writing = [...fresh, ...held.filter(({ verdict }) => rewrites(verdict)).map(({ candidate }) => candidate)];
  // In order of arrival: the first to name a stub gives its properties, as it would one record at a time.
  for (const candidate of writing.sort((a, b) => a.at - b.at)) {
    const standing = standingOf(shape, mine, stored.get(candidate.key));
    brought.set(candidate.key, readRecord(shape, names, candidate, others, standing));
  }

  // Sorted, so that writers meet on shared nodes in one order.
  const otherKeys = others.map((rows) => [...rows.keys()].sort());
  const places = labels.map((_, label) => {
    const place = new Map<string, Integer>(label === primary ? [...mine].map(([key, i]) => [key, index(i)]) : []);
    for (const key of otherKeys[label] ?? []) place.set(key, index(place.size));
    return place;
  });

  const lists: Record<string, readonly unknown[]> = {};
  const ownNames = names.lists[primary] ?? [];
  lists[list.fresh] = fresh.map(({ key, hash, seq }) => {
    const own = brought.get(key)?.own ?? nothing;
    return [key, hash, seq ?? null, ...ownNames.map((name) => own[name] ?? null)];
  });
  lists[list.known] = held.map(({ candidate, verdict }) => [
    candidate.key,
    knownProperties(candidate, verdict, brought.get(candidate.key)?.own),
  ]);
  labels.forEach((_, label) => {
    const listed = names.lists[label] ?? [];
    const rows = others[label];
    const keys = otherKeys[label] ?? [];
    lists[list.others(label)] =
      listed.length === 0
        ? keys
        : keys.map((key) => [key, ...listed.map((name) => rows?.get(key)?.properties[name] ?? null)]);
  });

  let creates = 0;
  const gone = owned.map((): [string, string[]][] => []);
  owned.forEach(({ other, twoSided, properties }, i) => {
    const place = places[other];
    lists[list.owned(i)] = [...mine.keys()].map((key) => {
      const asserted = brought.get(key)?.owned[i];
      if (asserted === undefined || (asserted.size === 0 && !stored.has(key))) return [];
      const have = stored.get(key)?.[i] ?? none;
      if (have.length === 0 && properties.length === 0) {
        if (!twoSided) creates += asserted.size;
        return [...asserted.keys()].sort().map((end) => place?.get(end));
      }
      const kept = new Set(have.filter((edge) => edge.mine).map((edge) => edge.key));
      // One that nobody is known to assert is left from something that kept no marks: nobody will miss it.
      const stale = have.filter((edge) => (edge.mine || !edge.theirs) && !asserted.has(edge.key));
      if (stale.length > 0) gone[i]?.push([key, stale.map((edge) => edge.key)]);
      const ends = [...asserted.keys()].filter((end) => !kept.has(end)).sort();
      if (!twoSided) creates += ends.length;
      if (properties.length === 0) return ends.map((end) => place?.get(end));
      // What stays may carry other properties than before.
      return [...asserted]
        .sort(([a], [b]) => compare(a, b))
        .map(([end, values]) => [place?.get(end), ...properties.map((name) => values[name] ?? null)]);
    });
  });
  shared.forEach(({ from, to }, i) => {
    const pairs = new Map<string, Set<string>>();
    for (const { shared: rows } of brought.values()) {
      for (const row of rows[i] ?? none) {
        const ends = pairs.get(row.from);
        if (ends === undefined) pairs.set(row.from, new Set([row.to]));
        else ends.add(row.to);
      }
    }
    lists[list.shared(i)] = [...pairs]
      .sort(([a], [b]) => compare(a, b))
      .flatMap(([a, ends]) => [...ends].sort().map((b) => [places[from]?.get(a), places[to]?.get(b)]));
  });

  return {
    lists,
    origins: {
      fresh: fresh.map(({ at }) => at),
      known: held.map(({ candidate }) => candidate.at),
      others: otherKeys.map((keys, label) => keys.map((key) => others[label]?.get(key)?.at ?? 0)),
    },
    gone,
    creates,
  };
}

/** Whether a record with this verdict replaces what the store holds. */
export function rewrites(verdict: Verdict): boolean {
  return verdict === 'create' || verdict === 'update';
}

function knownProperties<R>(candidate: Candidate<R>, verdict: Verdict, own: Properties | undefined): Properties {
  const seq = candidate.seq ?? null;
  if (verdict === 'advance') return { [bookkeeping.seq]: seq };
  if (own === undefined) return nothing;
  return { ...own, [bookkeeping.hash]: candidate.hash, [bookkeeping.seq]: seq };
}

/** The driver packs its own integers faster than bigints, and the same small ones come again in every batch. */
const integers: Integer[] = [];

function index(i: number): Integer {
  for (let next = integers.length; next <= i; next += 1) integers.push(int(next));
  return integers[i] ?? int(i);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
