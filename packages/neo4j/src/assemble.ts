/** From records to the parameters of the writing statement: deduplicated over the batch, sorted, checked, in columns. */
import type { Properties, PropertyValue } from '@inator/runtime';
import type { PropertyNames } from './names.ts';
import { type Brought, type HeldEdge, type Other, readRecord, standingOf } from './read-record.ts';
import type { GraphShape } from './shape.ts';
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
  /** Existing own nodes that the statement must write anew, and those that only get a later version. */
  readonly rewritten: number;
  readonly later: number;
  /** Relationships that the statement must create, no less. */
  readonly creates: number;
}

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
  const { labels, primary } = shape;
  const others = labels.map(() => new Map<string, Other>());
  const known = held.filter(({ verdict }) => rewrites(verdict));
  const writing = [...fresh, ...known.map(({ candidate }) => candidate)];
  const mine = new Map<string, number>();
  for (const { key } of writing) mine.set(key, mine.size);

  const brought: Brought[] = new Array(writing.length);
  // In order of arrival: the first to name a stub gives its properties, as it would one record at a time.
  for (const candidate of [...writing].sort((a, b) => a.at - b.at)) {
    const place = mine.get(candidate.key) ?? 0;
    const standing = standingOf(shape, mine, known[place - fresh.length]?.edges);
    brought[place] = readRecord(shape, names, candidate, others, standing);
  }

  // Sorted, so that writers meet on shared nodes in one order.
  const otherKeys = others.map((rows) => [...rows.keys()].sort());
  const places = labels.map((_, label) => {
    const place = label === primary ? new Map(mine) : new Map<string, number>();
    for (const key of otherKeys[label] ?? none) place.set(key, place.size);
    return place;
  });

  const columns = createColumns();
  const ownNames = names.lists[primary] ?? none;
  const put = (beside: string, candidates: readonly Candidate<R>[], from: number): void => {
    columns.of(beside, candidates, ({ key }) => key);
    columns.of(list.hash(beside), candidates, ({ hash }) => hash);
    columns.of(list.seq(beside), candidates, ({ seq }) => seq);
    ownNames.forEach((name, p) => {
      columns.of(list.property(beside, p), candidates, (_, i) => brought[from + i]?.own[name]);
    });
  };
  put(list.fresh, fresh, 0);
  put(list.known, writing.slice(fresh.length), fresh.length);
  const later = held.filter(({ verdict }) => verdict === 'advance').map(({ candidate }) => candidate);
  columns.of(list.later, later, ({ key }) => key);
  columns.of(list.seq(list.later), later, ({ seq }) => seq);
  otherKeys.forEach((keys, label) => {
    const rows = others[label];
    columns.of(list.others(label), keys, (key) => key);
    names.lists[label]?.forEach((name, p) => {
      columns.of(list.property(list.others(label), p), keys, (key) => rows?.get(key)?.properties[name]);
    });
  });

  const { gone, creates } = putOwned(columns, shape, writing, brought, known, fresh.length, places);
  putShared(columns, shape, brought, places);

  return {
    lists: columns.lists,
    origins: {
      fresh: fresh.map(({ at }) => at),
      known: known.map(({ candidate }) => candidate.at),
      others: otherKeys.map((keys, label) => keys.map((key) => others[label]?.get(key)?.at ?? 0)),
    },
    gone,
    rewritten: known.length,
    later: later.length,
    creates,
  };
}

/** The parameters of the reading statement. */
export function askedOf<R>(candidates: readonly Candidate<R>[]): Plan['lists'] {
  const columns = createColumns();
  columns.of('keys', candidates, ({ key }) => key);
  columns.of('hashes', candidates, ({ hash }) => hash);
  columns.of('seqs', candidates, ({ seq }) => seq);
  return columns.lists;
}

/** Whether a record with this verdict replaces what the store holds. */
export function rewrites(verdict: Verdict): boolean {
  return verdict === 'create' || verdict === 'update';
}

/** By label: where the statement finds a node. */
type Places = readonly ReadonlyMap<string, number>[];

function putOwned<R>(
  columns: Columns,
  { owned }: GraphShape<R>,
  writing: readonly Candidate<R>[],
  brought: readonly Brought[],
  known: readonly Held<R>[],
  freshCount: number,
  places: Places,
): Pick<Plan, 'gone' | 'creates'> {
  let creates = 0;
  const gone = owned.map(({ other, twoSided, properties }, group) => {
    const from: number[] = [];
    const to: (number | undefined)[] = [];
    const values: Properties[] = [];
    const stale: [string, string[]][] = [];
    const place = places[other];
    writing.forEach(({ key }, own) => {
      const asserted = brought[own]?.owned[group];
      const have = own < freshCount ? none : (known[own - freshCount]?.edges[group] ?? none);
      if (asserted === undefined || (asserted.ends.length === 0 && have.length === 0)) return;
      const kept = have.length === 0 ? undefined : new Set(have.filter((edge) => edge.mine).map((edge) => edge.key));
      if (have.length > 0) {
        const named = new Set(asserted.ends);
        // One that nobody is known to assert is left from something that kept no marks: nobody will miss it.
        const left = have.filter((edge) => (edge.mine || !edge.theirs) && !named.has(edge.key));
        if (left.length > 0) stale.push([key, left.map((edge) => edge.key)]);
      }
      for (const end of asserted.ends) {
        const isNew = kept?.has(end) !== true;
        if (isNew && !twoSided) creates += 1;
        // What stays may carry other properties than before.
        if (!isNew && properties.length === 0) continue;
        from.push(own);
        to.push(place?.get(end));
        if (properties.length > 0) values.push(asserted.properties?.get(end) ?? {});
      }
    });
    const ends = list.owned(group);
    columns.of(ends, to, (end) => end);
    columns.of(list.from(ends), from, (own) => own);
    properties.forEach((name, p) => {
      columns.of(list.property(ends, p), values, (given) => given[name]);
    });
    return stale;
  });
  return { gone, creates };
}

function putShared<R>(columns: Columns, { shared }: GraphShape<R>, brought: readonly Brought[], places: Places): void {
  shared.forEach(({ from, to }, group) => {
    const pairs = new Map<string, Set<string>>();
    for (const { shared: rows } of brought) {
      for (const row of rows[group] ?? none) {
        const ends = pairs.get(row.from);
        if (ends === undefined) pairs.set(row.from, new Set([row.to]));
        else ends.add(row.to);
      }
    }
    const sorted = [...pairs]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([a, ends]) => [...ends].sort().map((b) => [places[from]?.get(a), places[to]?.get(b)] as const));
    const ends = list.shared(group);
    columns.of(ends, sorted, ([, b]) => b);
    columns.of(list.from(ends), sorted, ([a]) => a);
  });
}

interface Columns {
  readonly lists: Record<string, readonly unknown[]>;
  /** One value a row. */
  of<T>(name: string, rows: readonly T[], value: (row: T, i: number) => PropertyValue | null | undefined): void;
}

function createColumns(): Columns {
  const lists: Record<string, readonly unknown[]> = {};
  return {
    lists,
    of(name, rows, value) {
      let holds = false;
      const column = rows.map((row, i) => {
        const one = value(row, i) ?? null;
        if (one !== null) holds = true;
        return one;
      });
      lists[name] = holds ? column : none;
    },
  };
}
