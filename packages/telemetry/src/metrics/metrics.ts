/**
 * Metrics of one process. What happens once a batch is counted when it happens; what happens once a message stands in the
 * lanes' totals and is read when somebody scrapes, so that metrics cost nothing per message.
 */
import { getHeapStatistics } from 'node:v8';
import type { Events, Fault, LaneSnapshot } from '@inator/runtime';
import { collectDefaultMetrics } from 'prom-client';
import { createDepths, type DepthOptions } from './depth.ts';
import type { SinkName } from './kinds.ts';
import { createReach, type Reach, type ReachOptions } from './reach.ts';
import { createRegistry, type MetricRegistry } from './registry.ts';

/** What metrics need of a lane. */
export interface WatchedLane {
  readonly name: string;
  snapshot(): LaneSnapshot;
  depth(): Promise<number | undefined>;
  /** Letters waiting in its dead-letter queue. */
  letters?(): Promise<number | undefined>;
}

/** What a service tells of a server it talks to; each is asked at the scrape, must answer at once and may be left out. */
export interface Component {
  /** Undefined while it is not known. */
  readonly up?: () => boolean | undefined;
  readonly blocked?: () => boolean;
  readonly reconnects?: () => number;
  readonly pool?: () => { readonly active: number; readonly idle?: number; readonly waiting?: number };
  /** A store's canary: from it and from what batches meet follow `up` and `reconnects`, where these are left out. */
  readonly check?: (signal: AbortSignal) => Promise<void>;
}

export interface Metrics {
  /** Before the lane starts, so that its series stand at 0. */
  lane(lane: WatchedLane): void;
  /** Counts what lanes tell; returns how to stop. */
  events(events: Events): () => void;
  component(name: 'amqp' | SinkName, component: Component): void;
  /** The exposition of Prometheus. Resolves within two seconds; never rejects for what a lane or component does. */
  scrape(): Promise<string>;
  readonly contentType: string;
  /** Forgets everything: what watches the process ends. */
  close(): void;
}

export interface MetricsOptions {
  readonly service: string;
  readonly version: string;
  /** Commit that the build was made of, where it is known. */
  readonly revision?: string;
  readonly sink: SinkName;
  readonly depth?: DepthOptions;
  readonly reach?: ReachOptions;
  /** Lines that the log has dropped. */
  readonly logDropped?: () => number;
}

export function createMetrics(options: MetricsOptions): Metrics {
  const { service, sink } = options;
  const metrics = createRegistry(sink);
  const { registry } = metrics;
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  const lanes: WatchedLane[] = [];
  const components: { readonly name: 'amqp' | SinkName; readonly component: Component }[] = [];
  const depths = createDepths(options.depth);
  const letters = createDepths(options.depth);
  let reach: Reach | undefined;
  metrics.set(
    'inator_build_info',
    { version: options.version, revision: options.revision ?? 'unknown', node_version: process.version },
    1,
  );
  metrics.set('inator_heap_limit_bytes', {}, getHeapStatistics().heap_size_limit);
  metrics.inc('inator_log_lines_dropped_total', {}, 0);
  const setDepth = (
    name: 'inator_queue_messages' | 'inator_dead_letters_waiting',
    lane: string,
    depth: number | undefined,
  ): void => {
    if (depth === undefined) metrics.remove(name, { data_type: lane });
    else metrics.set(name, { data_type: lane }, depth);
  };

  return {
    contentType: registry.contentType,
    lane(lane) {
      lanes.push(lane);
      depths.add(lane);
      const { name, letters: waiting } = lane;
      if (waiting !== undefined) letters.add({ name, depth: () => waiting.call(lane) });
      metrics.initialise(name);
    },
    events(events) {
      const stops = [countEvents(metrics, events), countReach(() => reach, events)];
      return () => {
        for (const stop of stops) stop();
      };
    },
    component(name, component) {
      const { check } = component;
      if (check === undefined) {
        components.push({ name, component });
        return;
      }
      const watched = createReach(check, options.reach);
      reach = watched;
      metrics.inc('inator_reconnects_total', { component: name }, 0);
      components.push({
        name,
        component: { up: () => watched.up, reconnects: () => watched.reconnects, ...component },
      });
    },
    async scrape() {
      const [known, waiting] = await Promise.all([depths.read(), letters.read(), reach?.ask()]);
      for (const lane of lanes) {
        collectLane(metrics, sink, lane.snapshot());
        setDepth('inator_queue_messages', lane.name, known.get(lane.name));
        setDepth('inator_dead_letters_waiting', lane.name, waiting.get(lane.name));
      }
      if (options.logDropped !== undefined) {
        metrics.advance('inator_log_lines_dropped_total', {}, options.logDropped());
      }
      for (const { name, component } of components) collectComponent(metrics, name, component);
      return registry.metrics();
    },
    close: () => registry.clear(),
  };
}

