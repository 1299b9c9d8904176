/**
 * Steady traffic for as long as you like, with a restart of a service or a server every few minutes. Two replicas of each
 * service: the elder lives through all of it and shows whether memory creeps, the other is replaced again and again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { recordTypes } from '@inator/discogs';
import { until } from '@inator/testkit/hurt';
import type { RunningService } from '../support/service.ts';
import { queueOf } from './check/queues.ts';
import { type Violation, violation } from './check/violation.ts';
import { type Flatness, flatness, unflat } from './flat.ts';
import { type ServerTarget, type ServiceTarget, serviceNames } from './plan.ts';
import { type Run, startRun } from './run.ts';
import { type Sample, startSampling } from './samples.ts';
import { type Steady, startSteady } from './steady.ts';

export interface SoakOptions {
  readonly minutes: number;
  /** Messages a second, releases of 1.25 KB most of them. */
  readonly rate: number;
  /** Minutes from one restart to the next. */
  readonly every: number;
  /** MiB an hour that an elder's memory may grow. */
  readonly slope: number;
  readonly report: (line: string) => void;
  /** Told of all samples at the end, also of a run that failed. */
  readonly keep: (samples: readonly Sample[], elders: Elders) => void;
}

/** The processes that live through all of it. */
export type Elders = Readonly<Record<ServiceTarget, number>>;

export interface SoakSummary {
  readonly minutes: number;
  readonly records: number;
  readonly keys: number;
  readonly bad: number;
  readonly restarts: Readonly<Record<string, number>>;
  /** Seconds in which nothing was published because the queues were too long. */
  readonly pausedSeconds: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly goodDeadLettered: number;
  readonly flat: readonly Flatness[];
  readonly violations: number;
}

export interface Soaked {
  readonly summary: SoakSummary;
  readonly found: readonly Violation[];
}

/** Mostly new versions of known records: what is measured are the services, so the stores should not grow without end. */
const mix = { versioned: 25, updates: 50, late: 3, repeats: 7, bad: 1 } as const;
/** MiB that a life may have more than the one before; what one process happens to have more than another is noise. */
const perLife = 8;
/** Files and resources that an elder may have more at the end: what its pools keep. */
const countSlack = 10;
/** When so many seconds of traffic wait in a queue, publishing waits for half of it. */
const mostBehind = 60;
/** In milliseconds: what is left at the end must be settled within so long. */
const settleMs = 900_000;

export function startSoakRun(seed: number, report: (line: string) => void): Promise<Run> {
  return startRun({ seed, report, load: { mix, targetBytes: 1_250 } });
}

