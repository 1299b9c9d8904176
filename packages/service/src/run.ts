/**
 * The life of a service, the same for both: read the configuration, build the lanes, serve health and metrics, consume,
 * and on SIGTERM or SIGINT drain within the deadline. A service decides only what its sinks are: `wire`.
 *
 * Exit codes: 0 stopped, drained or not (what is left goes back to the broker, unharmed) · 1 a defect ended it · 2 the
 * configuration is wrong · 130 a second signal ended it at once.
 */
import { readFileSync } from 'node:fs';
import {
  describe,
  type Environment,
  faultReport,
  type Groups,
  readConfig,
  type ServiceConfig,
  type ServiceSpec,
} from '@inator/config';
import { type Broker, createBroker, createQueueSource, letterQueue } from '@inator/rabbitmq';
import { createBudget, createLane, createTurns, Events, type Lane, type Model, type Sink } from '@inator/runtime';
import {
  AdminError,
  createAdminServer,
  createHealth,
  createLive,
  createLog,
  createMetrics,
  createRedact,
  type Log,
  logEvents,
  standardRoutes,
} from '@inator/telemetry';
import { createTracing, type Tracing } from '@inator/tracing';
import { keepConnected } from './connected.ts';
import { brokerSettings, laneSettings, queueSpec } from './settings.ts';
import { stopOnSignal } from './stop.ts';

