/**
 * One long outage of one server, under traffic that goes on: no letter, no delivery count beyond the one of a reconnect,
 * flat memory, and work again soon after its return.
 *
 * That no count grows is not asked of the services: while the outage lasts, the broker's limit for their queues is one
 * return. What is given back twice becomes a dead letter, and a good record among the letters is a violation.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { recordTypes } from '@inator/discogs';
import { until } from '@inator/testkit/hurt';
import type { RunningService } from '../support/service.ts';
import { queueOf } from './check/queues.ts';
import { type Violation, violation } from './check/violation.ts';
import type { LaneView } from './fleet.ts';
import { type ServerTarget, type ServiceTarget, serviceNames } from './plan.ts';
import { type Run, startRun } from './run.ts';
import { startSampling } from './samples.ts';
import { startSteady } from './steady.ts';

export interface OutageOptions {
  readonly victim: ServerTarget;
  readonly minutes: number;
  /** Messages a second. */
  readonly rate: number;
  /** Seconds from the return until the first record that came after the fall must be durable. */
  readonly resumeSeconds: number;
  readonly seed: number;
  readonly report: (line: string) => void;
}

export interface OutageSummary {
  readonly victim: ServerTarget;
  readonly minutes: number;
  /** Confirmed by the broker, the world not counted. */
  readonly records: number;
  readonly keys: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly goodDeadLettered: number;
  /** From the moment it answers to the first durable record that was published after its fall; by service. */
  readonly resumedSeconds: Readonly<Record<string, number>>;
  /** What the server itself needed from its start until it answered. */
  readonly startSeconds: number;
  readonly services: Readonly<Record<ServiceTarget, ServiceOutage>>;
  readonly violations: number;
  readonly seconds: number;
}

export interface ServiceOutage {
  /** Deliveries that came again, over all lanes, from the fall to the end. */
  readonly redelivered: number;
  /** Sessions that ended; of the lane that lost most. */
  readonly sessionsLost: number;
  /** MiB resident: the most before the fall, while it lasted, and after all was settled. */
  readonly residentMiB: { readonly before: number; readonly during: number; readonly after: number };
}

/** Ordinary running before the fall and after the return, in milliseconds. */
const calmMs = 30_000;
/** What has piled up must be settled within so long. */
const settleMs = 600_000;
/** In milliseconds. */
const answerMs = 60_000;
/** While it lasts, the state of the lanes is told so often. */
const toldMs = 60_000;
/** MiB that a service may hold more in the outage than in calm, where it has next to nothing to do: its window fills, some 10 MiB of bodies and what the heap makes of them. */
const memorySlack = 64;

/** Rejects when the run itself failed; `run` is closed by the caller, who may want the logs first. */
export async function runOutage(
  run: Run,
  { victim, minutes, rate, resumeSeconds, report }: Omit<OutageOptions, 'seed'>,
): Promise<{ readonly summary: Omit<OutageSummary, 'seconds'>; readonly found: readonly Violation[] }> {
  const { arena, fleet, ledger, workload, inspector } = run;
  const server = arena.servers[victim];
  const concerned: readonly ServiceTarget[] =
    victim === 'rabbitmq' ? serviceNames : [victim === 'postgres' ? 'tableinator' : 'graphinator'];
  await allowOneReturn(run);
  const sampling = startSampling(() => fleet.all);
  const steady = startSteady({ url: arena.brokerUrl, ledger, workload, rate });
  try {
    report(`${rate} records a second; ${victim} falls in ${calmMs / 1_000} s`);
    await sleep(calmMs);
    const before = await lanesOf(run);
    const fell = sampling.now;
    await server.kill();
    // What is confirmed from here on was published after the fall.
    run.keepBooks();
    report(`${victim} is down for ${minutes} min`);
    const found = await watchOutage(run, concerned, minutes * 60_000, report);
    report(`${ledger.touched().length} keys confirmed meanwhile; ${victim} comes back`);
    const starting = performance.now();
    await server.start();
    const answered = performance.now();
    const returned = sampling.now;
    const resumed: Record<string, number> = {};
    await Promise.all(
      concerned.map(async (service) => {
        await until(() => anyDurable(run, service), `${service} writes again`, settleMs);
        resumed[service] = (performance.now() - answered) / 1_000;
        report(`${service} writes again after ${resumed[service].toFixed(1)} s`);
        if (resumed[service] > resumeSeconds)
          found.push(violation('I6', service, `wrote again after ${resumed[service].toFixed(1)} s`, []));
      }),
    );
    await sleep(calmMs);
    await steady.stop(settleMs);
    await until(async () => (await inspector.unfinished()) === undefined, 'all is settled', settleMs);
    const after = await lanesOf(run);
    await sampling.stop();
    const most = (service: ServiceTarget, from: number, to: number): number =>
      Math.max(
        0,
        ...sampling.samples
          .filter((one) => one.service === service && one.at >= from && one.at <= to)
          .map(({ residentMiB }) => residentMiB),
      );
    const services = Object.fromEntries(
      serviceNames.map((service) => {
        const residentMiB = {
          before: most(service, 0, fell),
          during: most(service, fell, returned),
          after: most(service, returned, sampling.now),
        };
        return [service, { ...difference(before[service], after[service]), residentMiB }];
      }),
    ) as Record<ServiceTarget, ServiceOutage>;
    for (const service of serviceNames) {
      const { residentMiB, sessionsLost } = services[service];
      if (residentMiB.during > residentMiB.before + memorySlack)
        found.push(violation('I5', service, `memory grew: ${JSON.stringify(residentMiB)} MiB`, []));
      if (sessionsLost > 1) found.push(violation('I2', service, `a lane lost ${sessionsLost} sessions, not one`, []));
    }
    const { confirmed: records } = steady;
    run.keepBooks();
    const keys = ledger.goodKeys;
    found.push(...(await run.finish()));
    const count = (as: Violation['as']): number =>
      found.filter((each) => each.as === as).reduce((sum, each) => sum + each.count, 0);
    return {
      found,
      summary: {
        victim,
        minutes,
        records,
        keys,
        lost: count('lost'),
        duplicated: count('duplicated'),
        goodDeadLettered: count('goodDeadLettered'),
        resumedSeconds: Object.fromEntries(Object.entries(resumed).map(([name, value]) => [name, tenths(value)])),
        startSeconds: tenths((answered - starting) / 1_000),
        services,
        violations: found.length,
      },
    };
  } finally {
    await sampling.stop();
    await steady.stop(1_000).catch(() => {});
  }
}

