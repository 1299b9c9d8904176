/** What a benchmark declares, and what one run of a contestant yields. */
import type { ServerKind } from '@inator/stack';
import type { Folded } from './flame/fold.ts';
import type { Point } from './measure/stats.ts';
import type { World } from './world.ts';

/** One run of one contestant. */
export interface Run {
  /** Records that the clock saw. */
  readonly records: number;
  readonly seconds: number;
  readonly recordsPerSecond: number;
  /** Of the consuming process, or all of them, while the clock ran; undefined where it cannot be told. */
  readonly cpuSeconds?: number | undefined;
  /** Highest resident set of the consuming process, or the sum of theirs. */
  readonly peakMemoryMiB?: number | undefined;
  /** From the start of consuming to the last record settled: all records, the first batch included. */
  readonly queueSeconds?: number | undefined;
  readonly queueRecordsPerSecond?: number | undefined;
  /** Of a batch, from its first attempt to its commit, as the consumer logs it. */
  readonly batchMs?: { readonly p50: number; readonly p95: number; readonly p99: number } | undefined;
  /** Broker and stores, while the clock ran. */
  readonly servers?: Readonly<Partial<Record<ServerKind, ServerUse>>> | undefined;
  /** What else the contestant measures, by name with its unit: `p99 ms`. */
  readonly figures?: Readonly<Record<string, number>> | undefined;
  /** Curves over time or records, by name. */
  readonly series?: Readonly<Record<string, readonly Point[]>> | undefined;
  /** Where the consumers' processor time went while the clock ran; only of a profiled run. */
  readonly flame?: Folded | undefined;
}

export interface ServerUse {
  readonly cpuSeconds: number;
  readonly peakMemoryMiB: number;
}

export interface Contestant {
  /** Short, and unique in its scenario: `tableinator`, `floor`. */
  readonly id: string;
  /** Completes the sentence "it …". */
  readonly does: string;
  /** One round: sets up, runs and removes everything it needs. */
  run(world: World, records: number): Promise<Run>;
}

/** Records/s of one contestant over another's, within a round. */
export interface Ratio {
  readonly of: string;
  readonly over: string;
}

/** What a scenario is about in one number: a ratio, or a figure of one contestant. */
export type Headline = Ratio | { readonly of: string; readonly figure: string };

/** What is expected of a scenario on one machine of two cores that has everything on it; judged by the median over the rounds. */
export interface Target {
  readonly of: string;
  /** Of a ratio, what it is over; without it the number is one of `of` alone. */
  readonly over?: string;
  /** `rate` and `cpu` (processor time a record) are ratios; `peak MiB` or the name of a figure belong to one contestant. */
  readonly what: string;
  readonly least?: number;
  readonly most?: number;
}

export interface Plan {
  readonly contestants: readonly Contestant[];
  readonly headline: Headline;
  /** Further ratios, beside the headline. */
  readonly ratios?: readonly Ratio[];
  readonly targets?: readonly Target[];
  /** Instead of the scenario's. */
  readonly want?: readonly ServerKind[];
  /** Said below the table: what the reader must know to judge the figures. */
  readonly notes?: readonly string[];
}

/** Options of the command line that only some scenarios know. */
export type Options = Readonly<Partial<Record<OptionName, string>>>;
export const optionNames = ['command', 'queue', 'table', 'query', 'peer', 'before', 'after'] as const;
export type OptionName = (typeof optionNames)[number];

export interface Scenario {
  readonly name: string;
  readonly sentence: string;
  readonly want: readonly ServerKind[];
  /** Default number of records. */
  readonly records: number;
  /** Default number of rounds. Default 3. */
  readonly rounds?: number;
  /** Records of the run before the first round, which does not count; 0 for none. Default: a tenth, 500 to 5,000. */
  readonly warmUp?: number;
  /** Why `all` leaves it out. */
  readonly notInAll?: string;
  plan(options: Options): Plan;
}

/** A plan with some of its contestants, and what can be said without the others. */
export function restricted(name: string, plan: Plan, ids: readonly string[]): Plan {
  const unknown = ids.filter((id) => !plan.contestants.some((one) => one.id === id));
  if (unknown.length > 0) {
    const known = plan.contestants.map(({ id }) => id).join(', ');
    throw new UsageError(`--only names ${unknown.join(', ')}; ${name} has ${known}`);
  }
  const isLeft = ({ of, over = of }: { readonly of: string; readonly over?: string }): boolean =>
    ids.includes(of) && ids.includes(over);
  const { headline, ratios = [], targets = [] } = plan;
  const contestants = plan.contestants.filter(({ id }) => ids.includes(id));
  const left = [...('over' in headline ? [headline] : []), ...ratios].filter(isLeft);
  const of = contestants[0]?.id ?? '';
  const figure = 'over' in headline ? rateFigure : headline.figure;
  return {
    ...plan,
    contestants,
    headline: 'over' in headline || !isLeft(headline) ? (left[0] ?? { of, figure }) : headline,
    ratios: 'over' in headline ? left.slice(1) : left,
    targets: targets.filter(isLeft),
  };
}

/** The headline of a contestant that is compared with nobody. */
export const rateFigure = 'records/s';

/** Something that the caller must mend: shown as a sentence, without a stack. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
