/**
 * A small domain with everything a graph model can say: nodes of one label that name each other from both sides, stubs
 * with a property, targets with one owner, shared nodes and shared relationships.
 */
import type { Batch, EdgeStep, Endpoint, GraphModel, Keyed, PropertyValue } from '@inator/runtime';
import type { Neo4j } from '../../src/index.ts';
import { query } from './server.ts';

export interface Band {
  readonly id: string;
  readonly name: PropertyValue | null;
  readonly country: PropertyValue | null;
  readonly members: readonly string[];
  readonly groups: readonly string[];
  readonly places: readonly string[];
  readonly genres: readonly string[];
  readonly styles: readonly string[];
}

export interface Labels {
  readonly band: string;
  readonly place: string;
  readonly genre: string;
  readonly style: string;
}

export function labelsOf(suffix: string): Labels {
  return { band: `Band_${suffix}`, place: `Place_${suffix}`, genre: `Genre_${suffix}`, style: `Style_${suffix}` };
}

export const labelList = (labels: Labels): readonly string[] => Object.values(labels);

/** A label expression that these nodes, and only these, match. */
export const anyOf = (labels: Labels): string => labelList(labels).join('|');

export function bandModel(labels: Labels): GraphModel<Band> {
  const band: Endpoint = { label: labels.band, key: 'id' };
  const place: Endpoint = { label: labels.place, key: 'id' };
  const genre: Endpoint = { label: labels.genre, key: 'name' };
  const style: Endpoint = { label: labels.style, key: 'name' };
  const edges: readonly EdgeStep<Band>[] = [
    {
      type: 'MEMBER_OF',
      from: band,
      to: band,
      owner: 'to',
      twoSided: true,
      rows: ({ id, members }) => members.map((from) => ({ from, to: id })),
    },
    {
      type: 'MEMBER_OF',
      from: band,
      to: band,
      owner: 'from',
      twoSided: true,
      rows: ({ id, groups }) => groups.map((to) => ({ from: id, to })),
    },
    {
      type: 'AT',
      from: band,
      to: place,
      owner: 'from',
      rows: ({ id, places }) => places.map((to) => ({ from: id, to })),
    },
    {
      type: 'IS',
      from: band,
      to: genre,
      owner: 'from',
      rows: ({ id, genres }) => genres.map((to) => ({ from: id, to })),
    },
    {
      type: 'IS',
      from: band,
      to: style,
      owner: 'from',
      rows: ({ id, styles }) => styles.map((to) => ({ from: id, to })),
    },
    {
      type: 'PART_OF',
      from: style,
      to: genre,
      owner: 'shared',
      rows: ({ genres: [only, ...others], styles }) =>
        only === undefined || others.length > 0 ? [] : styles.map((from) => ({ from, to: only })),
    },
  ];
  return {
    name: 'bands',
    decode: () => {
      throw new Error('the sink never decodes');
    },
    nodes: [
      { ...band, primary: true, rows: ({ id, name, country }) => [{ key: id, properties: { name, country } }] },
      {
        ...band,
        rows: ({ members, groups }) =>
          [...members, ...groups].map((key) => ({ key, properties: { name: stubName(key) } })),
      },
      { ...place, rows: ({ places }) => places.map((key) => ({ key, properties: {} })) },
      { ...genre, rows: ({ genres }) => genres.map((key) => ({ key, properties: {} })) },
      { ...style, rows: ({ styles }) => styles.map((key) => ({ key, properties: {} })) },
    ],
    edges,
  };
}

export const stubName = (key: string): string => `stub of ${key}`;

export function band(id: string, more: Partial<Band> = {}): Band {
  return {
    id,
    name: `name of ${id}`,
    country: null,
    members: [],
    groups: [],
    places: [],
    genres: [],
    styles: [],
    ...more,
  };
}

export function keyed(record: Band, hash: string, seq?: bigint): Keyed<Band> {
  return { key: record.id, hash, record, seq, bytes: 100 };
}

export function batchOf(model: GraphModel<Band>, records: readonly Keyed<Band>[]): Batch<Band> {
  return { model, records, bytes: 100 * records.length, sealedBy: 'records' };
}

/** Nodes as `label key` → properties, relationships as sorted `from TYPE to`, each as often as it stands there. */
export interface Graph {
  readonly nodes: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly edges: readonly string[];
}

/** The whole graph under these labels, without stubs that nothing refers to and without the sides' marks. */
export async function graphOf(neo4j: Neo4j, labels: Labels): Promise<Graph> {
  const any = anyOf(labels);
  const nodeRows = await query(
    neo4j,
    `MATCH (n:${any}) RETURN labels(n)[0] AS label, properties(n) AS properties, COUNT { (n)--() } AS degree`,
  );
  const edgeRows = await query(
    neo4j,
    `MATCH (a:${any})-[e]->(b) RETURN coalesce(a.id, a.name) AS a, type(e) AS type, coalesce(b.id, b.name) AS b`,
  );
  const nodes = nodeRows.flatMap(({ label, properties, degree }) => {
    const all = properties as Record<string, unknown>;
    if (all.sha256 === undefined && degree === 0n) return [];
    return [[`${String(label)} ${String(all.id ?? all.name)}`, all] as const];
  });
  if (new Set(nodes.map(([name]) => name)).size !== nodes.length) throw new Error('two nodes share one key');
  return {
    nodes: Object.fromEntries(nodes.sort(([a], [b]) => (a < b ? -1 : 1))),
    edges: edgeRows.map(({ a, type, b }) => `${String(a)} ${String(type)} ${String(b)}`).sort(),
  };
}
