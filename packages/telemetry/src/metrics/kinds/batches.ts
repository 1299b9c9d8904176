/** Batches, and what went wrong with them. */
import { lane, type MetricKind } from './kind.ts';

const kibibyte = 1024;

export const batchMetrics = {
  inator_batches_total: {
    type: 'counter',
    labels: {
      ...lane,
      result: ['ok', 'retried', 'refused'],
      flush_reason: ['records', 'bytes', 'age', 'idle', 'window', 'signal', 'drain'],
    },
    from: 'event',
    help: 'Batches settled: at the first attempt, after retries, or with some records refused; by what sealed them.',
  },
  inator_batch_duration_seconds: {
    type: 'histogram',
    labels: { ...lane, phase: [] },
    from: 'event',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    help: 'Time of a batch from the first attempt to the commit (phase total, holds included), and of its phases.',
  },
  inator_batch_records: {
    type: 'histogram',
    labels: lane,
    from: 'event',
    buckets: [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000],
    help: 'Records in a batch.',
  },
  inator_batch_bytes: {
    type: 'histogram',
    labels: lane,
    from: 'event',
    buckets: Array.from({ length: 10 }, (_, index) => kibibyte * 4 ** index),
    help: 'Bytes of the bodies in a batch.',
  },
  inator_message_age_seconds: {
    type: 'histogram',
    labels: lane,
    from: 'event',
    buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400],
    help: 'Age of the oldest record of a batch at its commit, counted from its arrival here; time in the queue is not in it.',
  },
  inator_message_published_age_seconds: {
    type: 'histogram',
    labels: lane,
    from: 'event',
    buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400],
    help: "Age of the oldest message of a batch at its commit by the producers' timestamps (the property of AMQP, in whole seconds), time in the queue included; batches without a timestamp are not counted.",
  },
  inator_batch_retries_total: {
    type: 'counter',
    labels: { ...lane, class: [] },
    from: 'event',
    help: 'Attempts that did not go through and are made again, by fault code; store-busy are deadlocks and other writers in the way.',
  },
  inator_batch_splits_total: {
    type: 'counter',
    labels: { ...lane, named: ['true', 'false'] },
    from: 'event',
    help: 'Batches divided to find a record at fault; named when the store said which it is.',
  },
  inator_batch_resizes_total: {
    type: 'counter',
    labels: { ...lane, direction: ['up', 'down'] },
    from: 'event',
    help: 'Changes of the batch size by BATCH_ADAPTIVE, trials included; inator_batch_size_target is where it stands.',
  },
  inator_letter_retries_total: {
    type: 'counter',
    labels: lane,
    from: 'event',
    help: 'Dead letters that the broker did not confirm at once.',
  },
  inator_brakes_total: {
    type: 'counter',
    labels: lane,
    from: 'event',
    help: 'How often the lane refused too much and stopped.',
  },
  inator_defects_total: {
    type: 'counter',
    labels: lane,
    from: 'event',
    help: 'Things that cannot happen and did. Anything but 0 is a defect to report.',
  },
  inator_open_failures_total: {
    type: 'counter',
    labels: { ...lane, what: ['source', 'sink'] },
    from: 'event',
    help: 'Attempts to open the queue (source) or the store (sink) that failed.',
  },
  inator_sessions_lost_total: {
    type: 'counter',
    labels: lane,
    from: 'lane',
    help: 'Sessions with the broker that were lost and set up again.',
  },
} as const satisfies Readonly<Record<string, MetricKind>>;
