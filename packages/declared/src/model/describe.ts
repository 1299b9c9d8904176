/** What a record becomes, in words and JSON: for a person who looks at a sample before anything is stored. */
import type { Cell, Properties } from '@inator/runtime';
import { timeText } from '../value/time.ts';
import type { Message } from './read.ts';
import type { DeclaredColumn, DeclaredKind } from './types.ts';

export type Shown = string | number | boolean | null | readonly string[];

export interface Described {
  readonly key: string;
  readonly hash: string;
  readonly version: string | null;
  /** The declared columns by name; `data` is the body as it came. */
  readonly row: { readonly table: string; readonly columns: Readonly<Record<string, Shown>> } | null;
  readonly nodes: readonly DescribedNode[];
  readonly edges: readonly DescribedEdge[];
}

export interface DescribedNode {
  readonly label: string;
  readonly key: string;
  readonly properties: Readonly<Record<string, Shown>>;
  /** False for a stub or shared node: it is only made when it is not there. */
  readonly own: boolean;
}

export interface DescribedEdge {
  readonly type: string;
  readonly from: readonly [label: string, key: string];
  readonly to: readonly [label: string, key: string];
  readonly properties: Readonly<Record<string, Shown>>;
}

export function describeRecord(kind: DeclaredKind, message: Extract<Message, { readonly is: 'record' }>): Described {
  const { key, hash, seq, cells, graph: values } = message;
  const { table, graph } = kind;
  const columns = Object.fromEntries(
    (table?.columns ?? []).map((column, i) => [column.name, cellText(column, cells[i] ?? null)]),
  );
  const nodes: DescribedNode[] = [];
  const edges: DescribedEdge[] = [];
  if (graph !== undefined && values !== undefined) {
    nodes.push({ label: graph.label, key, properties: shown(values.properties), own: true });
    for (const [i, { label }] of graph.nodes.entries()) {
      for (const row of values.nodes[i] ?? [])
        nodes.push({ label, key: row.key, properties: shown(row.properties), own: false });
    }
    for (const [i, { type, from, to }] of graph.edges.entries()) {
      const found = values.edges[i];
      for (const row of found?.from ?? [])
        nodes.push({ label: from?.label ?? '', key: row.key, properties: shown(row.properties), own: false });
      for (const row of found?.to ?? [])
        nodes.push({ label: to?.label ?? '', key: row.key, properties: shown(row.properties), own: false });
      for (const row of found?.rows ?? []) {
        edges.push({
          type,
          from: [from?.label ?? graph.label, row.from],
          to: [to?.label ?? graph.label, row.to],
          properties: shown(row.properties ?? {}),
        });
      }
    }
  }
  return {
    key,
    hash,
    version: seq ?? null,
    row: table === undefined ? null : { table: table.name, columns },
    nodes,
    edges,
  };
}

/** Exact: what would not survive a JavaScript number is text. */
function cellText({ type }: DeclaredColumn, cell: Cell): Shown {
  if (cell === null || typeof cell === 'boolean') return cell;
  if (type === 'timestamptz' && typeof cell === 'bigint') return timeText(cell);
  if (type === 'date' && typeof cell === 'number') return new Date(cell * 86_400_000).toISOString().slice(0, 10);
  if (cell instanceof Uint8Array) return Buffer.from(cell).toString('utf8');
  return String(cell);
}

function shown(properties: Properties): Readonly<Record<string, Shown>> {
  const entries = Object.entries(properties).flatMap(([name, value]): [string, Shown][] =>
    value === null ? [] : [[name, typeof value === 'bigint' ? String(value) : value]],
  );
  return Object.fromEntries(entries);
}
