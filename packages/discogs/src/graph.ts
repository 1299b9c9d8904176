/** The Discogs graph: which nodes and relationships each type of record brings. */
import {
  type EdgeRow,
  type EdgeStep,
  type Endpoint,
  type GraphModel,
  type JsonObject,
  type Later,
  type NodeRow,
  type NodeStep,
  parseExcerpt,
  takingLater,
} from '@inator/runtime';
import { type GraphRecord, membersOf, propertyNames, toGraphRecord } from './graph-record.ts';
import { createMessageReader, type MessageOptions } from './messages.ts';
import type { Reference } from './shapes.ts';
import type { RecordType } from './types.ts';

/** The label of the nodes that each type's records become. */
export const labelOf: Readonly<Record<RecordType, string>> = {
  artists: 'Artist',
  labels: 'Label',
  masters: 'Master',
  releases: 'Release',
};

type Named = 'artists' | 'labels' | 'masters' | 'below' | 'above' | 'aliases';
type Tagged = 'genres' | 'styles';

const artist: Endpoint = { label: 'Artist', key: 'id' };
const label: Endpoint = { label: 'Label', key: 'id' };
const master: Endpoint = { label: 'Master', key: 'id' };
const release: Endpoint = { label: 'Release', key: 'id' };
const genre: Endpoint = { label: 'Genre', key: 'name' };
const style: Endpoint = { label: 'Style', key: 'name' };

/** The record's own node. */
function own(end: Endpoint, type: RecordType): NodeStep<GraphRecord> {
  const properties = propertyNames[type];
  return {
    ...end,
    primary: true,
    keptAsStub: ['name'],
    properties,
    rows: ({ id, properties }) => [{ key: id, properties }],
  };
}

const nothing = Object.freeze({});
const stub = ({ id, name }: Reference): NodeRow => ({ key: id, properties: name === null ? nothing : { name } });

/** Targets that may not have arrived yet. */
function stubs(end: Endpoint, ...fields: readonly Named[]): NodeStep<GraphRecord> {
  return {
    ...end,
    // A release names its master by id alone.
    properties: fields.includes('masters') ? [] : ['name'],
    rows: (record) => {
      const rows = new Map<string, NodeRow>();
      for (const field of fields) {
        for (const named of record[field]) {
          if (named.name !== null || !rows.has(named.id)) rows.set(named.id, stub(named));
        }
      }
      return [...rows.values()];
    },
  };
}

function tags(end: Endpoint, field: Tagged): NodeStep<GraphRecord> {
  return {
    ...end,
    properties: [],
    rows: (record) => record[field].map((name) => ({ key: name, properties: nothing })),
  };
}

/** From the record to each that it names. */
function to(type: string, from: Endpoint, end: Endpoint, field: Named, twoSided = false): EdgeStep<GraphRecord> {
  const rows = (record: GraphRecord): readonly EdgeRow[] =>
    record[field].map((target: Reference) => ({ from: record.id, to: target.id }));
  return { type, from, to: end, owner: 'from', twoSided, rows };
}

/** From each that the record names to the record: what the others' records may assert as well. */
function from(type: string, ends: Endpoint, field: Named): EdgeStep<GraphRecord> {
  const rows = (record: GraphRecord): readonly EdgeRow[] =>
    record[field].map((source: Reference) => ({ from: source.id, to: record.id }));
  return { type, from: ends, to: ends, owner: 'to', twoSided: true, rows };
}

function is(own: Endpoint, end: Endpoint, field: Tagged): EdgeStep<GraphRecord> {
  const rows = (record: GraphRecord): readonly EdgeRow[] =>
    record[field].map((name) => ({ from: record.id, to: name }));
  return { type: 'IS', from: own, to: end, owner: 'from', rows };
}

/** A record with several genres does not say which of them its styles belong to. */
const partOf: EdgeStep<GraphRecord> = {
  type: 'PART_OF',
  from: style,
  to: genre,
  owner: 'shared',
  rows: ({ genres, styles }) => {
    const [only, ...others] = genres;
    return only === undefined || others.length > 0 ? [] : styles.map((name) => ({ from: name, to: only }));
  },
};

const plans: Readonly<Record<RecordType, Pick<GraphModel<GraphRecord>, 'nodes' | 'edges'>>> = {
  artists: {
    nodes: [own(artist, 'artists'), stubs(artist, 'below', 'above', 'aliases')],
    edges: [
      from('MEMBER_OF', artist, 'below'),
      to('MEMBER_OF', artist, artist, 'above', true),
      to('ALIAS_OF', artist, artist, 'aliases'),
    ],
  },
  labels: {
    nodes: [own(label, 'labels'), stubs(label, 'below', 'above')],
    edges: [from('SUBLABEL_OF', label, 'below'), to('SUBLABEL_OF', label, label, 'above', true)],
  },
  masters: {
    nodes: [own(master, 'masters'), stubs(artist, 'artists'), tags(genre, 'genres'), tags(style, 'styles')],
    edges: [to('BY', master, artist, 'artists'), is(master, genre, 'genres'), is(master, style, 'styles'), partOf],
  },
  releases: {
    nodes: [
      own(release, 'releases'),
      stubs(artist, 'artists'),
      stubs(label, 'labels'),
      stubs(master, 'masters'),
      tags(genre, 'genres'),
      tags(style, 'styles'),
    ],
    edges: [
      to('BY', release, artist, 'artists'),
      to('ON', release, label, 'labels'),
      to('DERIVED_FROM', release, master, 'masters'),
      is(release, genre, 'genres'),
      is(release, style, 'styles'),
      partOf,
    ],
  },
};

export type GraphOptions = Omit<MessageOptions, 'members'>;

/** The graph model of each type. `decode` accepts exactly the bodies that the table models accept. */
export function createGraphModels(
  options: GraphOptions = {},
): Readonly<Record<RecordType, GraphModel<Later<GraphRecord>>>> {
  return {
    artists: createGraphModel('artists', options),
    labels: createGraphModel('labels', options),
    masters: createGraphModel('masters', options),
    releases: createGraphModel('releases', options),
  };
}

function createGraphModel(type: RecordType, options: GraphOptions): GraphModel<Later<GraphRecord>> {
  const read = createMessageReader(type, { ...options, members: membersOf[type] });
  const convert = toGraphRecord[type];
  return {
    name: type,
    decode(body) {
      const message = read(body);
      if (message.is !== 'record') return message;
      const { key, hash, seq, spans } = message;
      const record = (): GraphRecord => convert(key, parsed(body, spans));
      return seq === undefined ? { is: 'record', key, hash, record } : { is: 'record', key, hash, seq, record };
    },
    ...takingLater(plans[type]),
  };
}

/** The scan has proved the body: what throws here is a defect, and the sink blames this record alone for it. */
function parsed(body: Uint8Array, spans: readonly number[]): JsonObject {
  const examined = parseExcerpt(body, spans);
  if (examined.is === 'refused') throw new Error(examined.fault.reason);
  return examined.value;
}

/** The graph models with default limits. */
export const graphModels = createGraphModels();