const tenths = (value: number): number => Math.round(value * 10) / 10;

export function startOutageRun({ seed, report }: Pick<OutageOptions, 'seed' | 'report'>): Promise<Run> {
  return startRun({ seed, report, load: { targetBytes: 1_250 } });
}

/** From now on the broker dead-letters what comes back for the second time. */
async function allowOneReturn({ arena }: Run): Promise<void> {
  const limit = {
    pattern: `^(${serviceNames.join('|')})-${arena.prefix}-[a-z]+$`,
    definition: { 'delivery-limit': 1 },
  };
  await arena.manage('PUT', 'policies/%2f/one-return', { ...limit, 'apply-to': 'queues', priority: 10 });
  for (const service of serviceNames) {
    for (const type of recordTypes) {
      const name = queueOf(arena.prefix, service, type);
      await until(async () => {
        const queue = await arena.manage<{ effective_policy_definition?: Record<string, unknown> }>(
          'GET',
          `queues/%2f/${name}`,
        );
        return queue?.effective_policy_definition?.['delivery-limit'] === 1;
      }, `${name} has a limit of one return`);
    }
  }
}

type Lanes = Readonly<Record<ServiceTarget, readonly LaneView[]>>;

async function lanesOf({ fleet }: Run): Promise<Lanes> {
  const entries = await Promise.all(
    serviceNames.map(async (service) => {
      const [replica] = fleet.replicas(service);
      if (replica === undefined) throw new Error(`no ${service} runs: it must have ended by itself`);
      // On a machine that is busy with others an answer may take more than the two seconds that it is given.
      const lanes = await until(() => fleet.lanes(replica).catch(() => undefined), `${service} answers`, answerMs);
      return [service, lanes] as const;
    }),
  );
  return Object.fromEntries(entries) as unknown as Lanes;
}

function difference(
  before: readonly LaneView[],
  after: readonly LaneView[],
): { readonly redelivered: number; readonly sessionsLost: number } {
  const grown = (name: 'redelivered' | 'sessionsLost'): number[] =>
    after.map(({ lane, totals }) => totals[name] - (before.find((one) => one.lane === lane)?.totals[name] ?? 0));
  return {
    redelivered: grown('redelivered').reduce((sum, one) => sum + one, 0),
    sessionsLost: Math.max(0, ...grown('sessionsLost')),
  };
}

async function isStatus(service: RunningService | undefined, path: string, wanted: number): Promise<boolean> {
  return service !== undefined && (await service.get(path).catch(() => undefined))?.status === wanted;
}

/** While it lasts: who needs the server is alive and not ready, who does not gets on. */
async function watchOutage(
  run: Run,
  concerned: readonly ServiceTarget[],
  forMs: number,
  report: (line: string) => void,
): Promise<Violation[]> {
  const { fleet } = run;
  const found: Violation[] = [];
  const deadline = performance.now() + forMs;
  const settled = (lanes: readonly LaneView[]): number => lanes.reduce((sum, { totals }) => sum + totals.acked, 0);
  const atFirst = await lanesOf(run);
  for (let left = forMs; left > 0; left = deadline - performance.now()) {
    await sleep(Math.min(toldMs, left));
    const lanes = await lanesOf(run);
    for (const service of serviceNames)
      report(`  ${service}: ${lanes[service].map(({ lane, state }) => `${lane} ${state}`).join(', ')}`);
  }
  const atLast = await lanesOf(run);
  for (const service of serviceNames) {
    const [replica] = fleet.replicas(service);
    const wanted = concerned.includes(service) ? 503 : 200;
    const answers = (path: string, status: number): Promise<boolean> =>
      until(() => isStatus(replica, path, status), `${service} answers ${status} to ${path}`, answerMs).catch(
        () => false,
      );
    if (!(await answers('/livez', 200))) found.push(violation('I7', service, 'is not alive in the outage', []));
    if (!(await answers('/readyz', wanted)))
      found.push(violation('I6', service, `does not answer ${wanted} to /readyz in the outage`, []));
    if (!concerned.includes(service) && settled(atLast[service]) === settled(atFirst[service]))
      found.push(violation('I6', service, 'settled nothing although its servers are there', []));
  }
  return found;
}

/** Whether the store has any record that was confirmed after the fall. */
async function anyDurable({ arena, ledger }: Run, service: ServiceTarget): Promise<boolean> {
  const ids = ledger
    .touched()
    .filter((good) => good.type === 'releases' && ledger.before(good) === undefined)
    .map(({ id }) => String(id));
  if (ids.length === 0) return false;
  const [row] =
    service === 'tableinator'
      ? await arena.tables.query<{ n: number }>(
          `select count(*)::int as n from "${arena.schema}".releases where data_id = any($1)`,
          [ids],
        )
      : await arena.graph.query<{ n: number }>(
          'match (r:Release) where r.id in $ids and r.sha256 is not null return count(r) as n',
          { ids },
        );
  return (row?.n ?? 0) > 0;
}
