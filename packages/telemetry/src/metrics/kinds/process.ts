/** The process itself. */
import type { MetricKind } from './kind.ts';

export const processMetrics = {
  inator_log_lines_dropped_total: {
    type: 'counter',
    labels: {},
    from: 'component',
    help: 'Lines of the log that were dropped because nobody read standard output and 16 MiB were waiting.',
  },
  inator_heap_limit_bytes: {
    type: 'gauge',
    labels: {},
    from: 'component',
    help: 'What the heap may grow to before the process ends: compare with nodejs_heap_size_used_bytes.',
  },
  inator_build_info: {
    type: 'gauge',
    labels: { version: [], revision: [], node_version: [] },
    from: 'component',
    help: 'Always 1; the labels say what runs.',
  },
} as const satisfies Readonly<Record<string, MetricKind>>;
