// @ts-check
/** The panels of the overview: is everything up, does it get on, what is refused? */
import { chosen, depth, quantile, rate } from './queries.mjs';

const settled = (/** @type {string} */ by) => rate('inator_messages_settled_total', by, 'outcome!="returned"');
const good = /** @type {const} */ ([
  ['red', null],
  ['green', 1],
]);
const bad = /** @type {const} */ ([
  ['green', null],
  ['red', 1],
]);

/** @type {readonly import('./panels.mjs').Panel[]} */
export const overview = [
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
    title: 'Age since it was published, p95',
    means:
      'Of the oldest message of a batch at its commit, time in the queue included. No data where producers stamp no timestamp.',
    unit: 's',
    queries: [
      [quantile(0.95, 'inator_message_published_age_seconds', 'service, data_type'), '{{service}} {{data_type}}'],
    ],
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
