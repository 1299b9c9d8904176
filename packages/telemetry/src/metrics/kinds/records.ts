/** What became of records. */
import { lane, type MetricKind } from './kind.ts';

export const recordMetrics = {
  inator_records_written_total: {
    type: 'counter',
    labels: { ...lane, sink: ['postgres', 'neo4j'], op: ['inserted', 'updated', 'unchanged', 'stale'] },
    from: 'lane',
    help: 'Records by what became of them: new, changed, equal to what was there, or older than what was there.',
  },
  inator_duplicates_collapsed_total: {
    type: 'counter',
    labels: lane,
    from: 'lane',
    help: 'Records whose key came again in the same batch, so that only the last of them was written.',
  },
  inator_version_ties_total: {
    type: 'counter',
    labels: lane,
    from: 'event',
    help: 'Records whose version was the stored one although their content was not: nothing says which is the later, and the greater hash stays. Anything but 0 means a producer that numbers twice. They are among those updated or stale.',
  },
  inator_records_dead_lettered_total: {
    type: 'counter',
    labels: { ...lane, reason: [] },
    from: 'event',
    help: 'Records dead-lettered, by fault code (see faults.md).',
  },
  inator_graph_writes_total: {
    type: 'counter',
    labels: { ...lane, kind: ['node', 'relationship'], op: ['created', 'deleted'] },
    from: 'event',
    only: 'neo4j',
    help: 'What the graph database says it created and deleted.',
  },
} as const satisfies Readonly<Record<string, MetricKind>>;
