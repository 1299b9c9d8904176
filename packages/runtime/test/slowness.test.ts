/** A time limit that was passed: a slow store costs time, and only a record that is slow by itself costs that record. */
import {
  type Batch,
  createBudget,
  createLane,
  createMemorySink,
  createMemorySource,
  type Decoded,
  Events,
  fault,
  type Lane,
  type LaneSettings,
  type MemorySink,
  type MemorySource,
  type Model,
  SinkError,
} from '@inator/runtime';
import { afterEach, expect, it } from '@jest/globals';
import { benchSettings } from '../../testkit/src/lane.ts';
import { until } from '../../testkit/src/until.ts';

/** Reads `key:value`. */
const model: Model<string> = {
  name: 'things',
  decode(body): Decoded<string> {
    const [key = '', value = ''] = Buffer.from(body).toString().split(':');
    return { is: 'record', key, hash: `h${value}`, record: value };
  },
  examine: () => undefined,
};

const settings: LaneSettings = {
  ...benchSettings,
  writers: 1,
  batchSize: 8,
  batchBytes: 1 << 20,
  flushIntervalMs: 10,
  window: 100,
  hold: { ...benchSettings.hold, retry: { firstMs: 2, maxMs: 5 }, promptMs: 50 },
  brake: { ...benchSettings.brake, probe: { firstMs: 5, maxMs: 10 } },
  reopen: { firstMs: 5, maxMs: 20 },
};

/** What the time limit of the store is here, in milliseconds. */
const limitMs = 8;

interface Bench {
  readonly source: MemorySource;
  readonly sink: MemorySink<string>;
  readonly lane: Lane;
  readonly seen: { held: number; split: number };
  /** Keys of the tries that passed the limit, by batch. */
  readonly tried: string[];
  /** Which batches pass the limit. */
  tooSlow: (batch: Batch<string>) => boolean;
  is: 'suspect' | 'unavailable';
}

let lanes: Lane[] = [];
afterEach(async () => {
  await Promise.all(lanes.map((lane) => lane.stop(AbortSignal.abort())));
  lanes = [];
});

function bench(more: Partial<LaneSettings> = {}): Bench {
  const source = createMemorySource();
  const sink = createMemorySink<string>();
  const events = new Events();
  const seen = { held: 0, split: 0 };
  events.on('batch.held', () => {
    seen.held += 1;
  });
  events.on('batch.split', () => {
    seen.split += 1;
  });
  const lane = createLane<string>({
    name: 'things',
    queue: 'things',
    model,
    source,
    sink,
    settings: { ...settings, ...more },
    budget: createBudget(1 << 24),
    lanes: 1,
    events,
  });
  const made: Bench = { source, sink, lane, seen, tried: [], tooSlow: () => false, is: 'suspect' };
  sink.before = async (batch) => {
    if (!made.tooSlow(batch)) return;
    made.tried.push(batch.records.map(({ key }) => key).join());
    await new Promise((resolve) => setTimeout(resolve, limitMs));
    throw new SinkError(made.is, fault('store-busy', 'merge', 'took too long'), { slow: true });
  };
  lanes.push(lane);
  lane.start();
  return made;
}

const empty = ({ source }: Bench): boolean => source.ready === 0 && source.unsettled === 0;
const has = (batch: Batch<string>, key: string): boolean => batch.records.some((record) => record.key === key);

it('while the canary is slow as well, a batch that took too long is held whole: not divided, and nobody is suspected', async () => {
  const b = bench();
  let slow = true;
  b.tooSlow = () => slow;
  // Slow to the end: else the last write could be slow and the canary asked about it quick.
  b.sink.canary = () => new Promise((resolve) => setTimeout(resolve, 60));
  for (let i = 0; i < 8; i += 1) b.source.publish(`k${i}:v`);
  await until(() => b.seen.held >= 6, 'held again and again');
  slow = false;
  await until(() => empty(b), 'an empty queue');
  expect([b.sink.rows.size, b.seen.split, b.source.letters.length]).toEqual([8, 0, 0]);
  expect(new Set(b.tried)).toEqual(new Set(['k0,k1,k2,k3,k4,k5,k6,k7']));
});

