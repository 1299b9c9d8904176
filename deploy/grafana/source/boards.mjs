// @ts-check
/** The five dashboards. Panels that only show trouble may be empty; everything else has data as soon as something runs. */
import { average, chosen, depth, of, quantile, rate } from './queries.mjs';

/** @typedef {import('./panels.mjs').Panel} Panel */
/** @typedef {import('./panels.mjs').Board} Board */

const settled = (/** @type {string} */ by) => rate('inator_messages_settled_total', by, 'outcome!="returned"');
const duration = 'inator_batch_duration_seconds';
const good = /** @type {const} */ ([
  ['red', null],
  ['green', 1],
]);
const bad = /** @type {const} */ ([
  ['green', null],
  ['red', 1],
]);

/** @type {readonly Panel[]} */
const overview = [
  {
    type: 'stat',
    title: 'Replicas up',
    means: 'Processes that answer Prometheus. None at all shows as no data: the container is gone.',
    unit: 'none',
    queries: [['sum by (job) (up{job=~"$service"})', '{{job}}']],
    colours: good,
    runbook: 'InatorDown',
  },
  {
    type: 'stat',
    title: 'Servers up',
    means: 'Share of the replicas that reach the broker and their store.',
    unit: 'percentunit',
    queries: [['min by (service, component) (inator_connection_up{service=~"$service"})', '{{service}} {{component}}']],
    colours: good,
    runbook: 'InatorStoreDown',
  },
  {
    type: 'stat',
    title: 'Lanes consuming',
    means: 'Share of the lanes that get on: neither starting, holding, braked nor paused.',
    unit: 'percentunit',
    queries: [[`avg by (service) (inator_lane_state{${chosen},state="consuming"})`, '{{service}}']],
    colours: good,
    runbook: 'InatorNotReady',
  },
  {
    type: 'stat',
    title: 'Backlog',
    means: 'Messages waiting in the queues, those in hand not counted.',
    unit: 'short',
    queries: [[`sum by (service) (${depth('inator_queue_messages')})`, '{{service}}']],
    runbook: 'InatorBacklogGrowing',
  },
  {
    type: 'stat',
    title: 'Drained in',
    means: 'How long the backlog lasts at the rate of the last five minutes. No data while nothing is settled.',
    unit: 's',
    queries: [
      [
        `sum by (service) (${depth('inator_queue_messages')}) / (sum by (service) (rate(inator_messages_settled_total{${chosen},outcome!="returned"}[5m])) > 0)`,
        '{{service}}',
      ],
    ],
    runbook: 'InatorDrainTooSlow',
  },
  {
    type: 'stat',
    title: 'Dead letters waiting',
    means: 'Letters in the dead-letter queues: records that somebody should look at.',
    unit: 'short',
    queries: [[`sum by (service) (${depth('inator_dead_letters_waiting')})`, '{{service}}']],
    colours: bad,
    runbook: 'InatorDlqNotEmpty',
  },
  {
    type: 'timeseries',
    title: 'Messages settled a second',
    means:
      'Acknowledged or dead-lettered, by service and type: the rate that the whole way from queue to store achieves.',
    unit: 'ops',
    queries: [[settled('service, data_type'), '{{service}} {{data_type}}']],
    runbook: 'InatorStalled',
  },
  {
    type: 'timeseries',
    title: 'Messages waiting',
    means:
      'The depth of each queue. Replicas report the same queue, so that the largest is taken and nothing added up.',
    unit: 'short',
    queries: [[depth('inator_queue_messages'), '{{service}} {{data_type}}']],
    runbook: 'InatorBacklogGrowing',
  },
  {
    type: 'timeseries',
    title: 'Share of messages dead-lettered',
    means: 'Of what was settled. Above 1 % it is no longer a few bad records but a changed producer or schema.',
    unit: 'percentunit',
    queries: [
      [
        `${rate('inator_messages_settled_total', 'service, data_type', 'outcome="dead_letter"')} / (${settled('service, data_type')} > 0)`,
        '{{service}} {{data_type}}',
      ],
    ],
    runbook: 'InatorDeadLetteringMuch',
  },
  {
    type: 'timeseries',
    title: 'Age of the oldest record at its commit, p95',
    means: 'From arrival here to the commit, holds included; time in the queue is not in it.',
    unit: 's',
    queries: [[quantile(0.95, 'inator_message_age_seconds', 'service, data_type'), '{{service}} {{data_type}}']],
    logarithmic: true,
    runbook: 'InatorAgeHigh',
  },
  {
    type: 'timeseries',
    title: 'Since the last commit',
    means: 'Grows while nothing arrives, too: look at the backlog beside it.',
    unit: 's',
    queries: [
      [
        `time() - max by (service, data_type) (inator_last_commit_timestamp_seconds{${chosen}} > 0)`,
        '{{service}} {{data_type}}',
      ],
    ],
    runbook: 'InatorStalled',
  },
  {
    type: 'timeseries',
    title: 'Lanes that do not get on',
    means: 'By cause: an operator paused it, it holds through an outage, or it braked.',
    unit: 'none',
    queries: [[`sum by (service, cause) (inator_consumer_paused{${chosen}})`, '{{service}} {{cause}}']],
    runbook: 'InatorHolding',
  },
];

