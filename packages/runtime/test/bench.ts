/** A lane over a queue and a store in memory that do as a test says, and what it told. */
import {
  createBudget,
  createLane,
  createMemorySink,
  createMemorySource,
  type Decoded,
  Events,
  fault,
  type Lane,
  type LaneEvents,
  type LaneSettings,
  type MemorySink,
  type MemorySource,
  type Model,
} from '@inator/runtime';
import { afterEach } from '@jest/globals';
import { benchSettings } from '../../testkit/src/lane.ts';

export interface Thing {
  readonly key: string;
  readonly value: string;
  readonly bad?: boolean;
}

/** Reads `key:value`; `!…` is refused, `#name` is a signal, `?key` passes decoding but not `examine`. */
const model: Model<Thing> = {
  name: 'things',
  decode(body): Decoded<Thing> {
    const text = Buffer.from(body).toString();
    if (text.startsWith('!'))
      return { is: 'refused', fault: fault('json-invalid', 'decode', 'not a thing', { proven: true }) };
    if (text.startsWith('#'))
      return { is: 'signal', signal: { is: 'file_complete', type: text.slice(1), total: undefined, at: undefined } };
    const [key = '', value = ''] = text.split(':');
    return { is: 'record', key, hash: `h${value}`, record: { key, value } };
  },
  examine: (record) =>
    record.value === 'bad' ? fault('value-refused', 'validate', 'bad value', { proven: true }) : undefined,
};

/** As in the test kit, only that batches are smaller and everything is tried again at once. */
export const quick: LaneSettings = {
  ...benchSettings,
  batchSize: 10,
  batchBytes: 1 << 20,
  flushIntervalMs: 30,
  window: 100,
  maxRecordBytes: 1 << 20,
  hold: { ...benchSettings.hold, retry: { firstMs: 5, maxMs: 20 }, misconfigured: { firstMs: 5, maxMs: 20 } },
  brake: { ...benchSettings.brake, probe: { firstMs: 10, maxMs: 20 } },
  reopen: { firstMs: 5, maxMs: 20 },
};

let lanes: Lane[] = [];
afterEach(async () => {
  await Promise.all(lanes.map((lane) => lane.stop(AbortSignal.abort())));
  lanes = [];
});

export interface Bench {
  readonly source: MemorySource;
  readonly sink: MemorySink<Thing>;
  readonly lane: Lane;
  readonly seen: { readonly [N in keyof LaneEvents]?: LaneEvents[N][] };
}

/** Stopped after the test. */
export function bench(
  settings: Partial<LaneSettings> = {},
  more: { readonly model?: Model<Thing>; readonly bytes?: number; readonly source?: MemorySource } = {},
): Bench {
  const source = more.source ?? createMemorySource();
  const sink = createMemorySink<Thing>();
  const events = new Events();
  const seen: Record<string, unknown[]> = {};
  for (const name of [
    'batch.written',
    'batch.held',
    'batch.split',
    'record.deadLettered',
    'session.lost',
    'session.closed',
    'brake.on',
    'brake.off',
    'signal.marked',
    'defect',
  ] as const) {
    seen[name] = [];
    events.on(name, (event) => seen[name]?.push(event));
  }
  const lane = createLane<Thing>({
    name: 'things',
    queue: 'things',
    model: more.model ?? model,
    source,
    sink,
    settings: { ...quick, ...settings },
    budget: createBudget(more.bytes ?? 1 << 24),
    lanes: 1,
    events,
  });
  lanes.push(lane);
  lane.start();
  return { source, sink, lane, seen: seen as Bench['seen'] };
}

export const empty = ({ source }: Bench): boolean => source.ready === 0 && source.unsettled === 0;