/** Rejects when the run itself failed; `run` is closed by the caller, who may want the logs first. */
export async function soak(run: Run, { minutes, rate, every, slope, report, keep }: SoakOptions): Promise<Soaked> {
  const { arena, fleet, ledger, workload, inspector } = run;
  const elders = Object.fromEntries(
    serviceNames.map((name) => [name, onlyOne(fleet.replicas(name)).pid]),
  ) as unknown as Elders;
  for (const service of serviceNames) await fleet.start(service);
  const sampling = startSampling(() => fleet.all);
  const steady = startSteady({ url: arena.brokerUrl, ledger, workload, rate });
  const behind = startWatch(run, steady, rate * mostBehind);
  const found: Violation[] = [];
  const restarts: Record<string, number> = {};
  const deadline = performance.now() + minutes * 60_000;
  const next = async (): Promise<boolean> => {
    const left = deadline - performance.now();
    await sleep(Math.max(0, Math.min(every * 60_000, left)));
    return performance.now() < deadline;
  };
  try {
    for (let turn = 0; await next(); turn += 1) {
      // Between two restarts everything is there: letters and books are kept up, so that neither grows with the soak.
      found.push(...(await inspector.collect()));
      run.keepBooks();
      const act = acts[turn % acts.length] as Act;
      restarts[act.target] = (restarts[act.target] ?? 0) + 1;
      report(`${Math.round(sampling.now / 60)} min, ${steady.confirmed} records: ${act.what} ${act.target}`);
      if (act.target === 'tableinator' || act.target === 'graphinator') {
        const young = fleet.replicas(act.target).find(({ pid }) => pid !== elders[act.target as ServiceTarget]);
        if (young !== undefined) await (act.what === 'stops' ? fleet.stop(young) : fleet.kill(young));
        await fleet.start(act.target);
      } else await arena.servers[act.target].restart();
    }
    behind.stop();
    await steady.stop(settleMs);
    report(`${steady.confirmed} records are published; waiting until all is settled`);
    await until(async () => (await inspector.unfinished()) === undefined, 'all is settled', settleMs);
    await sampling.stop();
    run.keepBooks();
    const flat = serviceNames.map((service) =>
      flatness(
        sampling.samples.filter((one) => one.service === service),
        { elder: elders[service], warmUp: Math.min(600, minutes * 15), youth: Math.min(60, every * 20) },
      ),
    );
    for (const one of flat)
      for (const what of unflat(one, { slope, perLife, count: countSlack }))
        found.push(violation('I5', one.service, what, []));
    for (const { name, lines } of fleet.ever)
      if (lines.some((line) => line.includes('MaxListenersExceededWarning')))
        found.push(
          violation(
            'I5',
            name,
            'listeners pile up',
            lines.filter((line) => line.includes('MaxListeners')),
          ),
        );
    const { goodKeys: keys, bad } = ledger;
    report(`the last look: ${keys} keys`);
    found.push(...(await run.finish()));
    const count = (as: Violation['as']): number =>
      found.filter((each) => each.as === as).reduce((sum, each) => sum + each.count, 0);
    const summary = {
      minutes,
      records: steady.confirmed,
      keys,
      bad,
      restarts,
      pausedSeconds: Math.round(behind.pausedSeconds),
      lost: count('lost'),
      duplicated: count('duplicated'),
      goodDeadLettered: count('goodDeadLettered'),
      flat,
      violations: found.length,
    };
    return { summary, found };
  } finally {
    behind.stop();
    await sampling.stop();
    keep(sampling.samples, elders);
    await steady.stop(1_000).catch(() => {});
  }
}

interface Act {
  readonly target: ServiceTarget | ServerTarget;
  readonly what: 'stops' | 'kills' | 'restarts';
}

const acts: readonly Act[] = [
  { target: 'tableinator', what: 'stops' },
  { target: 'postgres', what: 'restarts' },
  { target: 'graphinator', what: 'kills' },
  { target: 'rabbitmq', what: 'restarts' },
  { target: 'tableinator', what: 'kills' },
  { target: 'neo4j', what: 'restarts' },
  { target: 'graphinator', what: 'stops' },
];

function onlyOne(replicas: readonly RunningService[]): RunningService {
  const [one, ...more] = replicas;
  if (one === undefined || more.length > 0) throw new Error(`one replica was expected, not ${replicas.length}`);
  return one;
}

/** Keeps the queues from growing without end on a machine that is too slow, or too busy, for the rate. */
function startWatch(
  { arena }: Run,
  steady: Pick<Steady, 'pause' | 'resume'>,
  most: number,
): { readonly pausedSeconds: number; stop(): void } {
  let since: number | undefined;
  let paused = 0;
  const queues = serviceNames.flatMap((service) => recordTypes.map((type) => queueOf(arena.prefix, service, type)));
  const look = async (): Promise<void> => {
    const lengths = await Promise.all(
      queues.map((queue) => arena.manage<{ messages?: number }>('GET', `queues/%2f/${queue}?columns=messages`)),
    );
    const longest = Math.max(...lengths.map((one) => one?.messages ?? 0));
    if (since === undefined && longest > most) {
      since = performance.now();
      steady.pause();
    } else if (since !== undefined && longest < most / 2) go();
  };
  const go = (): void => {
    if (since === undefined) return;
    paused += performance.now() - since;
    since = undefined;
    steady.resume();
  };
  // A broker that is being restarted does not answer: it is asked again.
  const timer = setInterval(() => void look().catch(() => {}), 5_000);
  return {
    get pausedSeconds() {
      return paused / 1_000;
    },
    stop() {
      clearInterval(timer);
      go();
    },
  };
}
