/** The state of a lane. */
import { lane, type MetricKind } from './kind.ts';

export const laneMetrics = {
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
} as const satisfies Readonly<Record<string, MetricKind>>;
