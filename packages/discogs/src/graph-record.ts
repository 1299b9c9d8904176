/** What the graph keeps of a Discogs record: its own properties, and what it names. */
import type { JsonValue, Properties } from '@inator/runtime';
import { idText, member, names, type Reference, reference, references, text, year } from './shapes.ts';
import type { RecordType } from './types.ts';

export interface GraphRecord {
  readonly id: string;
  readonly properties: Properties;
  readonly artists: readonly Reference[];
  readonly labels: readonly Reference[];
  readonly masters: readonly Reference[];
  readonly genres: readonly string[];
  readonly styles: readonly string[];
  /** An artist's members and groups, aliases; a label's sublabels and parents. */
  readonly below: readonly Reference[];
  readonly above: readonly Reference[];
  readonly aliases: readonly Reference[];
}

const none: readonly never[] = [];

/** The members of each type's bodies that the graph is made of. Nothing else is parsed. */
export const membersOf = {
  artists: ['name', 'realname', 'data_quality', 'members', 'groups', 'aliases'],
  labels: ['name', 'data_quality', 'sublabels', 'parentLabel', 'parent_label'],
  masters: ['title', 'year', 'main_release', 'data_quality', 'artists', 'genres', 'styles'],
  releases: [
    'title',
    'released',
    'year',
    'country',
    'status',
    'data_quality',
    'artists',
    'labels',
    'master_id',
    'genres',
    'styles',
  ],
} as const satisfies Readonly<Record<RecordType, readonly string[]>>;

/** A body's members as far as they are parsed: asking for another one does not compile. */
type Excerpt<T extends RecordType> = { readonly [K in (typeof membersOf)[T][number]]?: JsonValue | undefined };

/**
 * A record's part in the graph. Properties a record lacks are null, so that an update removes what went. References to a
 * record itself say nothing and are dropped. (Every member is written out, not spread: this is the hot path.)
 */
export const toGraphRecord: { readonly [T in RecordType]: (id: string, body: Excerpt<T>) => GraphRecord } = {
  artists: (id, body) => ({
    id,
    properties: {
      name: text(member(body, 'name')),
      realname: text(member(body, 'realname')),
      data_quality: text(member(body, 'data_quality')),
    },
    below: references(member(body, 'members'), 'name', id),
    above: references(member(body, 'groups'), 'name', id),
    aliases: references(member(body, 'aliases'), 'name', id),
    artists: none,
    labels: none,
    masters: none,
    genres: none,
    styles: none,
  }),

  labels: (id, body) => ({
    id,
    properties: { name: text(member(body, 'name')), data_quality: text(member(body, 'data_quality')) },
    below: references(member(body, 'sublabels'), 'label', id),
    above: references(member(body, 'parentLabel') ?? member(body, 'parent_label'), 'label', id),
    artists: none,
    labels: none,
    masters: none,
    genres: none,
    styles: none,
    aliases: none,
  }),

  masters: (id, body) => ({
    id,
    properties: {
      title: text(member(body, 'title')),
      year: year(member(body, 'year')),
      main_release: idText(member(body, 'main_release')) ?? null,
      data_quality: text(member(body, 'data_quality')),
    },
    artists: references(member(body, 'artists'), 'artist'),
    genres: names(member(body, 'genres'), 'genre'),
    styles: names(member(body, 'styles'), 'style'),
    labels: none,
    masters: none,
    below: none,
    above: none,
    aliases: none,
  }),

  releases: (id, body) => ({
    id,
    properties: {
      title: text(member(body, 'title')),
      released: text(member(body, 'released')),
      year: year(member(body, 'year')) ?? year(member(body, 'released')),
      country: text(member(body, 'country')),
      status: text(member(body, 'status')),
      data_quality: text(member(body, 'data_quality')),
    },
    artists: references(member(body, 'artists'), 'artist'),
    labels: references(member(body, 'labels'), 'label'),
    masters: mastersOf(body),
    genres: names(member(body, 'genres'), 'genre'),
    styles: names(member(body, 'styles'), 'style'),
    below: none,
    above: none,
    aliases: none,
  }),
};

/** The names of each type's own properties: what an empty record gives. */
export const propertyNames: Readonly<Record<RecordType, readonly string[]>> = {
  artists: Object.keys(toGraphRecord.artists('', {}).properties),
  labels: Object.keys(toGraphRecord.labels('', {}).properties),
  masters: Object.keys(toGraphRecord.masters('', {}).properties),
  releases: Object.keys(toGraphRecord.releases('', {}).properties),
};

/** `master_id` is a text, an integer, `{"#text": …}` or, from other producers, `{"id": …}`. */
function mastersOf(body: Excerpt<'releases'>): readonly Reference[] {
  const master = member(body, 'master_id');
  const id = idText(master) ?? reference(master)?.id;
  return id === undefined ? [] : [{ id, name: null }];
}
