/** A whole lane over a real queue and a store in memory, which can fail and forgets nothing. */
import {
  createBudget,
  createLane,
  createMemorySink,
  type Decoded,
  defaultBrake,
  Events,
  fault,
  type Lane,
  type LaneEvents,
  type LaneSettings,
  type LaneSnapshot,
  type MemorySink,
  type Model,
  type Source,
} from '@inator/runtime';
import { benchSettings } from '../../testkit/src/lane.ts';
import { until } from '../../testkit/src/until.ts';
import type { Fixture } from './support.ts';

/** The body is the key; one that begins with `!` is refused. */
export const lines: Model<string> = {
  name: 'lines',
  decode(body): Decoded<string> {
    const key = Buffer.from(body).toString();
    return key.startsWith('!')
      ? { is: 'refused', fault: fault('json-invalid', 'decode', 'no line', { proven: true }) }
      : { is: 'record', key, hash: key, record: key };
  },
  examine: () => undefined,
};

/** As in the test kit, only that a lane of a broker takes longer to set up again. */
const laneSettings: LaneSettings = {
  ...benchSettings,
  batchBytes: 1 << 20,
  window: 200,
  maxRecordBytes: 1 << 20,
  hold: { ...benchSettings.hold, misconfigured: { firstMs: 100, maxMs: 500 } },
  brake: defaultBrake,
  reopen: { firstMs: 100, maxMs: 1_000 },
};

export interface RunningLane {
  readonly lane: Lane;
  readonly sink: MemorySink<string>;
  /** Everything it has told, in order. */
  readonly told: readonly { readonly event: keyof LaneEvents; readonly of: object }[];
  /** The faults of one kind of event. */
  faults(event: 'session.lost' | 'open.failed' | 'letter.failed'): readonly {
    readonly code: string;
    readonly native?: string;
    readonly reason: string;
  }[];
  snapshot(): LaneSnapshot;
  consuming(withinMs?: number): Promise<void>;
  /** Resolves when so many records are stored. */
  stored(count: number, withinMs?: number): Promise<void>;
  stop(): Promise<void>;
}

const names = [
  'session.opened',
  'session.lost',
  'open.failed',
  'letter.failed',
  'record.deadLettered',
  'lane.state',
  'defect',
] as const;

export function startLane(source: Source, settings: Partial<LaneSettings> = {}): RunningLane {
  const sink = createMemorySink<string>();
  const events = new Events();
  const told: { event: keyof LaneEvents; of: object }[] = [];
  for (const event of names) events.on(event, (of) => told.push({ event, of }));
  const lane = createLane<string>({
    name: 'lines',
    queue: 'lines',
    model: lines,
    source,
    sink,
    settings: { ...laneSettings, ...settings },
    budget: createBudget(1 << 26),
    lanes: 1,
    events,
  });
  lane.start();
  const state = (): string => {
    const { state, reason, pendingRecords } = lane.snapshot();
    return `the lane is ${state} (${reason ?? 'no reason'}) with ${pendingRecords} in hand, ${sink.rows.size} stored`;
  };
  return {
    lane,
    sink,
    told,
    faults: (event) =>
      told
        .filter((each) => each.event === event)
        .map((each) => (each.of as { fault: { code: string; reason: string } }).fault),
    snapshot: () => lane.snapshot(),
    async consuming(withinMs = 30_000) {
      await until(
        () => lane.snapshot().consuming,
        () => `consuming: ${state()}`,
        withinMs,
      );
    },
    async stored(count, withinMs = 60_000) {
      await until(
        () => sink.rows.size >= count,
        () => `${count} stored: ${state()}`,
        withinMs,
      );
    },
    async stop() {
      await lane.stop(AbortSignal.timeout(2_000));
    },
  };
}

/** Resolves when nothing is in hand and nothing waits. */
export async function settledEverything(fixture: Fixture, running: RunningLane): Promise<void> {
  await until(
    async () => running.snapshot().pendingRecords === 0 && (await fixture.ready()) === 0,
    'an empty queue',
    60_000,
  );
}

export const ids = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `m${from + i}`);

/** A store that takes its time: writes wait until it is opened, and pass from then on. */
export function gate(): { readonly waiting: number; wait(): Promise<void>; open(): void } {
  let open = (): void => {};
  let waiting = 0;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    get waiting() {
      return waiting;
    },
    wait() {
      waiting += 1;
      return opened;
    },
    open,
  };
}