it('while the canary answers at once, a batch that took too long is halved until its parts pass', async () => {
  const b = bench();
  b.tooSlow = (batch) => batch.records.length > 2;
  for (let i = 0; i < 8; i += 1) b.source.publish(`k${i}:v`);
  await until(() => empty(b), 'an empty queue');
  expect([b.sink.rows.size, b.seen.split, b.source.letters.length]).toEqual([8, 3, 0]);
});

it('a store that is slow with everything but its canary gets no record condemned, however often it is tried', async () => {
  const b = bench({ writers: 2 });
  let slow = true;
  b.tooSlow = () => slow;
  for (let i = 0; i < 16; i += 1) b.source.publish(`k${i}:v`);
  await until(() => b.tried.length > 80, 'many tries');
  expect(b.source.letters).toHaveLength(0);
  slow = false;
  await until(() => empty(b), 'an empty queue');
  expect([b.sink.rows.size, b.source.letters.length]).toEqual([16, 0]);
});

it('a record alone in its queue is held, not condemned: there is nothing to compare it with', async () => {
  const b = bench();
  let slow = true;
  b.tooSlow = () => slow;
  b.source.publish('k:v');
  await until(() => b.tried.length > 30, 'many tries');
  expect(b.source.letters).toHaveLength(0);
  slow = false;
  await until(() => empty(b), 'an empty queue');
  expect(b.sink.rows.size).toBe(1);
});

it('what is found unchanged says nothing about how fast the store writes', async () => {
  const b = bench({ writers: 2 });
  for (let i = 0; i < 8; i += 1) b.source.publish(`k${i}:v`);
  await until(() => empty(b), 'an empty queue');
  b.tooSlow = (batch) => has(batch, 'new');
  b.source.publish('new:v');
  for (let round = 0; round < 40; round += 1) {
    const before = b.tried.length;
    for (let i = 0; i < 8; i += 1) b.source.publish(`k${i}:v`);
    await until(() => b.tried.length > before, 'another try');
  }
  expect(b.source.letters).toHaveLength(0);
});

it('a record that is slow by itself is condemned after five tries, between which others were written in time', async () => {
  const b = bench({ writers: 2 });
  b.tooSlow = (batch) => has(batch, 'heavy');
  for (let i = 0; i < 5; i += 1) b.source.publish(i === 2 ? 'heavy:v' : `k${i}:v`);
  let next = 5;
  await until(() => {
    b.source.publish(`k${next}:v`);
    next += 1;
    return b.source.letters.length > 0;
  }, 'the letter');
  await until(() => empty(b), 'an empty queue');
  expect(b.source.letters.map(({ letter }) => [letter.key, letter.fault.code])).toEqual([
    ['heavy', 'suspect-condemned'],
  ]);
  expect(b.tried.filter((keys) => keys === 'heavy').length).toBeGreaterThanOrEqual(5);
  expect(b.sink.rows.size).toBe(next - 1);
});

it('with one writer it is put off behind its batch, and its neighbours are stored while it is still held', async () => {
  const b = bench();
  let slow = true;
  b.tooSlow = (batch) => slow && has(batch, 'k2');
  const order: string[] = [];
  const before = b.sink.before;
  b.sink.before = async (batch, signal) => {
    await before(batch, signal);
    order.push(...batch.records.map(({ key, record }) => `${key}:${record}`));
  };
  for (const body of ['k0:1', 'k1:1', 'k2:1', 'k3:1', 'k2:2', 'k4:1', 'k5:1', 'k6:1']) b.source.publish(body);
  await until(() => b.sink.rows.size === 6 && b.tried.length > 10, 'the others');
  slow = false;
  await until(() => empty(b), 'an empty queue');
  // The later version of its key waited behind it.
  expect(order.slice(-2)).toEqual(['k2:1', 'k2:2']);
  expect([b.sink.rows.get('k2')?.record, b.source.letters.length]).toEqual(['2', 0]);
});

it('where the store says that waiting for others may have taken the time, nobody is condemned at all', async () => {
  const b = bench({ writers: 2 });
  b.is = 'unavailable';
  let slow = true;
  b.tooSlow = (batch) => slow && has(batch, 'locked');
  b.source.publish('locked:v');
  for (let next = 0; b.tried.length < 30; next += 1) {
    b.source.publish(`k${next}:v`);
    const before = b.tried.length;
    await until(() => b.tried.length > before, 'another try');
  }
  expect(b.source.letters).toHaveLength(0);
  slow = false;
  await until(() => empty(b), 'an empty queue');
});
