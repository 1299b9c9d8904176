/**
 * What a message of a declared kind is: a record with everything the model asks of it, a signal, or refused.
 *
 * Both services read alike, table and graph, so that they refuse the same records: a row without its node, or a node
 * without its row, is worse than a letter. A record is what has a key; a body without one may be a signal.
 */
import {
  type Cell,
  createEnvelopeReader,
  defaultLimits,
  type EnvelopeValue,
  type Fault,
  fault,
  integerText,
  isSignalKind,
  type Limits,
  longestInteger,
  parseScanned,
  type Signal,
  signalOf,
} from '@inator/runtime';
import { type Path, parsePath } from '../path/path.ts';
import { createPicker, type Found, textOf } from '../path/picker.ts';
import { relativeTo, valueAt } from '../path/walk.ts';
import { convertTo } from '../value/convert.ts';
import { Wrong } from '../value/wrong.ts';
import { createGraphReader, type GraphValues } from './read-graph.ts';
import { hashOf, keyOf, type Scalar, versionOf } from './read-key.ts';
import type { DeclaredColumn, DeclaredGraph, DeclaredKind } from './types.ts';

export interface ReadOptions {
  readonly limits?: Limits | undefined;
  /** Top-level member that holds the version of kinds that declare none. */
  readonly seqField?: string | undefined;
}

export type Message =
  | {
      readonly is: 'record';
      readonly key: string;
      readonly hash: string;
      readonly seq?: string;
      /** The declared columns, in their order. */
      readonly cells: readonly Cell[];
      readonly graph: GraphValues | undefined;
    }
  | { readonly is: 'signal'; readonly signal: Signal }
  | { readonly is: 'refused'; readonly fault: Fault; readonly key?: string };

/** Pure and total. */
export type ReadMessage = (body: Uint8Array) => Message;

export function createMessageReader(kind: DeclaredKind, options: ReadOptions = {}): ReadMessage {
  const { limits = defaultLimits } = options;
  const version = kind.version ?? memberPath(options.seqField);
  const heads = [...kind.key, ...(version ? [version] : []), ...(kind.hash ? [kind.hash] : [])];
  const columns = kind.table?.columns ?? [];
  const isFlat = heads.every(({ steps }) => steps.length === 1);
  const readSignal = createSignalReader(kind.name, limits);
  const keyNames = kind.key.map(({ text }) => text);
  const hashName = kind.hash?.text ?? '';

  /** Of the values of `heads`. */
  const headOf = (values: readonly Scalar[], body: Uint8Array): Head | Message => {
    const key = keyOf(values.slice(0, kind.key.length), keyNames);
    if (key === undefined) return readSignal(body) ?? refuse('key-missing', missing(keyNames));
    if (key instanceof Wrong) return refuse(key.code, key.says);
    const hash = kind.hash === undefined ? hashOf(undefined, '', body) : hashOf(values.at(-1), hashName, body);
    if (hash instanceof Wrong) return refuse(hash.code, hash.says, key);
    const seq = version === undefined ? undefined : versionOf(values[kind.key.length]);
    return seq === undefined ? { key, hash } : { key, hash, seq };
  };

  if (isFlat && columns.length === 0 && kind.graph === undefined) return createFlatReader(limits, heads, headOf);

  const picker = createPicker([...heads, ...columns.map(({ path }) => path), ...pathsOfGraph(kind.graph)]);
  const passes = createEnvelopeReader(limits, []);
  const routes = heads.map((path) => relativeTo(picker.route(path), 0));
  const cellReaders = columns.map((column) => ({
    column,
    route: relativeTo(picker.route(column.path), 0),
    convert: convertTo(column.type, column.time),
  }));
  const readGraph = kind.graph && createGraphReader(kind.graph, picker, scalarOf);

  const cellsOf = (body: Uint8Array, root: Found): readonly Cell[] | Wrong => {
    const cells: Cell[] = new Array(cellReaders.length);
    for (let i = 0; i < cellReaders.length; i += 1) {
      const { column, route, convert } = cellReaders[i] as (typeof cellReaders)[number];
      const found = valueAt(root, [], route);
      if (found instanceof Wrong) return inColumn(column, found);
      const cell = found === undefined ? null : convert(body, found);
      if (cell instanceof Wrong) return inColumn(column, cell);
      if (cell === null && column.required)
        return inColumn(column, new Wrong('value-refused', 'there is no value, and it is required'));
      cells[i] = cell;
    }
    return cells;
  };

  return (body) => {
    const passed = passes(body);
    if (passed.is === 'refused') return passed;
    const root = picker.pick(body);
    const head = headOf(
      routes.map((route) => scalarOf(body, valueAt(root, [], route))),
      body,
    );
    if ('is' in head) return head;
    const cells = cellsOf(body, root);
    if (cells instanceof Wrong) return refuse(cells.code, cells.says, head.key);
    const graph = readGraph?.(body, root, head.key);
    if (graph instanceof Wrong) return refuse(graph.code, graph.says, head.key);
    return { is: 'record', ...head, cells, graph };
  };
}

