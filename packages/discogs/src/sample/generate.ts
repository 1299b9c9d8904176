/**
 * A catalogue that does not exist, in the bodies the extractor would publish: deterministic, fast, and of one piece, so
 * that releases name artists, labels and masters which the other types really bring.
 *
 * The record at position n of a type has the id `n`, whatever the seed: ranges of `from` and `count` that do not overlap
 * bring different records, and counts can be foretold. Artists 10, 20, … are groups of the two to four that follow;
 * artists ending in 5 and 6 are aliases of each other; labels 5, 10, … have the next two as sublabels.
 */
import { recordBody } from '../hash.ts';
import type { RecordType } from '../types.ts';
import { createRandom, type Random } from './random.ts';
import { countries, filler, firstWords, formats, genres, qualities, secondWords } from './vocabulary.ts';

export interface SampleOptions {
  readonly type: RecordType;
  readonly count: number;
  /** Default 1. Another seed makes other contents under the same ids. */
  readonly seed?: number;
  /** The first id. Default 1. */
  readonly from?: number;
  /** Default 1. Another version of a record has another content, other relationships and another hash, but its id. */
  readonly version?: number;
  /** Mean bytes of a body, where its text can be padded to reach that. Default: 1,250 for releases, else no padding. */
  readonly targetBytes?: number;
  /** How many of each type there are to be named. Default: 10,000 artists, 2,000 labels, 10,000 masters. */
  readonly world?: Partial<Readonly<Record<RecordType, number>>>;
}

interface World {
  readonly seed: number;
  readonly artists: number;
  readonly labels: number;
  readonly masters: number;
}

const typeNumber: Readonly<Record<RecordType, number>> = { artists: 1, labels: 2, masters: 3, releases: 4 };
/** Mean bytes of a release in the measurements this product is compared by. */
const releaseBytes = 1250;
/** Bytes of the envelope in front of a record's data, without the id. */
const envelopeBytes = 106;

/** The bodies `from`, `from + 1`, …, `count` of them. */
export function* generateSample(options: SampleOptions): Generator<Buffer, void, undefined> {
  const { type, count, seed = 1, from = 1, version = 1 } = options;
  const target = options.targetBytes ?? (type === 'releases' ? releaseBytes : 0);
  const world: World = { seed, artists: 10_000, labels: 2_000, masters: 10_000, ...options.world };
  const write = writers[type];
  for (let id = from; id < from + count; id++) {
    const random = createRandom(seed, typeNumber[type], id, version);
    yield recordBody(String(id), write(id, random, world, version, target));
  }
}

/** The name of a thing: the same wherever it is named. */
function nameOf(type: RecordType, id: number, { seed }: World): string {
  const random = createRandom(seed, typeNumber[type], id);
  return `${random.pick(firstWords)} ${random.pick(secondWords)} ${id}`;
}

function reference(type: RecordType, id: number, world: World): string {
  return `{"id":"${id}","name":"${nameOf(type, id, world)}"}`;
}

/** Text that brings a body whose other members have `bytes` bytes to the target, a fifth more or less. */
function padding(random: Random, bytes: number, target: number): string {
  const room = target - bytes - envelopeBytes;
  if (room <= 0) return '';
  const length = Math.max(0, Math.round(room + (random.below(401) - 200) * (target / 1000)));
  const start = random.below(200);
  return filler.slice(start, start + length).padEnd(length, '.');
}

function genreMembers(random: Random): readonly [genres: string, styles: string] {
  const [genre, styles] = random.pick(genres);
  const first = random.below(styles.length);
  const chosen = Array.from({ length: 1 + random.below(3) }, (_, i) => styles[(first + i) % styles.length] as string);
  const second = random.below(6) === 0 ? random.pick(genres)[0] : genre;
  const list = second === genre ? `"${genre}"` : `"${genre}","${second}"`;
  return [list, chosen.map((style) => `"${style}"`).join(',')];
}

function artistList(random: Random, world: World): string {
  const credit = (id: number, join: string): string =>
    `{"anv":null,"id":"${id}","join":${join},"name":"${nameOf('artists', id, world)}","role":null,"tracks":null}`;
  const first = random.popular(world.artists);
  const second = random.popular(world.artists);
  return random.below(5) === 0 && second !== first
    ? `${credit(first, '"&"')},${credit(second, 'null')}`
    : credit(first, 'null');
}

/** How many of the artists after group `id` are its members. */
const membersOf = (id: number): number => 2 + ((id / 10) % 3);

type Writer = (id: number, random: Random, world: World, version: number, target: number) => string;

