/** The whole of `start`: servers, services, sample, counts. Whatever was started is stopped again, in reverse order. */
import { join } from 'node:path';
import { recordTypes } from '@inator/discogs';
import { type Broker, createBroker, queueNames } from '@inator/rabbitmq';
import { delay } from '@inator/runtime';
import { type ResolvedServers, serverKinds, stackDown, stackUp } from '@inator/stack';
import { count, counted, type Io, say } from '../io.ts';
import { showProgress } from '../publish/progress.ts';
import { openOutlets } from '../servers/outlets.ts';
import { brokerTarget } from '../servers/settings.ts';
import { openGraph, openTables } from '../servers/stores.ts';
import { countStores, type Drained, differences, type Held, untilDrained } from './drain.ts';
import { addressTable, countsTable, resultOf, type StartResult } from './report.ts';
import { expectSample, publishSample } from './sample.ts';
import { choosePort, type RunningService, type ServiceName, startService } from './services.ts';

export interface StartOptions {
  /** Records of each type. */
  readonly perType: number;
  /** Folder of the stack and of the services' logs. */
  readonly dir: string;
  readonly signal: AbortSignal;
  /** Receives tables meant for a person; stdout, or stderr when stdout belongs to JSON. */
  show(text: string): void;
}

export interface Started {
  readonly result: StartResult;
  /** What differs from what the sample makes, a sentence each. */
  readonly differences: readonly string[];
  /** Rejects when a service ends by itself; never resolves. */
  readonly died: Promise<never>;
}

const serviceNames: readonly ServiceName[] = ['tableinator', 'graphinator'];
/** The queues are empty before the last commit is counted: so long may stores differ before it is believed. */
const settleMs = 15_000;
const askMs = 5_000;

/** What was started, in order; each step stops one thing. */
type Undo = (() => Promise<unknown>)[];

/** Runs `work` on what was started, and stops all of it afterwards, however it ends. Undefined: it was interrupted. */
export async function withStarted<T>(
  io: Io,
  options: StartOptions,
  work: (started: Started | undefined) => Promise<T>,
): Promise<T> {
  const undo: Undo = [];
  try {
    return await work(await bringUp(io, options, undo));
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

async function bringUp(io: Io, options: StartOptions, undo: Undo): Promise<Started | undefined> {
  const { signal, dir, perType } = options;
  const servers = await stackUp({ env: io.env, want: serverKinds, dir, report: (line) => say(io, line) });
  undo.push(() => stopServers(io, servers, dir));
  if (signal.aborted) return undefined;

  const env = { ...io.env, ...servers.env };
  const services: RunningService[] = [];
  let moved = false;
  undo.push(() => stopServices(io, services));
  for (const name of serviceNames) {
    const port = await choosePort(name, (taken) => {
      moved = true;
      say(io, `${name}: port ${taken} is taken, using a free one`);
    });
    services.push(startService({ name, env, port, logs: join(dir, 'log') }));
  }
  const expecting = expectSample(perType);
  await Promise.all(services.map((service) => service.ready(signal)));
  const expected = await expecting;
  if (signal.aborted) return undefined;
  for (const { name, url, log } of services) say(io, `${name}: ready at ${url}, log in ${log}`);
  if (moved) say(io, `for other commands: export INATOR_URLS=${services.map(({ url }) => url).join(',')}`);

  const begun = performance.now();
  const drained = await publishAndDrain(io, options, env, services);
  if (drained === undefined) return undefined;
  const milliseconds = performance.now() - begun;
  const { held, differing } = await compare(env, (found) => differences(expected, found), signal);
  const records = perType * recordTypes.length;
  const agrees = differing.length === 0;
  const result = resultOf(held, { records, deadLettered: drained.deadLettered, milliseconds, agrees });
  options.show(`${countsTable(held)}\n\n${addressTable(servers, services)}\n`);
  const { seconds, recordsPerSecond } = result;
  say(io, `${counted(records, 'record')} through both services in ${seconds} s, ${count(recordsPerSecond)} a second`);
  const died = Promise.race(services.map((service) => service.died));
  died.catch(() => undefined);
  return { result, differences: differing, died };
}

/** Passive questions on a channel of their own, closed again. */
async function queuesAreEmpty(broker: Broker, exchangePrefix: string): Promise<boolean> {
  const channel = await broker.channel();
  try {
    for (const service of serviceNames) {
      for (const type of recordTypes) {
        const { queue } = queueNames(exchangePrefix, service, type);
        const found = await broker.within(channel.checkQueue(queue), askMs, `asking for the queue ${queue}`);
        if (found.messageCount > 0) return false;
      }
    }
    return true;
  } finally {
    await broker.within(channel.close(), askMs, 'closing a channel');
  }
}

async function publishAndDrain(
  io: Io,
  { perType, signal }: StartOptions,
  env: Io['env'],
  services: readonly RunningService[],
): Promise<Drained | undefined> {
  const target = brokerTarget(env);
  const outlets = openOutlets(target, { say: (text) => say(io, text) });
  const broker = createBroker(target.settings);
  const all = perType * recordTypes.length;
  let confirmed = 0;
  let settled = 0;
  try {
    const publishing = showProgress(io, {
      name: 'publishing the sample',
      share: () => confirmed / all,
      published: () => confirmed,
      refused: () => 0,
    });
    const published = await publishSample(
      perType,
      (type) => outlets.outletOf(`${target.exchangePrefix}-${type}`),
      () => {
        confirmed += 1;
      },
      signal,
    ).finally(() => publishing.stop());
    if (!published) return undefined;
    const draining = showProgress(io, {
      name: 'writing both stores',
      share: () => Math.min(1, settled / (all * services.length)),
      published: () => settled,
      refused: () => 0,
      verb: 'settled',
    });
    return await untilDrained(
      services,
      perType,
      () => queuesAreEmpty(broker, target.exchangePrefix),
      (now) => {
        settled = now;
      },
      signal,
    ).finally(() => draining.stop());
  } finally {
    await outlets.close();
    await broker.close();
  }
}

async function compare(
  env: Io['env'],
  differ: (held: Held) => string[],
  signal: AbortSignal,
): Promise<{ readonly held: Held; readonly differing: string[] }> {
  const tables = openTables(env);
  const graph = openGraph(env);
  try {
    const until = performance.now() + settleMs;
    for (;;) {
      const held = await countStores(tables, graph);
      const differing = differ(held);
      if (differing.length === 0 || performance.now() > until || signal.aborted) return { held, differing };
      await delay(500, signal);
    }
  } finally {
    await Promise.all([tables.close(), graph.close()]);
  }
}

async function stopServices(io: Io, services: readonly RunningService[]): Promise<void> {
  if (services.length > 0) say(io, 'stopping the services');
  await Promise.all(services.map((service) => service.stop()));
}

/** Servers that ran before are left running; those that were given are not ours to stop. */
async function stopServers(io: Io, servers: ResolvedServers, dir: string): Promise<void> {
  const ours = Object.values(servers.servers).filter((server) => server.runs !== 'given');
  const started = ours.filter((server) => !server.attached);
  if (started.length === 0) return;
  say(io, `stopping ${started.map((server) => server.kind).join(', ')}; their data stays in ${dir}`);
  // Down takes the record of the stack away as well, which is right only when nothing of it goes on.
  if (started.length === ours.length) await stackDown({ dir });
  else await servers.stop();
}