interface Head {
  readonly key: string;
  readonly hash: string;
  readonly seq?: string;
}

/** Nothing but key, version and hash, all at the top: the pass that proves the body finds them on its way. */
function createFlatReader(
  limits: Limits,
  heads: readonly Path[],
  headOf: (values: readonly Scalar[], body: Uint8Array) => Head | Message,
): ReadMessage {
  const names = heads.map(({ steps: [step] }) => (step?.is === 'member' ? step.name : ''));
  const read = createEnvelopeReader<string>(limits, names);
  const cells: readonly Cell[] = [];
  return (body) => {
    const reading = read(body);
    if (reading.is === 'refused') return reading;
    const head = headOf(
      names.map((name) => reading.values[name]),
      body,
    );
    return 'is' in head ? head : { is: 'record', ...head, cells, graph: undefined };
  };
}

function createSignalReader(lane: string, limits: Limits): (body: Uint8Array) => Message | undefined {
  const read = createEnvelopeReader(limits, ['type']);
  return (body) => {
    const reading = read(body);
    if (reading.is === 'refused' || !isSignalKind(reading.values.type?.text)) return undefined;
    const parsed = parseScanned(body);
    const signal = parsed.is === 'ok' ? signalOf(parsed.value, lane) : undefined;
    return signal === undefined ? undefined : { is: 'signal', signal };
  };
}

function scalarOf(body: Uint8Array, found: Found | undefined | Wrong): Scalar {
  if (found === undefined || found instanceof Wrong) return found;
  const { kind } = found;
  const text = kind === 'string' ? textOf(body, found) : undefined;
  const integer = kind === 'number' ? integerText(body, found.start, found.end, longestInteger) : undefined;
  return { kind, text, integer } satisfies EnvelopeValue;
}

function refuse(code: Fault['code'], reason: string, key?: string): Message {
  const refusal = { is: 'refused', fault: fault(code, 'validate', reason, { proven: true }) } as const;
  return key === undefined ? refusal : { ...refusal, key };
}

function missing(names: readonly string[]): string {
  return names.length === 1 ? `the record has no ${names[0]}` : `the record has not all of ${names.join(', ')}`;
}

function inColumn({ name, path }: DeclaredColumn, { code, says }: Wrong): Wrong {
  return new Wrong(code, `column ${name} (${path.text}): ${says}`);
}

function memberPath(name: string | undefined): Path | undefined {
  if (name === undefined) return undefined;
  const parsed = parsePath(JSON.stringify([name]));
  return 'path' in parsed ? parsed.path : undefined;
}

function pathsOfGraph(graph: DeclaredGraph | undefined): readonly Path[] {
  if (graph === undefined) return [];
  const nodes = [
    ...graph.nodes,
    ...graph.edges.flatMap(({ from, to }) => [from, to].filter((node) => node !== undefined)),
  ];
  const properties = [graph, ...nodes, ...graph.edges].flatMap((one) => one.properties);
  return [...nodes.flatMap(({ key }) => key), ...properties.map(({ path }) => path)];
}