const writers: Readonly<Record<RecordType, Writer>> = {
  artists(id, random, world, version, target) {
    const last = id % 10;
    const group = id - last;
    const other = last === 5 ? id + 1 : last === 6 ? id - 1 : 0;
    const exists = (n: number): boolean => n > 0 && n <= world.artists;
    const named = (n: number): string => reference('artists', n, world);
    const aliases = exists(other) ? `"aliases":[${named(other)}],` : '';
    const isMember = exists(group) && last > 0 && last <= membersOf(group);
    const groups = isMember ? `"groups":[${named(group)}],` : '';
    const following = last === 0 ? Array.from({ length: membersOf(id) }, (_, i) => id + 1 + i).filter(exists) : [];
    const members = following.length > 0 ? `"members":[${following.map(named).join(',')}],` : '';
    const name = nameOf('artists', id, world);
    const before = `{${aliases}"data_quality":"${random.pick(qualities)}",${groups}"id":"${id}",${members}"name":"${name}"`;
    const notes = `Revision ${version}. `;
    const profile = notes + padding(random, before.length + notes.length + 50, target);
    return `${before},"profile":"${profile}","realname":"${random.pick(firstWords)} ${random.pick(secondWords)}"}`;
  },

  labels(id, random, world, version, target) {
    const last = id % 5;
    const parent = last === 1 || last === 2 ? id - last : 0;
    const sublabels = last === 0 ? [id + 1, id + 2].filter((one) => one <= world.labels) : [];
    const name = nameOf('labels', id, world);
    const contact = `"contactinfo":"${random.below(999)} Harbour Street\\r\\n${random.pick(countries)}"`;
    const quality = `"data_quality":"${random.pick(qualities)}"`;
    const above = parent > 0 ? `"parentLabel":${reference('labels', parent, world)},` : '';
    const below =
      sublabels.length > 0 ? `,"sublabels":[${sublabels.map((one) => reference('labels', one, world)).join(',')}]` : '';
    const before = `{${contact},${quality},"id":"${id}","name":"${name}",${above}`;
    const notes = `Revision ${version}. `;
    const profile = notes + padding(random, before.length + below.length + notes.length + 13, target);
    return `${before}"profile":"${profile}"${below}}`;
  },

  masters(id, random, world, version, target) {
    const [genreList, styleList] = genreMembers(random);
    const before =
      `{"artists":[${artistList(random, world)}],"data_quality":"${random.pick(qualities)}","genres":[${genreList}],` +
      `"id":"${id}","main_release":"${id}"`;
    const after = `"styles":[${styleList}],"title":"${nameOf('masters', id, world)}","year":"${1950 + random.below(75)}"}`;
    const notes = `Revision ${version}. `;
    const padded = notes + padding(random, before.length + after.length + notes.length + 11, target);
    return `${before},"notes":"${padded}",${after}`;
  },

  releases(id, random, world, version, target) {
    const [genreList, styleList] = genreMembers(random);
    const label = random.popular(world.labels);
    const catalogue = `"catno":"CAT ${random.below(10_000)}"`;
    const master = random.below(10) < 7 ? `"master_id":"${random.popular(world.masters)}",` : '';
    const released = `${1950 + random.below(75)}-${String(1 + random.below(12)).padStart(2, '0')}-00`;
    const before =
      `{"artists":[${artistList(random, world)}],"companies":null,"country":"${random.pick(countries)}",` +
      `"data_quality":"${random.pick(qualities)}","formats":[{"descriptions":{"description":["LP","Album"]},` +
      `"name":"${random.pick(formats)}","qty":"1","text":""}],"genres":[${genreList}],"id":"${id}","identifiers":null,` +
      `"labels":[{${catalogue},"id":"${label}","name":"${nameOf('labels', label, world)}"}],${master}`;
    const after =
      `"released":"${released}","status":"Accepted","styles":[${styleList}],"title":"${nameOf('releases', id, world)}",` +
      `"tracklist":{"track":[${tracks(random)}]}}`;
    const notes = `Revision ${version}. `;
    const padded = notes + padding(random, before.length + after.length + notes.length + 10, target);
    return `${before}"notes":"${padded}",${after}`;
  },
};

/** Two to four tracks: `A1`, `A2`, … */
function tracks(random: Random): string {
  const count = 2 + random.below(3);
  let list = '';
  for (let i = 1; i <= count; i++) {
    const duration = `${2 + random.below(6)}:${10 + random.below(50)}`;
    const title = `${random.pick(firstWords)} ${random.pick(secondWords)}`;
    list += `${i > 1 ? ',' : ''}{"duration":"${duration}","position":"A${i}","title":"${title}"}`;
  }
  return list;
}