/** What both services' boards begin with. @param {string} store @returns {readonly Panel[]} */
const batches = (store) => [
  {
    type: 'timeseries',
    title: 'Records by what became of them',
    means: 'New, changed, equal to what was there, or older than what was there.',
    unit: 'ops',
    queries: [[rate('inator_records_written_total', 'op'), '{{op}}']],
    stacked: true,
  },
  {
    type: 'timeseries',
    title: 'Duration of a batch',
    means: 'From the first attempt to the commit, holds included.',
    unit: 's',
    queries: [0.5, 0.95, 0.99].map((share) => [
      quantile(share, duration, 'service', 'phase="total"'),
      `p${Math.round(share * 100)}`,
    ]),
    logarithmic: true,
    runbook: 'InatorBatchSlow',
  },
  {
    type: 'timeseries',
    title: 'Where the time of a batch goes, on average',
    means: `The phases that ${store} tells apart, one on top of the other.`,
    unit: 's',
    queries: [[average(duration, 'phase', 'phase!="total"'), '{{phase}}']],
    stacked: true,
    runbook: 'InatorBatchSlow',
  },
  {
    type: 'timeseries',
    title: 'Where the time of the writers goes',
    means:
      'Writers busy at a time, by what they do. Much waiting means too few connections; much idling, room for more load.',
    unit: 'none',
    queries: [[rate('inator_writer_seconds_total', 'state'), '{{state}}']],
    stacked: true,
  },
  {
    type: 'timeseries',
    title: 'Records in a batch, and the target',
    means: 'Batches well below the target are sealed by their age: the queue is nearly empty, or the window too small.',
    unit: 'short',
    queries: [
      [average('inator_batch_records', 'data_type'), '{{data_type}}'],
      [`max by (data_type) (inator_batch_size_target{${chosen}})`, '{{data_type}} target'],
    ],
  },
  {
    type: 'timeseries',
    title: 'What seals batches',
    means:
      'Records and bytes under load; age and idle when little comes; window when the window is smaller than a batch.',
    unit: 'ops',
    queries: [[rate('inator_batches_total', 'flush_reason'), '{{flush_reason}}']],
    stacked: true,
  },
  {
    type: 'timeseries',
    title: 'Retries a second, by class',
    means: 'Attempts that did not go through and are made again. Empty is good.',
    unit: 'ops',
    queries: [[`${rate('inator_batch_retries_total', 'class')} > 0`, '{{class}}']],
    runbook: 'InatorRetryStorm',
  },
  {
    type: 'timeseries',
    title: 'Duplicates collapsed, and batches divided, a second',
    means: 'Keys that came twice in one batch, and batches divided to find a record at fault.',
    unit: 'ops',
    queries: [
      [rate('inator_duplicates_collapsed_total', 'data_type'), '{{data_type}} collapsed'],
      [rate('inator_batch_splits_total', 'data_type'), '{{data_type}} divided'],
    ],
  },
  {
    type: 'timeseries',
    title: 'Bytes written a second',
    means: 'Bodies of the messages in the batches that were settled.',
    unit: 'Bps',
    queries: [[rate('inator_batch_bytes_sum', 'data_type'), '{{data_type}}']],
  },
  {
    type: 'timeseries',
    title: 'Changes of the batch size',
    means: 'By BATCH_ADAPTIVE, trials included; 0 where it is off.',
    unit: 'ops',
    queries: [[rate('inator_batch_resizes_total', 'direction'), '{{direction}}']],
  },
];

