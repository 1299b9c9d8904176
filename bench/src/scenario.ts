/** What a benchmark declares, and what one run of a contestant yields. */
import type { ServerKind } from '@inator/stack';
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

export interface Plan {
  readonly contestants: readonly Contestant[];
  readonly headline: Headline;
  /** Further ratios, beside the headline. */
  readonly ratios?: readonly Ratio[];
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

/** Something that the caller must mend: shown as a sentence, without a stack. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
