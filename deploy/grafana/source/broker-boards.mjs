// @ts-check
/** The dashboards of the queues and of the processes. */
import { chosen, depth, rate } from './queries.mjs';

/** Queues of the chosen services, dead letters left out or alone. @param {string} metric @param {'queues' | 'letters'} which */
const broker = (metric, which) =>
  which === 'letters'
    ? `${metric}{queue=~"($service)-.+[.]dlq"}`
    : `${metric}{queue=~"($service)-.+",queue!~".+[.]dlq"}`;

/** @param {string} name */
const own = (name) => `${name}{service=~"$service"}`;

/** @type {readonly import('./panels.mjs').Panel[]} */
const queues = [
  {
    type: 'timeseries',
    title: 'Messages ready',
    means: 'Waiting in the queue, as the broker counts them.',
    unit: 'short',
    queries: [[`sum by (queue) (${broker('rabbitmq_detailed_queue_messages_ready', 'queues')})`, '{{queue}}']],
    runbook: 'InatorBacklogGrowing',
  },
  {
    type: 'timeseries',
    title: 'Messages unacknowledged',
    means: 'Handed out and not settled, over all replicas; at most the window of each.',
    unit: 'short',
    queries: [[`sum by (queue) (${broker('rabbitmq_detailed_queue_messages_unacked', 'queues')})`, '{{queue}}']],
  },
  {
    type: 'timeseries',
    title: 'Consumers',
    means: 'One a replica. 0 means that messages wait for nobody.',
    unit: 'none',
    queries: [[`sum by (queue) (${broker('rabbitmq_detailed_queue_consumers', 'queues')})`, '{{queue}}']],
    runbook: 'InatorNoConsumers',
  },
  {
    type: 'timeseries',
    title: 'In hand, and the window',
    means: 'Messages taken and not settled yet. At the window, the broker hands out no more.',
    unit: 'short',
    queries: [
      [`sum by (service, data_type) (inator_buffer_records{${chosen}})`, '{{service}} {{data_type}}'],
      [`sum by (service) (inator_prefetch_count{${chosen}})`, '{{service}} windows'],
    ],
  },
  {
    type: 'timeseries',
    title: 'Share of messages redelivered',
    means: 'Delivered before and given back: sessions are lost, or a process ends without settling.',
    unit: 'percentunit',
    queries: [
      [
        `${rate('inator_messages_consumed_total', 'service, data_type', 'redelivered="true"')} / (${rate('inator_messages_consumed_total', 'service, data_type')} > 0)`,
        '{{service}} {{data_type}}',
      ],
    ],
    runbook: 'InatorRedelivery',
  },
  {
    type: 'timeseries',
    title: 'Sessions lost, and failures to open, a second',
    means: 'Sessions with the broker, and attempts to open a queue or a store.',
    unit: 'ops',
    queries: [
      [rate('inator_sessions_lost_total', 'service'), '{{service}} lost'],
      [rate('inator_open_failures_total', 'service, what'), '{{service}} {{what}} not opened'],
    ],
  },
  {
    type: 'timeseries',
    title: 'Records dead-lettered, by reason',
    means: 'Records a second by the code of the fault; docs/reference/faults.md says what each means. Empty is good.',
    unit: 'ops',
    queries: [
      [
        `${rate('inator_records_dead_lettered_total', 'service, data_type, reason')} > 0`,
        '{{service}} {{data_type}} {{reason}}',
      ],
    ],
    runbook: 'InatorDeadLettering',
  },
  {
    type: 'timeseries',
    title: 'Messages sent back from the dead letters, a second',
    means: 'Replayed by `inator dlq replay`, and taken by the services again.',
    unit: 'ops',
    queries: [[rate('inator_replayed_total', 'service, data_type'), '{{service}} {{data_type}}']],
  },
  {
    type: 'timeseries',
    title: 'Dead letters waiting',
    means: 'The depth of the dead-letter queues, as the services see it.',
    unit: 'short',
    queries: [[depth('inator_dead_letters_waiting'), '{{service}} {{data_type}}']],
    runbook: 'InatorDlqNotEmpty',
  },
  {
    type: 'timeseries',
    title: 'Dead letters waiting, as the broker counts',
    means: 'The same from the broker: it goes on when no service runs.',
    unit: 'short',
    queries: [[`sum by (queue) (${broker('rabbitmq_detailed_queue_messages_ready', 'letters')})`, '{{queue}}']],
    runbook: 'InatorDlqNotEmpty',
  },
  {
    type: 'timeseries',
    title: 'Letters tried again, and brakes, a second',
    means: 'Letters that the broker did not confirm at once, and lanes that stopped because they refused too much.',
    unit: 'ops',
    queries: [
      [rate('inator_letter_retries_total', 'service'), '{{service}} letters'],
      [rate('inator_brakes_total', 'service'), '{{service}} brakes'],
    ],
    runbook: 'InatorBraked',
  },
  {
    type: 'stat',
    title: 'Connection blocked',
    means: '1 while the broker is in alarm and takes no dead letters; consuming goes on.',
    unit: 'none',
    queries: [[`max by (service) (${own('inator_connection_blocked')})`, '{{service}}']],
    width: 12,
    colours: [
      ['green', null],
      ['red', 1],
    ],
    runbook: 'InatorBrokerBlocked',
  },
  {
    type: 'stat',
    title: 'Alarms of the broker',
    means: 'Memory and disk: 1 blocks all publishers.',
    unit: 'none',
    queries: [
      ['max(rabbitmq_alarms_memory_used_watermark)', 'memory'],
      ['max(rabbitmq_alarms_free_disk_space_watermark)', 'disk'],
    ],
    width: 12,
    colours: [
      ['green', null],
      ['red', 1],
    ],
    runbook: 'InatorBrokerAlarm',
  },
];

