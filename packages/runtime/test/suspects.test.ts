/** A store that fails for no known cause while its canary passes: who is condemned for it, and who is not. */
import {
  type Batch,
  createBudget,
  createLane,
  createMemorySink,
  createMemorySource,
  type Decoded,
  defaultBrake,
  defaultHold,
  Events,
  type Lane,
  type LaneSettings,
  type MemorySink,
  type MemorySource,
  type Model,
} from '@inator/runtime';
import { afterEach, expect, it } from '@jest/globals';

const model: Model<string> = {
  name: 'lines',
  decode(body): Decoded<string> {
    const key = Buffer.from(body).toString();
    return { is: 'record', key, hash: key, record: key };
  },
  examine: () => undefined,
};

const settings: LaneSettings = {
  writers: 1,
  batchSize: 8,
  batchBytes: 1 << 20,
  flushIntervalMs: 10,
  natural: false,
  adaptive: undefined,
  window: 100,
  maxRecordBytes: 1 << 20,
  seqSource: 'auto',
  suspectAfter: 3,
  condemnAfter: 18,
  hold: { ...defaultHold, retry: { firstMs: 1, maxMs: 3 } },
  brake: defaultBrake,
  reopen: { firstMs: 5, maxMs: 20 },
};

interface Bench {
  readonly source: MemorySource;
  readonly sink: MemorySink<string>;
  /** Batches that failed. */
  failed: number;
  fails: (batch: Batch<string>) => boolean;
}

let lanes: Lane[] = [];
afterEach(async () => {
  await Promise.all(lanes.map((lane) => lane.stop(AbortSignal.abort())));
  lanes = [];
});

function bench(hold: Partial<LaneSettings['hold']> = {}): Bench {
  const source = createMemorySource();
  const sink = createMemorySink<string>();
  const lane = createLane<string>({
    name: 'lines',
    queue: 'lines',
    model,
    source,
    sink,
    settings: { ...settings, hold: { ...settings.hold, ...hold } },
    budget: createBudget(1 << 24),
    lanes: 1,
    events: new Events(),
  });
  const made: Bench = { source, sink, failed: 0, fails: () => false };
  sink.before = (batch) => {
    if (!made.fails(batch)) return;
    made.failed += 1;
    throw new RangeError('nobody knows why');
  };
  lanes.push(lane);
  lane.start();
  return made;
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const empty = ({ source }: Bench): boolean => source.ready === 0 && source.unsettled === 0;
const letters = ({ source }: Bench): string[] =>
  source.letters.map(({ letter }) => `${letter.key} ${letter.fault.code}`);

it('a store that fails with everything but its canary gets nobody condemned', async () => {
  const b = bench();
  let ill = true;
  b.fails = () => ill;
  for (let i = 0; i < 20; i += 1) b.source.publish(`k${i}`);
  await until(() => b.failed > 100, 'many tries');
  expect(letters(b)).toEqual([]);
  ill = false;
  await until(() => empty(b), 'an empty queue');
  expect([b.sink.rows.size, letters(b)]).toEqual([20, []]);
});

it('one record it always fails with is condemned as soon as its neighbours are written', async () => {
  const b = bench();
  b.fails = (batch) => batch.records.some(({ key }) => key === 'k2');
  for (let i = 0; i < 8; i += 1) b.source.publish(`k${i}`);
  await until(() => empty(b), 'an empty queue');
  expect([b.sink.rows.size, letters(b)]).toEqual([7, ['k2 suspect-condemned']]);
});

it('neighbours that were there already prove nothing against it', async () => {
  const b = bench();
  let ill = true;
  b.fails = (batch) => ill && batch.records.some(({ key }) => key === 'k2');
  // Written, but found unchanged: it shows nothing of what the store can write.
  for (let i = 0; i < 8; i += 1) if (i !== 2) b.source.publish(`k${i}`);
  await until(() => empty(b), 'the others');
  b.source.publish('k2');
  for (let i = 3; i < 8; i += 1) b.source.publish(`k${i}`);
  await until(() => b.failed > 60, 'many tries');
  expect(letters(b)).toEqual([]);
  ill = false;
  await until(() => empty(b), 'an empty queue');
  expect([b.sink.rows.size, letters(b)]).toEqual([8, []]);
});

it('a record alone in its queue is condemned once it has failed for the time set', async () => {
  const b = bench({ suspectAloneMs: 150 });
  b.fails = () => true;
  const began = performance.now();
  b.source.publish('k');
  await until(() => empty(b), 'an empty queue');
  expect(performance.now() - began).toBeGreaterThanOrEqual(150);
  expect(b.failed).toBeGreaterThan(5);
  expect(letters(b)).toEqual(['k suspect-condemned']);
});