function countEvents(metrics: MetricRegistry, events: Events): () => void {
  const stops = [
    events.on('batch.written', (event) => {
      const { records, bytes, sealedBy, attempts, durationMs, ageMs, publishedAgeMs, receipt, refused } = event;
      const data_type = event.lane;
      const result = refused > 0 ? 'refused' : attempts > 1 ? 'retried' : 'ok';
      metrics.inc('inator_batches_total', { data_type, result, flush_reason: sealedBy });
      metrics.observe('inator_batch_duration_seconds', { data_type, phase: 'total' }, durationMs / 1_000);
      for (const [phase, ms] of Object.entries(receipt.phases)) {
        metrics.observe('inator_batch_duration_seconds', { data_type, phase }, ms / 1_000);
      }
      metrics.observe('inator_batch_records', { data_type }, records);
      metrics.observe('inator_batch_bytes', { data_type }, bytes);
      metrics.observe('inator_message_age_seconds', { data_type }, ageMs / 1_000);
      if (publishedAgeMs !== undefined) {
        metrics.observe('inator_message_published_age_seconds', { data_type }, publishedAgeMs / 1_000);
      }
      const { graph, counts, restarts = 0 } = receipt;
      if (restarts > 0) metrics.inc('inator_batch_retries_total', { data_type, class: 'store-busy' }, restarts);
      if (counts.tied !== undefined) metrics.inc('inator_version_ties_total', { data_type }, counts.tied);
      if (graph === undefined) return;
      metrics.inc('inator_graph_writes_total', { data_type, kind: 'node', op: 'created' }, graph.nodesCreated);
      metrics.inc(
        'inator_graph_writes_total',
        { data_type, kind: 'relationship', op: 'created' },
        graph.relationshipsCreated,
      );
      metrics.inc(
        'inator_graph_writes_total',
        { data_type, kind: 'relationship', op: 'deleted' },
        graph.relationshipsDeleted,
      );
    }),
    events.on('batch.held', ({ lane, fault }: { lane: string; fault: Fault }) =>
      metrics.inc('inator_batch_retries_total', { data_type: lane, class: fault.code }),
    ),
    events.on('batch.resized', ({ lane, from, to }) =>
      metrics.inc('inator_batch_resizes_total', { data_type: lane, direction: to > from ? 'up' : 'down' }),
    ),
    events.on('batch.split', ({ lane, named }) =>
      metrics.inc('inator_batch_splits_total', { data_type: lane, named: String(named) }),
    ),
    events.on('record.deadLettered', ({ lane, fault }) =>
      metrics.inc('inator_records_dead_lettered_total', { data_type: lane, reason: fault.code }),
    ),
    events.on('letter.failed', ({ lane }) => metrics.inc('inator_letter_retries_total', { data_type: lane })),
    ...(['session.lost', 'session.closed'] as const).map((end) =>
      events.on(end, ({ lane, unsettled }) =>
        metrics.inc('inator_messages_settled_total', { data_type: lane, outcome: 'returned' }, unsettled),
      ),
    ),
    events.on('open.failed', ({ lane, what }) => metrics.inc('inator_open_failures_total', { data_type: lane, what })),
    events.on('signal.marked', ({ lane, signal }) => {
      metrics.inc('inator_signals_total', { data_type: lane, signal: signal.is });
      if (signal.is === 'extraction_complete') {
        metrics.set('inator_run_complete_timestamp_seconds', { data_type: lane }, Date.now() / 1_000);
      }
    }),
    events.on('extraction.closed', ({ lane, closing: { is, why, purged, repeated } }) => {
      if (repeated) return;
      const data_type = lane;
      metrics.inc('inator_extractions_total', { data_type, outcome: is });
      if (why !== undefined) metrics.inc('inator_purges_skipped_total', { data_type, reason: why });
      metrics.inc('inator_records_purged_total', { data_type }, purged);
    }),
    events.on('brake.on', ({ lane }) => metrics.inc('inator_brakes_total', { data_type: lane })),
    events.on('defect', ({ lane }) => metrics.inc('inator_defects_total', { data_type: lane })),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** What batches meet says sooner than any canary whether the store is there. */
function countReach(reach: () => Reach | undefined, events: Events): () => void {
  const met = ({ fault }: { readonly fault: Fault }): void => {
    if (fault.code === 'store-unreachable') reach()?.lost();
  };
  const stops = [
    events.on('batch.held', met),
    events.on('open.failed', (event) => {
      if (event.what === 'sink') met(event);
    }),
    events.on('batch.released', () => reach()?.found()),
    events.on('batch.written', ({ receipt }) => {
      // A batch of nothing but refused records says nothing about the store.
      if (receipt.outcomes.some(({ is }) => is === 'stored')) reach()?.found();
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

const laneStates = ['starting', 'consuming', 'holding', 'braked', 'paused', 'draining', 'stopped'] as const;
const stoppedBy = { holding: 'outage', braked: 'brake' } as const;
const writerStates = ['idle', 'decoding', 'waiting', 'writing', 'holding', 'settling'] as const;
const onItsWay: ReadonlySet<string> = new Set(['waiting', 'writing', 'holding', 'settling']);

function collectLane(metrics: MetricRegistry, sink: SinkName, snapshot: LaneSnapshot): void {
  const data_type = snapshot.lane;
  const { totals, writers, state } = snapshot;
  metrics.advance('inator_messages_consumed_total', { data_type, redelivered: 'true' }, totals.redelivered);
  metrics.advance(
    'inator_messages_consumed_total',
    { data_type, redelivered: 'false' },
    totals.consumed - totals.redelivered,
  );
  metrics.advance('inator_replayed_total', { data_type }, totals.replayed);
  metrics.advance('inator_messages_settled_total', { data_type, outcome: 'ack' }, totals.acked);
  metrics.advance('inator_messages_settled_total', { data_type, outcome: 'dead_letter' }, totals.deadLettered);
  metrics.advance('inator_records_written_total', { data_type, sink, op: 'inserted' }, totals.created);
  for (const op of ['updated', 'unchanged', 'stale'] as const) {
    metrics.advance('inator_records_written_total', { data_type, sink, op }, totals[op]);
  }
  metrics.advance('inator_duplicates_collapsed_total', { data_type }, totals.collapsed);
  metrics.advance('inator_sessions_lost_total', { data_type }, totals.sessionsLost);
  for (const each of writerStates) {
    const ms = writers.reduce((sum, writer) => sum + writer.spentMs[each], 0);
    metrics.advance('inator_writer_seconds_total', { data_type, state: each }, ms / 1_000);
  }
  for (const each of laneStates) metrics.set('inator_lane_state', { data_type, state: each }, Number(each === state));
  // An operator's pause outlasts a hold that hides it in the state.
  metrics.set('inator_consumer_paused', { data_type, cause: 'operator' }, Number(snapshot.paused));
  for (const [each, cause] of Object.entries(stoppedBy)) {
    metrics.set('inator_consumer_paused', { data_type, cause }, Number(each === state));
  }
  metrics.set('inator_buffer_records', { data_type }, snapshot.pendingRecords);
  metrics.set('inator_buffer_bytes', { data_type }, snapshot.pendingBytes);
  metrics.set('inator_batches_in_flight', { data_type }, writers.filter((writer) => onItsWay.has(writer.state)).length);
  metrics.set('inator_writers', { data_type }, writers.length);
  metrics.set('inator_batch_size_target', { data_type }, snapshot.batchSize);
  metrics.set('inator_prefetch_count', { data_type }, snapshot.window);
  metrics.set('inator_last_commit_timestamp_seconds', { data_type }, (snapshot.lastCommitAt ?? 0) / 1_000);
}

function collectComponent(metrics: MetricRegistry, name: 'amqp' | SinkName, component: Component): void {
  const { up, blocked, reconnects, pool } = component;
  try {
    const answers = up?.();
    if (answers !== undefined) metrics.set('inator_connection_up', { component: name }, Number(answers));
    if (blocked !== undefined) metrics.set('inator_connection_blocked', { component: name }, Number(blocked()));
    if (reconnects !== undefined) metrics.advance('inator_reconnects_total', { component: name }, reconnects());
    const connections = pool?.();
    for (const state of ['active', 'idle', 'waiting'] as const) {
      const count = connections?.[state];
      if (count !== undefined) metrics.set('inator_pool_connections', { component: name, state }, count);
    }
  } catch (error) {
    process.emitWarning(`what ${name} tells for the metrics threw: ${String(error)}`);
  }
}