/** @param {string} service @param {readonly Panel[]} panels @returns {readonly Panel[]} */
const only = (service, panels) =>
  panels.map((panel) => ({ ...panel, queries: panel.queries.map(([expr, legend]) => [of(expr, service), legend]) }));

/** @type {readonly Panel[]} */
const tables = [
  ...batches('PostgreSQL'),
  {
    type: 'timeseries',
    title: 'Connections of the pool',
    means: 'In use, idle, and writers that wait for one, which should be 0.',
    unit: 'none',
    queries: [['sum by (state) (inator_pool_connections{service=~"$service",component="postgres"})', '{{state}}']],
    runbook: 'InatorPoolExhausted',
  },
  {
    type: 'timeseries',
    title: 'PostgreSQL up, and reconnects',
    means: '1 while it answers every replica, and how often it came back within five minutes.',
    unit: 'none',
    queries: [
      ['min by (component) (inator_connection_up{service=~"$service",component="postgres"})', 'up'],
      [
        'sum by (component) (increase(inator_reconnects_total{service=~"$service",component="postgres"}[5m]))',
        'reconnects',
      ],
    ],
    runbook: 'InatorStoreDown',
  },
];

/** @type {readonly Panel[]} */
const graph = [
  ...batches('Neo4j'),
  {
    type: 'timeseries',
    title: 'Nodes and relationships a second',
    means: 'What the graph says it created and deleted.',
    unit: 'ops',
    queries: [[rate('inator_graph_writes_total', 'kind, op'), '{{kind}} {{op}}']],
  },
  {
    type: 'timeseries',
    title: 'Writes of the graph for one message',
    means: 'Nodes and relationships created for one record: how far a message fans out.',
    unit: 'short',
    queries: [
      [
        `${rate('inator_graph_writes_total', 'data_type', 'op="created"')} / (${rate('inator_batch_records_sum', 'data_type')} > 0)`,
        '{{data_type}}',
      ],
    ],
  },
  {
    type: 'timeseries',
    title: 'Transactions under way',
    means: 'Of all replicas. At most the number of writers, and a few for canaries and signals.',
    unit: 'none',
    queries: [['sum by (state) (inator_pool_connections{service=~"$service",component="neo4j"})', '{{state}}']],
  },
  {
    type: 'timeseries',
    title: 'Neo4j up, and reconnects',
    means: '1 while it answers every replica, and how often it came back within five minutes.',
    unit: 'none',
    queries: [
      ['min by (component) (inator_connection_up{service=~"$service",component="neo4j"})', 'up'],
      [
        'sum by (component) (increase(inator_reconnects_total{service=~"$service",component="neo4j"}[5m]))',
        'reconnects',
      ],
    ],
    runbook: 'InatorStoreDown',
  },
];

/** @type {readonly Board[]} */
export const serviceBoards = [
  {
    uid: 'inator-overview',
    title: 'inator: overview',
    means: 'Is everything up, does it get on, what is refused?',
    panels: overview,
  },
  {
    uid: 'inator-tableinator',
    title: 'inator: tableinator',
    means: 'Where the time of the batches for PostgreSQL goes.',
    panels: only('tableinator', tables),
  },
  {
    uid: 'inator-graphinator',
    title: 'inator: graphinator',
    means: 'Where the time of the batches for Neo4j goes.',
    panels: only('graphinator', graph),
  },
];
