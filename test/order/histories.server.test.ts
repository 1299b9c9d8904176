/** Versions: whatever the order of arrival, however many replicas and writers, the latest stands in both stores. */
import { randomBytes } from 'node:crypto';
import { until } from '@inator/testkit';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type OrderStore, openGraphStore, openTableStore, ordered, type Standing } from './stores.ts';

describe.each([
  ['PostgreSQL', openTableStore],
  ['Neo4j', openGraphStore],
])('in %s', (_, open) => {
  let store: OrderStore;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(() => store.close());

  const fresh = (): string => `${randomBytes(5).toString('hex')}-`;

  it('random histories over one to four replicas and one to eight writers end at the highest version', async () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      seq: fc.integer({ min: 0, max: 9 }),
      text: fc.constantFrom('A', 'B', 'C'),
      /** To which of the replicas it is delivered; twice, when it is redelivered to another. */
      to: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 5 }),
        async (steps, replicas, writers, batchSize) => {
          const prefix = fresh();
          const lanes = Array.from({ length: replicas }, () =>
            store.replica({ writers, batchSize, flushIntervalMs: 1, window: 100 }),
          );
          for (const { key, seq, text, to } of steps) {
            for (const i of to) lanes[i % replicas]?.source.publish(ordered(prefix + key, text), { 'x-seq': seq });
          }
          await Promise.all(lanes.map((lane) => lane.drained()));
          expect(lanes.flatMap((lane) => lane.letters())).toEqual([]);
          await Promise.all(lanes.map((lane) => lane.stop()));

          const highest = new Map<string, Standing>();
          for (const { key, seq, text } of steps) {
            const best = highest.get(key);
            // Of two contents under one version the greater hash stands, and the hash is the text here.
            const wins = best === undefined || seq > Number(best.seq) || (seq === Number(best.seq) && text > best.hash);
            if (wins) highest.set(key, { key: prefix + key, seq: String(seq), hash: text, text });
          }
          const expected = [...highest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, standing]) => standing);
          expect(await store.standing(prefix)).toEqual(expected);
        },
      ),
      { numRuns: 12 },
    );
  }, 180_000);

  it('an older version that comes back after the later one was stored elsewhere changes nothing', async () => {
    const prefix = fresh();
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let waiting = false;
    // The first replica has the first version in hand when it dies; the second stores the second version.
    const doomed = store.replica({}, () => {
      waiting = true;
      return gate;
    });
    doomed.source.publish(ordered(`${prefix}x`, 'one'), { 'x-seq': 1 });
    await until(() => waiting, 'the first version is in hand');
    const heir = store.replica();
    heir.source.publish(ordered(`${prefix}x`, 'two'), { 'x-seq': 2 });
    await heir.drained();
    await doomed.lane.stop(AbortSignal.abort());
    heir.source.publish(ordered(`${prefix}x`, 'one'), { 'x-seq': 1 });
    await heir.drained();
    release();
    expect(await store.standing(prefix)).toEqual([{ key: `${prefix}x`, seq: '2', hash: 'two', text: 'two' }]);
    expect(heir.lane.snapshot().totals.stale).toBe(1);
    await heir.stop();
  });

  it('a letter that is sent back weeks later is stale, and is acked as such', async () => {
    const prefix = fresh();
    const lane = store.replica();
    for (const [seq, text] of [
      [1, 'old'],
      [7, 'new'],
      [1, 'old'],
    ] as const) {
      lane.source.publish(ordered(`${prefix}x`, text), { 'x-seq': seq, 'x-inator-replays': 1 });
      await lane.drained();
    }
    expect((await store.standing(prefix)).map(({ text }) => text)).toEqual(['new']);
    expect([lane.lane.snapshot().totals.stale, lane.letters()]).toEqual([1, []]);
    await lane.stop();
  });

  it('the same content under a later version keeps what lies between out: A, A again, then a late B', async () => {
    const prefix = fresh();
    const lane = store.replica();
    for (const [seq, text] of [
      [1, 'A'],
      [3, 'A'],
      [2, 'B'],
    ] as const) {
      lane.source.publish(ordered(`${prefix}x`, text), { 'x-seq': seq });
      await lane.drained();
    }
    expect(await store.standing(prefix)).toEqual([{ key: `${prefix}x`, seq: '3', hash: 'A', text: 'A' }]);
    await lane.stop();
  });

  it('a record without a version never overwrites one with, and is overwritten by one', async () => {
    const prefix = fresh();
    const lane = store.replica({ writers: 1 });
    for (const [key, text, seq] of [
      ['x', 'versioned', 1],
      ['x', 'unversioned', undefined],
      ['y', 'unversioned', undefined],
      ['y', 'versioned', 1],
    ] as const) {
      lane.source.publish(ordered(prefix + key, text), seq === undefined ? {} : { 'x-seq': seq });
      await lane.drained();
    }
    expect((await store.standing(prefix)).map(({ text }) => text)).toEqual(['versioned', 'versioned']);
    await lane.stop();
  });
});