/** @type {readonly import('./panels.mjs').Panel[]} */
const runtime = [
  {
    type: 'stat',
    title: 'What runs',
    means: 'Replicas by version and commit.',
    unit: 'none',
    queries: [
      [`count by (service, version, revision) (${own('inator_build_info')})`, '{{service}} {{version}} {{revision}}'],
    ],
    width: 12,
  },
  {
    type: 'stat',
    title: 'Runs for',
    means: 'Time since the process started: a young one that nobody started has been restarted.',
    unit: 's',
    queries: [[`time() - ${own('process_start_time_seconds')}`, '{{service}} {{instance}}']],
    width: 12,
    runbook: 'InatorRestarting',
  },
  {
    type: 'timeseries',
    title: 'Lag of the event loop, p99',
    means: 'How late 1 turn in 100 is. Above 0.2 s heartbeats and deadlines suffer.',
    unit: 's',
    queries: [[own('nodejs_eventloop_lag_p99_seconds'), '{{service}} {{instance}}']],
    logarithmic: true,
    runbook: 'InatorEventLoopLag',
  },
  {
    type: 'timeseries',
    title: 'Processor',
    means: 'Cores in use. One core is what JavaScript can have; a little more goes to the collector and to sockets.',
    unit: 'none',
    queries: [[`rate(process_cpu_seconds_total{service=~"$service"}[$__rate_interval])`, '{{service}} {{instance}}']],
    runbook: 'InatorEventLoopLag',
  },
  {
    type: 'timeseries',
    title: 'Heap, and its limit',
    means: 'At the limit the process ends; what was in hand is delivered again.',
    unit: 'bytes',
    queries: [
      [own('nodejs_heap_size_used_bytes'), '{{service}} {{instance}}'],
      [own('inator_heap_limit_bytes'), '{{service}} {{instance}} limit'],
    ],
    runbook: 'InatorHeapHigh',
  },
  {
    type: 'timeseries',
    title: 'Memory of the process',
    means: 'Resident, bodies of messages outside the heap included. The limit of the container counts against this.',
    unit: 'bytes',
    queries: [[own('process_resident_memory_bytes'), '{{service}} {{instance}}']],
    runbook: 'InatorHeapHigh',
  },
  {
    type: 'timeseries',
    title: 'Time in the collector',
    means: 'Share of the time that collecting garbage takes, by kind.',
    unit: 'percentunit',
    queries: [
      [
        'sum by (service, kind) (rate(nodejs_gc_duration_seconds_sum{service=~"$service"}[$__rate_interval]))',
        '{{service}} {{kind}}',
      ],
    ],
  },
  {
    type: 'timeseries',
    title: 'Files and sockets open',
    means: 'A line that only climbs is a leak.',
    unit: 'none',
    queries: [[own('process_open_fds'), '{{service}} {{instance}}']],
  },
  {
    type: 'timeseries',
    title: 'Bytes in hand',
    means: 'Bodies taken and not settled; BATCH_MAX_PENDING_BYTES bounds them.',
    unit: 'bytes',
    queries: [[`sum by (service, instance) (inator_buffer_bytes{${chosen}})`, '{{service}} {{instance}}']],
  },
  {
    type: 'timeseries',
    title: 'Log lines dropped, and defects',
    means: 'Within five minutes. Both stay at 0: lines are dropped when nobody reads the log; a defect is one of ours.',
    unit: 'short',
    queries: [
      ['sum by (service) (increase(inator_log_lines_dropped_total{service=~"$service"}[5m]))', '{{service}} lines'],
      [`sum by (service) (increase(inator_defects_total{${chosen}}[5m]))`, '{{service}} defects'],
    ],
    runbook: 'InatorDefect',
  },
];

/** @type {readonly import('./panels.mjs').Board[]} */
export const brokerBoards = [
  {
    uid: 'inator-queues',
    title: 'inator: queues and dead letters',
    means: 'What waits, who consumes it, and what was refused.',
    panels: queues,
  },
  {
    uid: 'inator-runtime',
    title: 'inator: runtime',
    means: 'The processes: event loop, heap, collector, restarts.',
    panels: runtime,
  },
];
