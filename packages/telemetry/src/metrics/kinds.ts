/**
 * Every metric of ours. `docs/reference/metrics.md` is generated from this table, and the label sets are initialised from
 * it, so that rates and alerts work before the first event. Labels are bounded: never an id, a queue's message or a text.
 *
 * `from` says when a metric is brought up to date: `lane` from the lane's snapshot when somebody scrapes, `event` when it
 * happens, `component` from what a service registered, at the scrape.
 */

import { skipReasons } from '@inator/runtime';

/** Values of a label: these, or the lanes of the process. */
type Values = readonly string[] | 'lanes';

export interface MetricKind {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: Readonly<Record<string, Values>>;
  readonly help: string;
  readonly from: 'lane' | 'event' | 'component';
  readonly buckets?: readonly number[];
  /** Where only one of the services has it. */
  readonly only?: 'postgres' | 'neo4j';
}

export type SinkName = 'postgres' | 'neo4j';

const lane = { data_type: 'lanes' } as const;

/** The phases that each sink tells apart, besides the whole. */
export const phases = {
  postgres: ['acquire', 'stage', 'copy', 'merge', 'commit'],
  neo4j: ['acquire', 'read', 'nodes', 'edges', 'commit'],
} as const satisfies Record<SinkName, readonly string[]>;

const kibibyte = 1024;

export const metricKinds = {
  // ---- deliveries
  inator_messages_consumed_total: {
    type: 'counter',
    labels: { ...lane, redelivered: ['false', 'true'] },
    from: 'lane',
    help: 'Messages taken from the broker. A share of redelivered ones above a few per cent means lost sessions or crashes.',
  },
  inator_messages_settled_total: {
    type: 'counter',
    labels: { ...lane, outcome: ['ack', 'dead_letter', 'returned'] },
    from: 'lane',
    help: 'Messages settled: acknowledged, dead-lettered, or returned to the broker because the session was lost. Consumed less settled is what is in hand.',
  },
  inator_signals_total: {
    type: 'counter',
    labels: { ...lane, signal: ['file_complete', 'extraction_complete'] },
    from: 'event',
    help: 'Signals of the producer that were passed on to the store.',
  },
  inator_extractions_total: {
    type: 'counter',
    labels: { ...lane, outcome: ['purged', 'reported', 'skipped'] },
    from: 'event',
    help: 'Extractions that were completed with PURGE_MODE on, by what became of what they did not bring; repeated signals are not counted.',
  },
  inator_purges_skipped_total: {
    type: 'counter',
    labels: { ...lane, reason: Object.keys(skipReasons) },
    from: 'event',
    help: 'Purges that were skipped because deleting would not have been safe, by reason.',
  },
  inator_records_purged_total: {
    type: 'counter',
    labels: lane,
    from: 'event',
    help: 'Records deleted because a complete extraction did not bring them.',
  },
  // ---- records
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
  // ---- batches
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
  inator_batch_retries_total: {
    type: 'counter',
    labels: { ...lane, class: [] },
    from: 'event',
    help: 'Attempts that did not go through and will be made again, by fault code.',
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
  // ---- the state of a lane
  inator_lane_state: {
    type: 'gauge',
    labels: { ...lane, state: ['starting', 'consuming', 'holding', 'braked', 'paused', 'draining', 'stopped'] },
    from: 'lane',
    help: '1 for the state the lane is in, 0 for the others.',
  },
  inator_consumer_paused: {
    type: 'gauge',
    labels: { ...lane, cause: ['operator', 'outage', 'brake'] },
    from: 'lane',
    help: '1 when the lane does not get on: paused by an operator, holding through an outage, or braked.',
  },
  inator_buffer_records: {
    type: 'gauge',
    labels: lane,
    from: 'lane',
    help: 'Messages taken and not settled yet.',
  },
  inator_buffer_bytes: {
    type: 'gauge',
    labels: lane,
    from: 'lane',
    help: 'Bytes of the bodies taken and not settled yet.',
  },
  inator_batches_in_flight: {
    type: 'gauge',
    labels: lane,
    from: 'lane',
    help: 'Writers that have a batch on its way: waiting, writing, holding or settling.',
  },
  inator_writers: { type: 'gauge', labels: lane, from: 'lane', help: 'Writers of the lane.' },
  inator_batch_size_target: { type: 'gauge', labels: lane, from: 'lane', help: 'Records that seal a batch.' },
  inator_prefetch_count: {
    type: 'gauge',
    labels: lane,
    from: 'lane',
    help: 'Window: messages that the broker may hand out unacknowledged.',
  },
  inator_last_commit_timestamp_seconds: {
    type: 'gauge',
    labels: lane,
    from: 'lane',
    help: 'When the last batch was committed, in seconds since the epoch; 0 before the first.',
  },
  inator_run_complete_timestamp_seconds: {
    type: 'gauge',
    labels: lane,
    from: 'event',
    help: 'When the last extraction_complete was passed, in seconds since the epoch; 0 before the first.',
  },
  inator_writer_seconds_total: {
    type: 'counter',
    labels: { ...lane, state: ['idle', 'decoding', 'waiting', 'writing', 'holding', 'settling'] },
    from: 'lane',
    help: 'Where the time of the writers goes; over the states it adds up to wall time × writers.',
  },
  inator_queue_messages: {
    type: 'gauge',
    labels: lane,
    from: 'lane',
    help: 'Messages waiting in the queue, those in hand not counted; missing while the broker cannot tell.',
  },
  inator_dead_letters_waiting: {
    type: 'gauge',
    labels: lane,
    from: 'lane',
    help: 'Letters waiting in the dead-letter queue of the lane; missing while the broker cannot tell.',
  },
  // ---- servers
  inator_connection_up: {
    type: 'gauge',
    labels: { component: ['amqp', 'postgres', 'neo4j'] },
    from: 'component',
    help: '1 while the server answers: the broker by its connection, a store by what batches met and by its canary. A store is missing until it is known.',
  },
  inator_connection_blocked: {
    type: 'gauge',
    labels: { component: ['amqp'] },
    from: 'component',
    help: '1 while the broker is in alarm (memory, disk) and takes no dead letters; consuming and acking go on.',
  },
  inator_reconnects_total: {
    type: 'counter',
    labels: { component: ['amqp', 'postgres', 'neo4j'] },
    from: 'component',
    help: 'Connections made again after a loss; for a store, how often it answered again after it could not be reached.',
  },
  inator_pool_connections: {
    type: 'gauge',
    labels: { component: ['postgres', 'neo4j'], state: ['active', 'idle', 'waiting'] },
    from: 'component',
    help: 'Connections of the pool in use and idle, and writers that wait for one (which should be 0). Of Neo4j only the transactions under way (active) are known.',
  },
  // ---- the process
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

export type MetricName = keyof typeof metricKinds;

/** Most series of one process with four lanes; a test holds us to it. */
export const seriesBudget = 1_500;
