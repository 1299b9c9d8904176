/** A model tried on a sample: what each record would become, and why some would not. Nothing is sent anywhere. */
import { createMessageReader, type DeclaredKind, type Described, describeRecord, type Shown } from '@inator/declared';
import type { Item } from '../publish/item.ts';

export type Tried =
  | ({ readonly is: 'stored'; readonly line: number | null } & Described)
  | {
      readonly is: 'refused';
      readonly line: number | null;
      readonly code: string;
      readonly reason: string;
      readonly key: string | null;
    }
  | { readonly is: 'signal'; readonly line: number | null; readonly signal: string };

export interface TriedSummary {
  readonly type: string;
  readonly records: number;
  readonly stored: number;
  /** Distinct keys of the stored ones: so many rows. */
  readonly keys: number;
  readonly refused: number;
  /** How many were refused, by code. */
  readonly codes: Readonly<Record<string, number>>;
}

/** Calls `show` for every record. */
export async function tryModel(
  kind: DeclaredKind,
  items: AsyncIterable<Item>,
  show: (tried: Tried) => void,
): Promise<TriedSummary> {
  const read = createMessageReader(kind);
  const keys = new Set<string>();
  const codes: Record<string, number> = {};
  let records = 0;
  let stored = 0;
  let refused = 0;
  for await (const item of items) {
    const line = item.at.line ?? null;
    const tried = one(kind, read, item, line);
    show(tried);
    if (tried.is === 'signal') continue;
    records += 1;
    if (tried.is === 'stored') {
      stored += 1;
      keys.add(tried.key);
    } else {
      refused += 1;
      codes[tried.code] = (codes[tried.code] ?? 0) + 1;
    }
  }
  return { type: kind.name, records, stored, keys: keys.size, refused, codes };
}

function one(kind: DeclaredKind, read: ReturnType<typeof createMessageReader>, item: Item, line: number | null): Tried {
  if (item.is === 'refused') return { is: 'refused', line, ...item.fault, key: item.key ?? null };
  const message = read(item.body);
  switch (message.is) {
    case 'record':
      return { is: 'stored', line, ...describeRecord(kind, message) };
    case 'signal':
      return { is: 'signal', line, signal: message.signal.is };
    case 'refused':
      return { is: 'refused', line, code: message.fault.code, reason: message.fault.reason, key: message.key ?? null };
  }
}

/** Longest value shown in a line for people. */
const longestShown = 60;

function value(shown: Shown): string {
  const text = JSON.stringify(shown);
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}

function members(properties: Readonly<Record<string, Shown>>): string {
  return Object.entries(properties)
    .map(([name, shown]) => `${name}: ${value(shown)}`)
    .join(', ');
}

/** Lines for a person, the first one telling the place. */
export function triedLines(tried: Tried): readonly string[] {
  const at = tried.line === null ? 'record' : `line ${tried.line}`;
  if (tried.is === 'signal') return [`${at}: a signal, ${tried.signal}`];
  if (tried.is === 'refused')
    return [`${at}: refused${tried.key === null ? '' : `, key ${value(tried.key)}`}: ${tried.code}: ${tried.reason}`];
  const { row, nodes, edges, version } = tried;
  return [
    `${at}: stored, key ${value(tried.key)}${version === null ? '' : `, version ${version}`}`,
    ...(row === null ? [] : [`  row in ${row.table}: ${members(row.columns) || 'data alone'}`]),
    ...nodes.map(
      ({ label, key, properties, own }) =>
        `  ${own ? 'node' : 'node if missing'} ${label} ${value(key)} {${members(properties)}}`,
    ),
    ...edges.map(
      ({ type, from, to, properties }) =>
        `  edge (${from[0]} ${value(from[1])})-[${type}${Object.keys(properties).length === 0 ? '' : ` {${members(properties)}}`}]->(${to[0]} ${value(to[1])})`,
    ),
  ];
}
