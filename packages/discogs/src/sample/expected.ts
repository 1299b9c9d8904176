/**
 * What the graph must hold after given bodies: an independent reference to count against. It shares no code with the
 * graph models on purpose; it reads plain JSON and keeps sets.
 */
import { type RecordType, recordTypes } from '../types.ts';

export interface ExpectedGraph {
  /** Nodes by label, stubs included. */
  readonly nodes: Readonly<Record<string, number>>;
  /** Relationships by type. */
  readonly relationships: Readonly<Record<string, number>>;
  readonly totalNodes: number;
  readonly totalRelationships: number;
}

export interface ExpectedGraphCounter {
  /** Takes the next body of a type; of one key, the last taken is the version that stands. Signals are passed over. */
  add(type: RecordType, body: Uint8Array): void;
  counts(): ExpectedGraph;
}

/**
 * The exact counts after `bodies`, all accepted by the models. Where one key comes with several versions, nodes that only
 * an earlier version named are counted, as if each version had been written before the next came.
 */
export function expectedGraph(bodies: Partial<Readonly<Record<RecordType, Iterable<Uint8Array>>>>): ExpectedGraph {
  const counter = createExpectedGraph();
  for (const type of recordTypes) for (const body of bodies[type] ?? []) counter.add(type, body);
  return counter.counts();
}

/** The same for bodies that come one by one. */
export function createExpectedGraph(): ExpectedGraphCounter {
  const nodes = new Set<string>();
  /** Which records assert a relationship. Shared ones are asserted by nobody who could take it back. */
  const edges = new Map<string, Set<string>>();
  const asserted = new Map<string, string[]>();

  const assert = (by: string, type: string, from: string, to: string): void => {
    if (from === to) return;
    nodes.add(from).add(to);
    const edge = `${type}\n${from}\n${to}`;
    const owners = edges.get(edge) ?? new Set();
    edges.set(edge, owners.add(by));
    asserted.get(by)?.push(edge);
  };

  return {
    add(type, body) {
      const record = JSON.parse(Buffer.from(body).toString()) as Record<string, unknown>;
      if (record.type !== undefined && record.type !== null && record.type !== 'data') return;
      const label = { artists: 'Artist', labels: 'Label', masters: 'Master', releases: 'Release' }[type];
      const self = `${label}\t${String(record.id)}`;
      nodes.add(self);
      for (const edge of asserted.get(self) ?? []) {
        edges.get(edge)?.delete(self);
        if (edges.get(edge)?.size === 0) edges.delete(edge);
      }
      asserted.set(self, []);
      const all = (target: string, value: unknown): string[] => idsIn(value).map((id) => `${target}\t${id}`);
      if (type === 'artists') {
        for (const one of all('Artist', record.members)) assert(self, 'MEMBER_OF', one, self);
        for (const one of all('Artist', record.groups)) assert(self, 'MEMBER_OF', self, one);
        for (const one of all('Artist', record.aliases)) assert(self, 'ALIAS_OF', self, one);
      } else if (type === 'labels') {
        for (const one of all('Label', record.sublabels)) assert(self, 'SUBLABEL_OF', one, self);
        for (const one of all('Label', record.parentLabel)) assert(self, 'SUBLABEL_OF', self, one);
      } else {
        for (const one of all('Artist', record.artists)) assert(self, 'BY', self, one);
        const found = [...new Set(textsIn(record.genres))];
        const styles = textsIn(record.styles);
        for (const genre of found) assert(self, 'IS', self, `Genre\t${genre}`);
        for (const style of styles) assert(self, 'IS', self, `Style\t${style}`);
        if (found.length === 1)
          for (const style of styles) assert('', 'PART_OF', `Style\t${style}`, `Genre\t${found[0]}`);
      }
      if (type === 'releases') {
        for (const one of all('Label', record.labels)) assert(self, 'ON', self, one);
        for (const id of textsIn(record.master_id)) if (id !== '0') assert(self, 'DERIVED_FROM', self, `Master\t${id}`);
      }
    },
    counts() {
      const byLabel = tally(nodes, '\t');
      const byType = tally(edges.keys(), '\n');
      return {
        nodes: byLabel,
        relationships: byType,
        totalNodes: nodes.size,
        totalRelationships: edges.size,
      };
    },
  };
}

/** The ids of every object in a value, however wrapped. */
function idsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(idsIn);
  if (typeof value !== 'object' || value === null) return [];
  const id = 'id' in value ? value.id : undefined;
  if (id === undefined || Array.isArray(id)) return Object.values(value).flatMap(idsIn);
  return id === null || id === '' || String(id) === '0' ? [] : [String(id)];
}

/** Every text in a value, however wrapped. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return value.trim() === '' ? [] : [value];
  if (typeof value === 'number') return [String(value)];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

/** How many of `items` begin with each word that ends at `end`. */
function tally(items: Iterable<string>, end: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) {
    const word = item.slice(0, item.indexOf(end));
    counts[word] = (counts[word] ?? 0) + 1;
  }
  return counts;
}
