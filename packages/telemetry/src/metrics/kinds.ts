/**
 * Every metric of ours. `docs/reference/metrics.md` is generated from this table, and the label sets are initialised from
 * it, so that rates and alerts work before the first event. Labels are bounded: never an id, a queue's message or a text.
 *
 * `from` says when a metric is brought up to date: `lane` from the lane's snapshot when somebody scrapes, `event` when it
 * happens, `component` from what a service registered, at the scrape.
 */

import { batchMetrics } from './kinds/batches.ts';
import { deliveryMetrics } from './kinds/deliveries.ts';
import type { MetricKind, SinkName } from './kinds/kind.ts';
import { laneMetrics } from './kinds/lane.ts';
import { processMetrics } from './kinds/process.ts';
import { recordMetrics } from './kinds/records.ts';
import { serverMetrics } from './kinds/servers.ts';

export type { MetricKind, SinkName } from './kinds/kind.ts';

/** The phases that each sink tells apart, besides the whole. */
export const phases = {
  postgres: ['acquire', 'stage', 'copy', 'merge', 'commit'],
  neo4j: ['acquire', 'read', 'nodes', 'edges', 'commit'],
} as const satisfies Record<SinkName, readonly string[]>;

export const metricKinds = {
  ...deliveryMetrics,
  ...recordMetrics,
  ...batchMetrics,
  ...laneMetrics,
  ...serverMetrics,
  ...processMetrics,
} as const satisfies Readonly<Record<string, MetricKind>>;

export type MetricName = keyof typeof metricKinds;

/** Most series of one process with four lanes; a test holds us to it. */
export const seriesBudget = 1_500;

/** Most series that each lane adds, however many there are; the same test holds us to it. */
export const seriesPerLane = 280;
