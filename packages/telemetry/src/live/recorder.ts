/**
 * What a lane did over the last minutes: one sample a second, kept in memory, so that whoever begins to watch sees the
 * past at once. A sample is a handful of numbers; nothing here is done per record.
 */
import type { Events, LaneSnapshot, WriterState } from '@inator/runtime';

/** How far back the charts reach: 300 samples of one second. */
export const samplesKept = 300;
export const sampleEveryMs = 1_000;
/** What "now" means for a rate: long enough to hold several batches, short enough to show a stop. */
const recentMs = 10_000;
/** Batches a second beyond this are not looked at one by one. */
const mostAges = 500;

export interface LaneSample {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Deliveries settled since the start: acked or dead-lettered. */
  readonly settled: number;
  readonly deadLettered: number;
  /** Milliseconds of all writers by state, since the start. */
  readonly spentMs: Readonly<Record<WriterState, number>>;
  /** Age of the oldest record of a batch at its commit, over the batches of this second; undefined without a batch. */
  readonly age: { readonly medianMs: number; readonly maxMs: number } | undefined;
  /** Messages in the queue and in hand; undefined while nobody asked, or nobody knows. */
  readonly backlog: number | undefined;
}

/** The last ten seconds. */
export interface Recent {
  /** Over which the figures are, at most ten. */
  readonly seconds: number;
  readonly settledPerSecond: number;
  readonly deadLetteredPerSecond: number;
  readonly age: LaneSample['age'];
  /** Milliseconds of all writers by state. */
  readonly spentMs: Readonly<Record<WriterState, number>>;
  /** How the backlog changed over the last minute, in messages a second; undefined where it is not known. */
  readonly backlogPerSecond: number | undefined;
}

export interface Recorder {
  lane(lane: { readonly name: string; snapshot(): LaneSnapshot }): void;
  /** Listens to what lanes tell; returns how to stop. */
  events(events: Events): () => void;
  /** Takes a sample of every lane; `backlogs` by lane where they are known. */
  sample(backlogs: ReadonlyMap<string, number>): void;
  recent(lane: string): Recent;
  history(lane: string): readonly LaneSample[];
  /** Letters by fault code since the start. */
  deadLettersBy(lane: string): Readonly<Record<string, number>>;
}

interface Kept {
  readonly snapshot: () => LaneSnapshot;
  readonly samples: LaneSample[];
  ages: number[];
  readonly codes: Map<string, number>;
}

const states = ['idle', 'decoding', 'waiting', 'writing', 'holding', 'settling'] as const;
const nothingSpent: Record<WriterState, number> = {
  idle: 0,
  decoding: 0,
  waiting: 0,
  writing: 0,
  holding: 0,
  settling: 0,
};

export function createRecorder(now: () => number = Date.now): Recorder {
  const lanes = new Map<string, Kept>();

  const take = ({ snapshot, ages }: Kept, backlog: number | undefined): LaneSample => {
    const { totals, writers, pendingRecords } = snapshot();
    const spentMs = { ...nothingSpent };
    for (const writer of writers) for (const state of states) spentMs[state] += writer.spentMs[state];
    return {
      at: now(),
      settled: totals.acked + totals.deadLettered,
      deadLettered: totals.deadLettered,
      spentMs,
      age: ageOf(ages),
      backlog: backlog === undefined ? undefined : backlog + pendingRecords,
    };
  };

  return {
    lane({ name, snapshot }) {
      const kept: Kept = { snapshot: () => snapshot(), samples: [], ages: [], codes: new Map() };
      lanes.set(name, kept);
      kept.samples.push(take(kept, undefined));
    },
    events(events) {
      const stops = [
        events.on('batch.written', ({ lane, ageMs }) => {
          const kept = lanes.get(lane);
          if (kept !== undefined && kept.ages.length < mostAges) kept.ages.push(ageMs);
        }),
        events.on('record.deadLettered', ({ lane, fault: { code } }) => {
          const codes = lanes.get(lane)?.codes;
          codes?.set(code, (codes.get(code) ?? 0) + 1);
        }),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    },
    sample(backlogs) {
      for (const [name, kept] of lanes) {
        kept.samples.push(take(kept, backlogs.get(name)));
        kept.ages = [];
        if (kept.samples.length > samplesKept) kept.samples.shift();
      }
    },
    recent(lane) {
      const kept = lanes.get(lane);
      if (kept === undefined) return quiet;
      return compare(kept.samples, take(kept, undefined));
    },
    history: (lane) => lanes.get(lane)?.samples ?? [],
    deadLettersBy: (lane) => Object.fromEntries(lanes.get(lane)?.codes ?? []),
  };
}

const quiet: Recent = {
  seconds: 0,
  settledPerSecond: 0,
  deadLetteredPerSecond: 0,
  age: undefined,
  spentMs: nothingSpent,
  backlogPerSecond: undefined,
};

function compare(samples: readonly LaneSample[], last: LaneSample): Recent {
  const since = samples.find(({ at }) => at >= last.at - recentMs - sampleEveryMs / 2) ?? last;
  const seconds = (last.at - since.at) / 1_000;
  const rate = (difference: number): number => (seconds < 0.1 ? 0 : Math.max(0, difference) / seconds);
  const spentMs = { ...nothingSpent };
  // Time may be booked under one state and moved to another afterwards; less than nothing is nothing.
  for (const state of states) spentMs[state] = Math.max(0, last.spentMs[state] - since.spentMs[state]);
  const within = samples.filter(({ at, age }) => at >= since.at && age !== undefined);
  const ages = within.flatMap(({ age }) => (age === undefined ? [] : [age.medianMs]));
  const worst = Math.max(0, ...within.map(({ age }) => age?.maxMs ?? 0));
  const middle = ageOf(ages);
  return {
    seconds,
    settledPerSecond: rate(last.settled - since.settled),
    deadLetteredPerSecond: rate(last.deadLettered - since.deadLettered),
    age: middle === undefined ? undefined : { medianMs: middle.medianMs, maxMs: worst },
    spentMs,
    backlogPerSecond: slope(samples, last.at - 60_000),
  };
}

/** Between the first and the last known backlog since `from`; too little time between them says nothing. */
function slope(samples: readonly LaneSample[], from: number): number | undefined {
  const known = samples.filter(({ at, backlog }) => at >= from && backlog !== undefined);
  const [first, last] = [known[0], known.at(-1)];
  if (first?.backlog === undefined || last?.backlog === undefined || last.at - first.at < 5_000) return undefined;
  return ((last.backlog - first.backlog) / (last.at - first.at)) * 1_000;
}

function ageOf(ages: readonly number[]): LaneSample['age'] {
  if (ages.length === 0) return undefined;
  const sorted = [...ages].sort((a, b) => a - b);
  return { medianMs: sorted[Math.floor(sorted.length / 2)] ?? 0, maxMs: sorted.at(-1) ?? 0 };
}
