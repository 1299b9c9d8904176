// @ts-check
/** The dashboards of the services. Panels that only show trouble may be empty; all others have data once something runs. */
import { overview } from './overview.mjs';
import { average, chosen, of, quantile, rate } from './queries.mjs';

/** @typedef {import('./panels.mjs').Panel} Panel */
/** @typedef {import('./panels.mjs').Board} Board */

const duration = 'inator_batch_duration_seconds';

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
    means: 'Attempts that did not go through and are made again. Nothing above zero is good.',
    unit: 'ops',
    queries: [[rate('inator_batch_retries_total', 'class'), '{{class}}']],
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
    title: 'Stale versions, and versions that tie, a second',
    means:
      'Records older than what is stored, which are left out; and records of the stored version with another content, where no version decides: a producer that numbers twice.',
    unit: 'ops',
    queries: [
      [rate('inator_records_written_total', 'data_type', 'op="stale"'), '{{data_type}} stale'],
      [rate('inator_version_ties_total', 'data_type'), '{{data_type}} tied'],
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
