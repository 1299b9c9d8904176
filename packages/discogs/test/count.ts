/** Counts what the graph models bring, by applying their steps to sets as a store would. */
import { type ExpectedGraph, graphModels, type RecordType, recordTypes } from '../src/index.ts';

export function countGraph(bodies: Partial<Readonly<Record<RecordType, Iterable<Uint8Array>>>>): ExpectedGraph {
  const nodes = new Set<string>();
  const edges = new Set<string>();
  for (const type of recordTypes) {
    const model = graphModels[type];
    for (const body of bodies[type] ?? []) {
      const decoded = model.decode(body, {});
      if (decoded.is !== 'record') continue;
      for (const step of model.nodes)
        for (const row of step.rows(decoded.record)) nodes.add(`${step.label} ${row.key}`);
      for (const step of model.edges) {
        for (const row of step.rows(decoded.record)) {
          const [from, to] = [`${step.from.label} ${row.from}`, `${step.to.label} ${row.to}`];
          // A relationship needs both its ends: a step that forgot a stub would lose it.
          if (!nodes.has(from) || !nodes.has(to)) throw new Error(`${step.type} ${from} ${to} lacks an end`);
          edges.add(`${step.type} ${from} ${to}`);
        }
      }
    }
  }
  return { nodes: tally(nodes), relationships: tally(edges), totalNodes: nodes.size, totalRelationships: edges.size };
}

function tally(items: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) {
    const word = item.slice(0, item.indexOf(' '));
    counts[word] = (counts[word] ?? 0) + 1;
  }
  return counts;
}
