/** A whole lane over a queue in memory and any sink: what stands between a test of a sink and one of the services. */
import {
  createBudget,
  createLane,
  createMemorySource,
  defaultBrake,
  defaultHold,
  Events,
  type Lane,
  type LaneEvents,
  type LaneSettings,
  type MemorySource,
  type Model,
  type Sink,
} from '@inator/runtime';
import { until } from './until.ts';

/** As the services run, only that batches are small and retries come sooner. */
export const benchSettings: LaneSettings = {
  writers: 2,
  batchSize: 50,
  batchBytes: 16 << 20,
  flushIntervalMs: 20,
  natural: false,
  adaptive: undefined,
  window: 500,
  maxRecordBytes: 8 << 20,
  seqSource: 'auto',
  suspectAfter: 3,
  condemnAfter: 18,
  hold: { ...defaultHold, retry: { firstMs: 20, maxMs: 200 }, misconfigured: { firstMs: 50, maxMs: 200 } },
  brake: { ...defaultBrake, probe: { firstMs: 50, maxMs: 200 } },
  reopen: { firstMs: 50, maxMs: 1_000 },
};

const watched = ['batch.held', 'batch.split', 'batch.written', 'brake.on', 'brake.off', 'defect'] as const;
type Watched = (typeof watched)[number];

export interface BenchLane {
  readonly source: MemorySource;
  readonly lane: Lane;
  /** What it has told so far, in order. */
  readonly told: { readonly [N in Watched]: readonly LaneEvents[N][] };
  /** Key and fault code of every letter, in order. */
  letters(): readonly (readonly [key: string | undefined, code: string])[];
  publish(bodies: Iterable<Uint8Array | string>): void;
  /** Resolves when nothing waits and nothing is in hand. */
  drained(withinMs?: number): Promise<void>;
  stop(): Promise<void>;
}

export function startBenchLane<R>(model: Model<R>, sink: Sink<R>, settings: Partial<LaneSettings> = {}): BenchLane {
  const source = createMemorySource();
  const events = new Events();
  const told: { [N in Watched]: LaneEvents[N][] } = {
    'batch.held': [],
    'batch.split': [],
    'batch.written': [],
    'brake.on': [],
    'brake.off': [],
    defect: [],
  };
  for (const name of watched) events.on(name, (event) => told[name].push(event as never));
  const lane = createLane<R>({
    name: model.name,
    queue: model.name,
    model,
    source,
    sink,
    settings: { ...benchSettings, ...settings },
    budget: createBudget(256 << 20),
    lanes: 1,
    events,
  });
  lane.start();
  return {
    source,
    lane,
    told,
    letters: () => source.letters.map(({ letter }) => [letter.key, letter.fault.code]),
    publish(bodies) {
      for (const body of bodies) source.publish(body);
    },
    async drained(withinMs = 60_000) {
      await until(
        () => source.ready === 0 && source.unsettled === 0,
        () => {
          const { state, reason } = lane.snapshot();
          return `an empty queue: the lane is ${state} (${reason}), ${source.ready} ready, ${source.unsettled} lent`;
        },
        withinMs,
      );
    },
    async stop() {
      await lane.stop(AbortSignal.timeout(5_000));
    },
  };
}
