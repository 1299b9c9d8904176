/** The models of a file, as the sinks take them. */
import {
  type Cell,
  defaultLimits,
  type EdgeStep,
  type Endpoint,
  examine,
  type GraphModel,
  type NodeStep,
  type TableModel,
} from '@inator/runtime';
import { createMessageReader, type ReadOptions } from './read.ts';
import type { GraphValues } from './read-graph.ts';
import type { DeclaredGraph, DeclaredKind, DeclaredModel } from './types.ts';

export interface TableRecord {
  readonly body: Uint8Array;
  readonly cells: readonly Cell[];
}

/** The table model of each kind that has a table. */
export function createTableModels(
  model: DeclaredModel,
  options: ReadOptions = {},
): ReadonlyMap<string, TableModel<TableRecord>> {
  return new Map(
    model.kinds.filter(({ table }) => table !== undefined).map((kind) => [kind.name, tableModel(kind, options)]),
  );
}

/** The graph model of each kind that has a graph. */
export function createGraphModels(
  model: DeclaredModel,
  options: ReadOptions = {},
): ReadonlyMap<string, GraphModel<GraphValues>> {
  return new Map(
    model.kinds.filter(({ graph }) => graph !== undefined).map((kind) => [kind.name, graphModel(model, kind, options)]),
  );
}

/** The properties of a graph's own nodes that other records give to their stubs. */
function namesOfStubs({ kinds }: DeclaredModel, { label, properties }: DeclaredGraph): readonly string[] {
  const graphs = kinds.flatMap(({ graph }) => (graph === undefined ? [] : [graph]));
  const nodes = graphs.flatMap(({ nodes: further, edges }) => [
    ...further,
    ...edges.flatMap(({ from, to }) => [from, to]),
  ]);
  const given = new Set(
    nodes.flatMap((node) => (node?.label === label ? node.properties.map(({ name }) => name) : [])),
  );
  return properties.map(({ name }) => name).filter((name) => given.has(name));
}

function tableModel(kind: DeclaredKind, options: ReadOptions): TableModel<TableRecord> {
  const { table } = kind;
  if (table === undefined) throw new RangeError(`kind ${kind.name} has no table`);
  const read = createMessageReader(kind, options);
  const { limits = defaultLimits } = options;
  return {
    name: kind.name,
    decode(body) {
      const message = read(body);
      if (message.is !== 'record') return message;
      const { key, hash, seq, cells } = message;
      return { is: 'record', key, hash, record: { body, cells }, ...(seq === undefined ? {} : { seq }) };
    },
    examine({ body }) {
      const examined = examine(body, limits);
      return examined.is === 'refused' ? examined.fault : undefined;
    },
    table: {
      name: table.name,
      key: 'data_id',
      hash: 'hash',
      columns: [
        { name: 'data', type: 'jsonb' },
        ...table.columns.map(({ name, type, required }) => ({ name, type, nullable: !required })),
      ],
      indexes: table.indexes,
    },
    row: ({ body, cells }) => (cells.length === 0 ? [body] : [body, ...cells]),
  };
}

function graphModel(model: DeclaredModel, kind: DeclaredKind, options: ReadOptions): GraphModel<GraphValues> {
  const { graph } = kind;
  if (graph === undefined) throw new RangeError(`kind ${kind.name} has no graph`);
  const read = createMessageReader(kind, options);
  const own: Endpoint = { label: graph.label, key: graph.as };
  const ownStep: NodeStep<GraphValues> = {
    ...own,
    primary: true,
    keptAsStub: namesOfStubs(model, graph),
    properties: graph.properties.map(({ name }) => name),
    rows: ({ key, properties }) => [{ key, properties }],
  };
  const further = graph.nodes.map(
    ({ label, as, properties }, i): NodeStep<GraphValues> => ({
      label,
      key: as,
      properties: properties.map(({ name }) => name),
      rows: ({ nodes }) => nodes[i] ?? [],
    }),
  );
  const ends = graph.edges.flatMap(({ from, to }, i): NodeStep<GraphValues>[] => [
    ...(from ? [{ label: from.label, key: from.as, rows: ({ edges }: GraphValues) => edges[i]?.from ?? [] }] : []),
    ...(to ? [{ label: to.label, key: to.as, rows: ({ edges }: GraphValues) => edges[i]?.to ?? [] }] : []),
  ]);
  const edges = graph.edges.map(
    ({ type, from, to, twoSided, properties }, i): EdgeStep<GraphValues> => ({
      type,
      from: from ? { label: from.label, key: from.as } : own,
      to: to ? { label: to.label, key: to.as } : own,
      owner: from && to ? 'shared' : from ? 'to' : 'from',
      twoSided,
      properties: properties.map(({ name }) => name),
      rows: (values) => values.edges[i]?.rows ?? [],
    }),
  );
  return {
    name: kind.name,
    decode(body) {
      const message = read(body);
      if (message.is !== 'record') return message;
      const { key, hash, seq, graph: record } = message;
      if (record === undefined) throw new RangeError(`kind ${kind.name} has no graph`);
      return { is: 'record', key, hash, record, ...(seq === undefined ? {} : { seq }) };
    },
    nodes: [ownStep, ...further, ...ends],
    edges,
  };
}
