/** From runs to the result: the object that `--json` prints and `--save` keeps. */
import type { ServerKind } from '@inator/stack';
import type { Measured } from '../engine.ts';
import { byPackage, type WideFrame, widest } from '../flame/frames.ts';
import { median, ratios, round, type Spread, spread } from '../measure/stats.ts';
import { type Headline, type Plan, type Ratio, type Run, rateFigure, type Scenario } from '../scenario.ts';
import type { ClockName, Machine } from '../world.ts';
import { judged, type TargetResult } from './targets.ts';

/** Medians over the rounds, but for what is a spread. */
export interface ContestantResult {
  readonly does: string;
  readonly recordsPerSecond: Spread;
  /** Everything from the start of consuming, the first batch included. */
  readonly queueRecordsPerSecond?: number;
  readonly cpuSeconds?: number;
  /** Microseconds of the consumer's processor time for one record. */
  readonly cpuMicrosPerRecord?: number;
  readonly peakMemoryMiB?: number;
  readonly batchMs?: Run['batchMs'];
  readonly servers?: Run['servers'];
  readonly figures?: Readonly<Record<string, number>>;
  /** Of the last round of a profiled run: where the processor time went. */
  readonly widest?: readonly WideFrame[];
  readonly packages?: readonly WideFrame[];
}

export interface RatioResult extends Ratio, Spread {
  /** Of the consumers' processor time for one record. */
  readonly cpu?: number;
}

export interface Result {
  readonly name: string;
  readonly at: string;
  readonly machine: Machine;
  readonly servers: Readonly<Record<string, string>>;
  /** Settings of the services that were given for this run. */
  readonly settings: Readonly<Record<string, string>>;
  readonly clock: ClockName;
  readonly records: number;
  readonly rounds: number;
  /** Median records/s of the contestant that the headline is about. */
  readonly rate: number;
  /** Median records/s of the contestants of these names, where there are such. */
  readonly naive?: number;
  readonly floor?: number;
  /** The headline. */
  readonly ratio: number;
  readonly cpuRatio?: number;
  readonly headline: Headline;
  readonly ratios: readonly RatioResult[];
  readonly targets: readonly TargetResult[];
  /** Processes were slowed by the profiler: rates say less, and targets are not judged. */
  readonly profiled: boolean;
  readonly contestants: Readonly<Record<string, ContestantResult>>;
  readonly notes: readonly string[];
  readonly runs: Measured['runs'];
}

export interface Circumstances extends Pick<Result, 'at' | 'machine' | 'servers' | 'settings' | 'clock' | 'profiled'> {}

export function resultOf(scenario: Scenario, plan: Plan, measured: Measured, circumstances: Circumstances): Result {
  const { runs, records, rounds } = measured;
  const { headline } = plan;
  const all = [...('over' in headline ? [headline] : []), ...(plan.ratios ?? [])].map((ratio) => ratioOf(runs, ratio));
  const rateOf = (id: string): number => median((runs[id] ?? []).map((run) => run.recordsPerSecond));
  const first = all[0];
  const cpuRatio = 'over' in headline ? first?.cpu : undefined;
  const contestants = Object.fromEntries(
    plan.contestants.map(({ id, does }) => [id, contestantOf(does, runs[id] ?? [])]),
  );
  const targets = (plan.targets ?? []).map((target) => judged(target, { ratios: all, contestants }));
  return {
    name: scenario.name,
    ...circumstances,
    records,
    rounds,
    rate: rateOf(headline.of),
    ...(runs.naive === undefined ? {} : { naive: rateOf('naive') }),
    ...(runs.floor === undefined ? {} : { floor: rateOf('floor') }),
    ratio:
      'over' in headline
        ? (first?.median ?? 0)
        : headline.figure === rateFigure
          ? rateOf(headline.of)
          : median(defined(runs[headline.of], (run) => run.figures?.[headline.figure])),
    ...(cpuRatio === undefined ? {} : { cpuRatio }),
    headline,
    ratios: all,
    targets: circumstances.profiled ? targets.map((target) => ({ ...target, met: undefined })) : targets,
    contestants,
    notes: [
      ...(plan.notes ?? []),
      ...(circumstances.profiled ? ['profiled: the consumers were slowed by it, so that the rates say less'] : []),
    ],
    runs: Object.fromEntries(Object.entries(runs).map(([id, some]) => [id, some.map(withoutFlame)])),
  };
}

/** A profile is drawn and summed up; the whole of it would be megabytes. */
function withoutFlame({ flame: _, ...run }: Run): Run {
  return run;
}

/** Frames that are listed. */
const listed = 15;

function ratioOf(runs: Measured['runs'], { of, over }: Ratio): RatioResult {
  const rates = (id: string): number[] => (runs[id] ?? []).map((run) => run.recordsPerSecond);
  const { min, median: middle, max } = spread(ratios(rates(of), rates(over)));
  const cpu = ratios(defined(runs[of], microsOf), defined(runs[over], microsOf));
  return {
    of,
    over,
    min: round(min, 2),
    median: round(middle, 2),
    max: round(max, 2),
    ...(cpu.length === 0 ? {} : { cpu: round(median(cpu), 2) }),
  };
}

function contestantOf(does: string, runs: readonly Run[]): ContestantResult {
  const middle = (pick: (run: Run) => number | undefined, digits = 0): number | undefined => {
    const values = defined(runs, pick);
    return values.length === 0 ? undefined : round(median(values), digits);
  };
  const batch = (name: 'p50' | 'p95' | 'p99'): number => middle((run) => run.batchMs?.[name]) ?? 0;
  const kinds = [...new Set(runs.flatMap(({ servers = {} }) => Object.keys(servers) as ServerKind[]))];
  const names = [...new Set(runs.flatMap(({ figures = {} }) => Object.keys(figures)))];
  const profiled = runs.at(-1);
  const flame = profiled?.flame;
  return given({
    does,
    recordsPerSecond: spread(runs.map((run) => run.recordsPerSecond)),
    queueRecordsPerSecond: middle((run) => run.queueRecordsPerSecond),
    cpuSeconds: middle((run) => run.cpuSeconds, 2),
    cpuMicrosPerRecord: middle(microsOf, 1),
    peakMemoryMiB: middle((run) => run.peakMemoryMiB),
    batchMs: runs.some((run) => run.batchMs !== undefined)
      ? { p50: batch('p50'), p95: batch('p95'), p99: batch('p99') }
      : undefined,
    servers:
      kinds.length === 0
        ? undefined
        : Object.fromEntries(
            kinds.map((kind) => [
              kind,
              {
                cpuSeconds: middle((run) => run.servers?.[kind]?.cpuSeconds, 2) ?? 0,
                peakMemoryMiB: middle((run) => run.servers?.[kind]?.peakMemoryMiB) ?? 0,
              },
            ]),
          ),
    figures:
      names.length === 0
        ? undefined
        : Object.fromEntries(names.map((name) => [name, middle((run) => run.figures?.[name], 3) ?? 0])),
    widest: flame === undefined ? undefined : widest(flame, profiled?.records ?? 0, listed),
    packages: flame === undefined ? undefined : byPackage(flame, profiled?.records ?? 0),
  });
}

function microsOf({ cpuSeconds, records }: Run): number | undefined {
  return cpuSeconds === undefined || cpuSeconds === 0 || records === 0 ? undefined : (cpuSeconds / records) * 1e6;
}

function defined<T>(runs: readonly T[] | undefined, pick: (run: T) => number | undefined): number[] {
  return (runs ?? []).flatMap((run) => pick(run) ?? []);
}

/** Without what is undefined. */
function given<T extends object>(value: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;
}
