/** One lane of all its replicas: what several processes that consume one queue do together. */
import type { LaneState, WriterState } from '@inator/runtime';
import type { LaneReading, ServiceReading, ServiceState } from '../servers/lanes.ts';

export interface Trouble {
  readonly url: string;
  readonly instance: string;
  readonly state: LaneState;
  readonly reason: string | null;
  /** What to do. */
  readonly advice: string | null;
}

/** Null where nobody knows. */
export interface LaneSum {
  readonly service: string;
  readonly lane: string;
  readonly queue: string;
  /** Processes that have this lane. */
  readonly replicas: number;
  /** How many of them are in which state. */
  readonly states: Readonly<Partial<Record<LaneState, number>>>;
  readonly paused: number;
  readonly recordsPerSecond: number;
  /** Messages waiting in the queue, those in hand not counted. */
  readonly depth: number | null;
  readonly inHand: number;
  /** Until queue and hands are empty at this rate, if nothing more arrives. */
  readonly drainSeconds: number | null;
  /** How the backlog moves, in messages a second. */
  readonly backlogPerSecond: number | null;
  /** Median from arrival to commit, of the slowest replica. */
  readonly latencyMs: number | null;
  /** Shares of the writers' time, which add up to 1. */
  readonly time: Readonly<Record<WriterState, number>> | null;
  readonly acked: number;
  readonly deadLettered: number;
  readonly deadLetterQueue: string | null;
  readonly lettersWaiting: number | null;
  readonly deadLettersBy: Readonly<Record<string, number>>;
  /** Epoch milliseconds. */
  readonly lastCommitAt: number | null;
  readonly troubles: readonly Trouble[];
}

interface Member {
  readonly state: ServiceState;
  readonly lane: LaneReading;
}

/** In the order in which services and lanes were read. */
export function sumLanes(readings: readonly ServiceReading[]): LaneSum[] {
  const groups = new Map<string, Member[]>();
  for (const reading of readings) {
    if (reading.is === 'down') continue;
    for (const lane of reading.state.lanes) {
      const id = JSON.stringify([reading.state.service, lane.queue]);
      groups.set(id, [...(groups.get(id) ?? []), { state: reading.state, lane }]);
    }
  }
  return [...groups.values()].flatMap((members) => {
    const [first] = members;
    return first === undefined ? [] : [sumOf(first, members)];
  });
}

const add = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const largest = (values: readonly (number | undefined | null)[]): number | null => {
  const known = values.filter((value) => value !== undefined && value !== null);
  return known.length === 0 ? null : Math.max(...known);
};

function sumOf(first: Member, members: readonly Member[]): LaneSum {
  const lanes = members.map(({ lane }) => lane);
  const states: Partial<Record<LaneState, number>> = {};
  for (const { state } of lanes) states[state] = (states[state] ?? 0) + 1;
  const recordsPerSecond = add(lanes.map(({ recent }) => recent?.settledPerSecond ?? 0));
  // One queue, whoever asks; the latest answer of any is as good as the others.
  const depth = largest(lanes.map((lane) => lane.depth));
  const inHand = add(lanes.map(({ pendingRecords }) => pendingRecords));
  const moves = lanes.some(({ state }) => state === 'consuming');
  const codes: Record<string, number> = {};
  for (const { deadLettersBy = {} } of lanes) {
    for (const [code, count] of Object.entries(deadLettersBy)) codes[code] = (codes[code] ?? 0) + count;
  }
  return {
    service: first.state.service,
    lane: first.lane.lane,
    queue: first.lane.queue,
    replicas: members.length,
    states,
    paused: lanes.filter(({ paused }) => paused).length,
    recordsPerSecond,
    depth,
    inHand,
    drainSeconds: drainOf(depth, inHand, moves ? recordsPerSecond : 0),
    backlogPerSecond: largest(lanes.map(({ recent }) => recent?.backlogPerSecond)),
    latencyMs: largest(lanes.map(({ recent }) => recent?.age?.medianMs)),
    time: timeOf(lanes),
    acked: add(lanes.map(({ totals }) => totals.acked)),
    deadLettered: add(lanes.map(({ totals }) => totals.deadLettered)),
    deadLetterQueue: first.lane.deadLetterQueue ?? null,
    lettersWaiting: largest(lanes.map(({ lettersWaiting }) => lettersWaiting)),
    deadLettersBy: codes,
    lastCommitAt: largest(lanes.map(({ lastCommitAt }) => lastCommitAt)),
    troubles: members.flatMap(({ state, lane }) =>
      lane.state === 'consuming'
        ? []
        : [
            {
              url: state.url,
              instance: state.instance,
              state: lane.state,
              reason: lane.reason ?? null,
              advice: lane.advice ?? null,
            },
          ],
    ),
  };
}

function drainOf(depth: number | null, inHand: number, rate: number): number | null {
  if (depth === null) return null;
  if (depth + inHand === 0) return 0;
  return rate > 0 ? (depth + inHand) / rate : null;
}

const writerStates = ['idle', 'decoding', 'waiting', 'writing', 'holding', 'settling'] as const;

function timeOf(lanes: readonly LaneReading[]): LaneSum['time'] {
  const spent = writerStates.map((state) => add(lanes.map(({ recent }) => recent?.spentMs[state] ?? 0)));
  const all = add(spent);
  if (all === 0) return null;
  return Object.fromEntries(writerStates.map((state, at) => [state, (spent[at] ?? 0) / all])) as Record<
    WriterState,
    number
  >;
}
