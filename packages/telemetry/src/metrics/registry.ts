/** The metrics of the table as prom-client knows them, in a registry of their own. */
import { faultKinds } from '@inator/runtime';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type MetricKind, type MetricName, metricKinds, phases, type SinkName } from './kinds.ts';

type NamesOf<T extends MetricKind['type']> = {
  [N in MetricName]: (typeof metricKinds)[N]['type'] extends T ? N : never;
}[MetricName];
export type CounterName = NamesOf<'counter'>;
export type GaugeName = NamesOf<'gauge'>;
export type HistogramName = NamesOf<'histogram'>;
export type LabelsOf<N extends MetricName> = Readonly<Record<keyof (typeof metricKinds)[N]['labels'], string>>;

export interface MetricRegistry {
  inc<N extends CounterName>(name: N, labels: LabelsOf<N>, by?: number): void;
  /**
   * Brings a counter up to a total that is counted elsewhere. A counter never goes down: a total that does (a figure
   * booked under one state and moved to another) is waited for.
   */
  advance<N extends CounterName>(name: N, labels: LabelsOf<N>, total: number): void;
  set<N extends GaugeName>(name: N, labels: LabelsOf<N>, value: number): void;
  /** Takes a series away, where no value is better than an old one. */
  remove<N extends GaugeName>(name: N, labels: LabelsOf<N>): void;
  observe<N extends HistogramName>(name: N, labels: LabelsOf<N>, value: number): void;
  /** Starts every label set of a lane at 0. */
  initialise(lane: string): void;
  readonly registry: Registry;
}

/** Faults that can condemn a record, and faults that can hold a batch: the values of the labels that carry codes. */
const codes = Object.entries(faultKinds);
const condemning = codes
  .filter(([code, { blame }]) => blame === 'record' || code === 'suspect-condemned' || code === 'defect')
  .map(([code]) => code);
const holding = codes.filter(([, { blame }]) => blame === 'store' || blame === 'operator').map(([code]) => code);

const unknownAtFirst: ReadonlySet<MetricName> = new Set(['inator_queue_messages', 'inator_dead_letters_waiting']);

/** Values of a label as far as they are known before anything has happened. */
export function valuesOf(name: MetricName, label: string, sink: SinkName, lane: string): readonly string[] {
  if (name === 'inator_records_dead_lettered_total' && label === 'reason') return condemning;
  if (name === 'inator_batch_retries_total' && label === 'class') return [...holding, 'defect'];
  if (name === 'inator_batch_duration_seconds' && label === 'phase') return ['total', ...phases[sink]];
  if (label === 'sink') return [sink];
  const labels: MetricKind['labels'] = metricKinds[name].labels;
  const values = labels[label] ?? [];
  return values === 'lanes' ? [lane] : values;
}

export function createRegistry(sink: SinkName): MetricRegistry {
  const registry = new Registry();
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  const totals = new Map<string, number>();
  const kinds = Object.entries(metricKinds as Readonly<Record<MetricName, MetricKind>>)
    .filter(([, kind]) => kind.only === undefined || kind.only === sink)
    .map(([name, kind]) => [name as MetricName, kind] as const);

  for (const [name, kind] of kinds) {
    const common = { name, help: kind.help, labelNames: Object.keys(kind.labels), registers: [registry] };
    if (kind.type === 'counter') counters.set(name, new Counter(common));
    else if (kind.type === 'gauge') gauges.set(name, new Gauge(common));
    else histograms.set(name, new Histogram({ ...common, buckets: [...(kind.buckets ?? [])] }));
  }

  return {
    registry,
    inc: (name, labels, by = 1) => counters.get(name)?.inc({ ...labels }, by),
    advance(name, labels, total) {
      const id = `${name} ${Object.values(labels).join(' ')}`;
      const before = totals.get(id) ?? 0;
      if (!(total > before)) return;
      totals.set(id, total);
      counters.get(name)?.inc({ ...labels }, total - before);
    },
    set: (name, labels, value) => gauges.get(name)?.set({ ...labels }, value),
    remove: (name, labels) => gauges.get(name)?.remove({ ...labels }),
    observe: (name, labels, value) => histograms.get(name)?.observe({ ...labels }, value),
    initialise(lane) {
      for (const [name, kind] of kinds) {
        // A depth that nobody knows yet is not 0, and a server that nobody registered is not down.
        if (unknownAtFirst.has(name) || kind.from === 'component') continue;
        for (const labels of product(name, Object.keys(kind.labels), sink, lane)) {
          counters.get(name)?.inc(labels, 0);
          gauges.get(name)?.set(labels, 0);
          histograms.get(name)?.zero(labels);
        }
      }
    },
  };
}

/** Every combination of the values of these labels. */
function product(name: MetricName, labels: readonly string[], sink: SinkName, lane: string): Record<string, string>[] {
  const [first, ...rest] = labels;
  if (first === undefined) return [{}];
  const others = product(name, rest, sink, lane);
  return valuesOf(name, first, sink, lane).flatMap((value) => others.map((other) => ({ [first]: value, ...other })));
}