/** What a service makes of its configuration: the store behind its lanes. */
export interface Store {
  /** The canary, for readiness. */
  check(signal: AbortSignal): Promise<void>;
  readonly advice: string;
  /** Connections to the store, for the metrics. */
  pool?(): { readonly active: number; readonly idle?: number; readonly waiting?: number };
  /** What deserves a look, asked once the store answers: sentences with numbers. */
  warnings?(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface Kit<C> {
  readonly config: C;
  readonly log: Log;
  /** Builds the lane of one type of records. */
  lane<R>(type: string, model: Model<R>, sink: Sink<R>): void;
}

export interface ServiceParts<G extends Groups, C extends ServiceConfig> {
  readonly spec: ServiceSpec<G, C>;
  wire(kit: Kit<C>): Store;
  /** Commit of the build, where it is known. */
  readonly revision: string | undefined;
}

/** The version stands in the package that runs. */
export function versionOf(moduleUrl: string): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', moduleUrl), 'utf8')) as { version: string };
  return version;
}

/** The commit that a build was made of stands there too, as `gitHead`, when whoever built it said so. */
export function revisionOf(moduleUrl: string): string | undefined {
  const { gitHead } = JSON.parse(readFileSync(new URL('../package.json', moduleUrl), 'utf8')) as { gitHead?: unknown };
  return typeof gitHead === 'string' && gitHead !== '' ? gitHead : undefined;
}

/** Runs until it is told to stop; then sets the exit code and ends the process. */
export async function runService<G extends Groups, C extends ServiceConfig>(
  parts: ServiceParts<G, C>,
  version: string,
  env: Environment = process.env,
): Promise<void> {
  const read = readConfig(parts.spec, env);
  if ('faults' in read) {
    process.stderr.write(`${faultReport(parts.spec.service, read.faults)}\n`);
    process.exitCode = 2;
    return;
  }
  const config = read.ok;
  const { name, instance } = config.service;
  const redact = createRedact(config.secrets);
  const log = createLog({
    service: name,
    version,
    instance,
    level: config.log.level,
    format: config.log.format,
    redact,
  });
  log.write('config.loaded', {
    settings: describe(config),
  });
  for (const warning of read.warnings) log.write('config.warning', { variable: warning.name, reason: warning.reason });

  const events = new Events();
  const stopLogging = logEvents(log, events, { batchLines: config.log.batchLines });
  const health = createHealth({ redact });
  const broker = createBroker(brokerSettings(config, 'consume'));
  const letters = createBroker(brokerSettings(config, 'letters'), {
    onBlocked: (reason) => log.write('amqp.blocked', { reason }),
    onUnblocked: () => log.write('amqp.unblocked', {}),
  });
  const live = createLive({ service: name, version, instance, health, redact });
  live.events(events);
  const budget = createBudget(config.batch.maxPendingBytes);
  const turns = createTurns(config.service.dataTypes.length, events);
  const lanes: Lane[] = [];
  const sink = name === 'tableinator' ? 'postgres' : 'neo4j';
  const metrics = createMetrics({
    service: name,
    version,
    sink,
    logDropped: () => log.dropped,
    ...(parts.revision === undefined ? {} : { revision: parts.revision }),
  });
  metrics.events(events);
  const tracing = createTracing({ version, store: sink === 'postgres' ? 'postgresql' : 'neo4j', redact });
  tracing.events(events);
  const store = parts.wire({
    config,
    log,
    lane(type, model, sink) {
      const queue = queueSpec(config, type);
      const built = createLane({
        name: type,
        queue: queue.queue,
        model,
        sink: tracing.sink(type, sink),
        around: tracing.around,
        source: createQueueSource({ broker, letters, queue, service: name, version }),
        settings: laneSettings(config),
        budget,
        lanes: config.service.dataTypes.length,
        turn: turns.lane(),
        events,
      });
      lanes.push(built);
      const waiting = queue.deadLetterQueue;
      const watched = { name: type, snapshot: () => built.snapshot(), depth: () => built.depth() };
      const lettersWaiting = (): Promise<number | undefined> => lettersIn(broker, waiting);
      live.lane({ ...watched, letters: { queue: waiting, depth: lettersWaiting } });
      metrics.lane({ ...watched, letters: lettersWaiting });
    },
  });

  metrics.component('amqp', {
    up: () => broker.status().state === 'up',
    blocked: () => letters.status().blocked !== undefined,
    reconnects: () => broker.status().reconnects + letters.status().reconnects,
  });
  metrics.component(sink, {
    check: (signal) => store.check(signal),
    ...(store.pool === undefined ? {} : { pool: store.pool }),
  });
  for (const lane of lanes) health.lane(lane);
  health.probe({
    name: 'broker',
    advice: 'Check RABBITMQ_URL and that the broker runs; consuming resumes by itself.',
    async check() {
      const status = broker.status();
      if (status.state !== 'up') throw new Error(status.fault?.reason ?? `the connection is ${status.state}`);
    },
  });
  health.probe({ name: 'store', advice: store.advice, check: (signal) => store.check(signal) });

  const admin = createAdminServer({
    ...config.health,
    redact,
    audit: ({ what, remote, status }) =>
      log.write(status === 401 || status === 403 ? 'admin.refused' : 'admin.action', { what, remote, status }),
    routes: standardRoutes({
      service: name,
      version,
      revision: parts.revision,
      instance,
      health,
      metrics,
      live,
      lanes: () => lanes,
    }),
    failed: (path, error) =>
      log.write('admin.failed', { path, error: error instanceof Error ? error.name : typeof error }),
  });
  const lastLines = (): void => {
    stopLogging();
    log.flush();
  };
  const ending = new AbortController();
  const stopped = stopOnSignal({ log, config, lastLines }, async (deadline) => {
    health.markStopping();
    ending.abort();
    const left = await Promise.all(lanes.map((lane) => lane.stop(deadline)));
    await Promise.all([broker.close(), letters.close(), store.close()]);
    live.close();
    await admin.close();
    metrics.close();
    await tracing.flush();
    stopLogging();
    return left.reduce((sum, each) => sum + each, 0);
  });

  try {
    log.write('admin.listening', await admin.listen());
  } catch (error) {
    if (!(error instanceof AdminError)) throw error;
    log.write('config.faulty', {
      variable: error.variable,
      reason: error.message,
      allowed: 'a free address of this machine; HEALTH_PORT 0 takes any port',
    });
    log.flush();
    process.exit(2);
  }
  log.write('service.started', {
    data_types: config.service.dataTypes.join(','),
    window: config.batch.window,
    batch_size: config.batch.batchSize,
    writers: config.batch.writers,
    node: process.version,
    pid: process.pid,
  });
  tellOfTracing(tracing, log);
  void keepConnected(broker, ending.signal);
  for (const lane of lanes) lane.start();
  health.markStarted();
  void warnOnceReachable(store, log);
  await stopped;
}

/** Whoever loads an SDK wants to know that it is seen. */
function tellOfTracing({ state }: Tracing, log: Log): void {
  if (state.is === 'on') log.write('tracing.on', {});
  if (state.is === 'unseen') log.write('tracing.unseen', { api: state.api });
}

/** Letters waiting in a dead-letter queue. Asking must not bring up a connection that nobody consumes on. */
async function lettersIn(broker: Broker, queue: string): Promise<number | undefined> {
  if (broker.status().state !== 'up') return undefined;
  return (await letterQueue(broker, queue))?.depth;
}

/** Asks the store for what deserves a look, once, when it first answers. */
async function warnOnceReachable(store: Store, log: Log): Promise<void> {
  if (store.warnings === undefined) return;
  for (;;) {
    try {
      for (const reason of await store.warnings()) log.write('store.warning', { reason });
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5_000).unref());
    }
  }
}
