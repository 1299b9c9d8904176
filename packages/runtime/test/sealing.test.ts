import {
  createBudget,
  createLane,
  createMemorySink,
  createMemorySource,
  Events,
  type Lane,
  type LaneEvents,
  type LaneSettings,
  type Model,
} from '@inator/runtime';
import { afterEach, describe, expect, it } from '@jest/globals';
import { benchSettings } from '../../testkit/src/lane.ts';
import { until } from '../../testkit/src/until.ts';

const model: Model<string> = {
  name: 'things',
  decode(body) {
    const key = Buffer.from(body).toString();
    return { is: 'record', key, hash: key, record: key };
  },
};

const settings: LaneSettings = {
  ...benchSettings,
  writers: 1,
  batchSize: 10,
  flushIntervalMs: 60_000,
  natural: true,
  window: 1_000,
};

let lane: Lane;
afterEach(() => lane.stop(AbortSignal.abort()));

function start(some: Partial<LaneSettings> = {}) {
  const source = createMemorySource();
  const sink = createMemorySink<string>();
  const events = new Events();
  const resized: LaneEvents['batch.resized'][] = [];
  const written: LaneEvents['batch.written'][] = [];
  events.on('batch.resized', (event) => resized.push(event));
  events.on('batch.written', (event) => written.push(event));
  const parts = { name: 'things', queue: 'things', model, source, sink, settings: { ...settings, ...some } };
  lane = createLane<string>({ ...parts, budget: createBudget(1 << 24), lanes: 1, events });
  lane.start();
  return { source, sink, resized, written };
}

describe('natural batching', () => {
  it('stores a single record at once, however long the flush interval', async () => {
    const { source, sink, written } = start();
    source.publish('one');
    await until(() => sink.rows.size === 1, 'one record stored');
    await until(() => written.length === 1, 'its event');
    expect(written[0]?.sealedBy).toBe('idle');
  });

  it('lets a batch grow while another is written', async () => {
    const { source, sink } = start();
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    let first = true;
    sink.before = () => {
      if (!first) return;
      first = false;
      return gate;
    };
    source.publish('0');
    await until(() => sink.batches.length === 1 || !first, 'the first batch under way');
    for (let i = 1; i <= 7; i += 1) source.publish(`${i}`);
    await until(() => lane.snapshot().pendingRecords === 8, 'the rest in hand');
    open();
    await until(() => sink.rows.size === 8, 'all stored');
    expect(sink.batches.map(({ records }) => records.length)).toEqual([1, 7]);
  });

  it('still fills batches under load', async () => {
    const { source, sink } = start();
    sink.before = () => new Promise((resolve) => setTimeout(resolve, 2));
    for (let i = 0; i < 1_000; i += 1) source.publish(`${i}`);
    await until(() => sink.rows.size === 1_000, 'all stored');
    expect(sink.batches.filter(({ records }) => records.length === 10).length).toBeGreaterThan(80);
  });
});

describe('adaptive batch size', () => {
  it('finds the larger batches that a slow round trip wants, and stores every record once', async () => {
    const { source, sink, resized } = start({
      natural: false,
      flushIntervalMs: 50,
      adaptive: { min: 10, max: 80 },
      window: 160,
    });
    sink.before = () => new Promise((resolve) => setTimeout(resolve, 20));
    const total = 100_000;
    let published = 0;
    await until(() => {
      while (source.ready < 500 && published < total) source.publish(`${published++}`);
      return lane.snapshot().batchSize > 25 || published === total;
    }, 'larger batches');
    expect(lane.snapshot().batchSize).toBeGreaterThan(25);
    expect(resized[0]).toMatchObject({ lane: 'things', from: 10 });
    await until(() => sink.rows.size === published && source.unsettled === 0, 'all stored');
    expect(lane.snapshot().totals.created).toBe(published);
  });
});

describe('several writers', () => {
  const several = { natural: false, writers: 2 };
  const keys = (count: number) => Array.from({ length: count }, (_, i) => `key ${i}`);

  it.each([10, 30])(
    'write a burst of %i records, whole batches of ten, without waiting for the interval',
    async (count) => {
      const { source, sink, written } = start(several);
      for (const key of keys(count)) source.publish(key);
      await until(() => sink.rows.size === count, 'all stored');
      await until(() => written.reduce((sum, { records }) => sum + records, 0) === count, 'their events');
      expect(new Set(written.map(({ sealedBy }) => sealedBy))).toEqual(new Set(['records']));
    },
  );

  it('leave fewer than a batch to the interval', async () => {
    const { source, sink, written } = start({ ...several, flushIntervalMs: 200 });
    for (const key of keys(9)) source.publish(key);
    await until(() => sink.rows.size === 9, 'all stored');
    await until(() => written.length === 2, 'their events');
    expect(written.map(({ sealedBy }) => sealedBy)).toEqual(['age', 'age']);
  });

  it('fill their batches while records keep coming', async () => {
    const { source, sink, written } = start({ ...several, batchSize: 50, flushIntervalMs: 1_000 });
    for (const key of keys(1_000)) {
      source.publish(key);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => sink.rows.size === 1_000, 'all stored');
    await until(() => written.reduce((sum, { records }) => sum + records, 0) === 1_000, 'their events');
    expect(written.filter(({ records }) => records === 50).length).toBeGreaterThanOrEqual(15);
  });
});
