/**
 * What every sink must do, written once and run against the memory sink and the real ones. A sink's package hands over a
 * way to make one and to look at what it stored; the promises tested are those of `Sink` and of docs/guarantees.md.
 */

import { type Batch, type Counts, type Keyed, type Model, noCounts, type Receipt, type Sink } from '@inator/runtime';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

export interface SinkHarness<R> {
  readonly sink: Sink<R>;
  readonly model: Model<R>;
  /** A record of this key whose stored content is `value`; its hash depends on the value alone. */
  make(key: string, value: string): { readonly record: R; readonly hash: string };
  /** What is stored now, by key: the value it was made of. */
  stored(): Promise<ReadonlyMap<string, string>>;
  dispose(): Promise<void>;
}

type Written = readonly [key: string, value: string, seq?: number];

export function describeSink<R>(name: string, make: () => Promise<SinkHarness<R>>): void {
  describe(`${name} keeps the contract of a sink`, () => {
    let harness: SinkHarness<R>;
    const never = new AbortController().signal;

    beforeEach(async () => {
      harness = await make();
      await harness.sink.open(never);
    });
    afterEach(async () => {
      await harness.sink.close();
      await harness.dispose();
    });

    const batch = (records: readonly Written[]): Batch<R> => {
      const keyed: Keyed<R>[] = records.map(([key, value, seq]) => ({
        key,
        ...harness.make(key, value),
        seq: seq === undefined ? undefined : BigInt(seq),
        bytes: 100,
      }));
      return { model: harness.model, records: keyed, bytes: 100 * keyed.length, sealedBy: 'records' };
    };
    const write = (...records: Written[]): Promise<Receipt> => harness.sink.write(batch(records), never);
    const counts = (some: Partial<Counts>): Counts => ({ ...noCounts, ...some });
    const content = async (): Promise<Record<string, string>> =>
      Object.fromEntries([...(await harness.stored())].sort());

    it('creates what is new, one outcome a record', async () => {
      const receipt = await write(['a', '1'], ['b', '2'], ['c', '3']);
      expect(receipt.counts).toEqual(counts({ created: 3 }));
      expect(receipt.outcomes.map((outcome) => outcome.is)).toEqual(['stored', 'stored', 'stored']);
      expect(await content()).toEqual({ a: '1', b: '2', c: '3' });
    });

    it('finds a replay unchanged', async () => {
      await write(['a', '1'], ['b', '2']);
      expect((await write(['b', '2'], ['a', '1'])).counts).toEqual(counts({ unchanged: 2 }));
    });

    it('tells created, updated and unchanged apart in one batch', async () => {
      await write(['a', '1'], ['b', '2']);
      expect((await write(['a', '1'], ['b', 'new'], ['c', '3'])).counts).toEqual(
        counts({ created: 1, updated: 1, unchanged: 1 }),
      );
      expect(await content()).toEqual({ a: '1', b: 'new', c: '3' });
    });

    it('keeps the last arrival of a key that stands several times in a batch', async () => {
      expect((await write(['x', '1'], ['y', '1'], ['x', '2'], ['x', '3'])).counts).toEqual(
        counts({ created: 2, collapsed: 2 }),
      );
      expect(await content()).toEqual({ x: '3', y: '1' });
    });

    it('keeps the highest version of a key in a batch, whatever the order', async () => {
      expect((await write(['x', 'three', 3], ['x', 'one', 1], ['x', 'two', 2])).counts).toEqual(
        counts({ created: 1, collapsed: 2 }),
      );
      expect(await content()).toEqual({ x: 'three' });
    });

    it('never overwrites a later version with an earlier one', async () => {
      await write(['x', 'two', 2]);
      expect((await write(['x', 'one', 1])).counts).toEqual(counts({ stale: 1 }));
      expect((await write(['x', 'three', 3])).counts).toEqual(counts({ updated: 1 }));
      expect(await content()).toEqual({ x: 'three' });
    });

    it('lets an equal hash advance the version, so that what lies between stays out', async () => {
      await write(['x', 'A', 1]);
      expect((await write(['x', 'A', 3])).counts).toEqual(counts({ unchanged: 1 }));
      expect((await write(['x', 'B', 2])).counts).toEqual(counts({ stale: 1 }));
      expect(await content()).toEqual({ x: 'A' });
    });

    it('does not overwrite a versioned record with an unversioned one', async () => {
      await write(['x', 'versioned', 1]);
      expect((await write(['x', 'unversioned'])).counts).toEqual(counts({ stale: 1 }));
      expect(await content()).toEqual({ x: 'versioned' });
    });

    it('overwrites an unversioned record with a versioned one', async () => {
      await write(['x', 'unversioned']);
      expect((await write(['x', 'versioned', 0])).counts).toEqual(counts({ updated: 1 }));
      expect(await content()).toEqual({ x: 'versioned' });
    });

    it('counts the records whose version does not decide: the same version with another content', async () => {
      await write(['x', 'A', 1], ['y', 'A', 1], ['z', 'unversioned']);
      const { counts: met } = await write(['x', 'B', 1], ['y', 'A', 1], ['z', 'unversioned too'], ['new', 'A', 1]);
      expect(met.tied).toBe(1);
      expect(met.updated + met.stale).toBe(2);
      expect((await write(['x', 'C', 2])).counts.tied).toBeUndefined();
    });

    it('decides between two contents of one version alike, whichever comes first', async () => {
      await write(['x', 'A', 1], ['y', 'B', 1]);
      await write(['x', 'B', 1], ['y', 'A', 1]);
      await write(['z', 'A', 1], ['z', 'B', 1]);
      await write(['w', 'B', 1], ['w', 'A', 1]);
      const { x, y, z, w } = await content();
      expect([y, z, w]).toEqual([x, x, x]);
    });

    it('stores every key of writers that run side by side', async () => {
      const keys = Array.from({ length: 200 }, (_, index) => `k${index}`);
      const receipts = await Promise.all(
        [0, 1, 2, 3].map((writer) =>
          write(...keys.filter((_, index) => index % 4 === writer).map((key): Written => [key, 'v'])),
        ),
      );
      expect(receipts.reduce((sum, receipt) => sum + receipt.counts.created, 0)).toBe(200);
      expect((await harness.stored()).size).toBe(200);
    });

    it('opens twice without harm', async () => {
      await write(['a', '1']);
      await harness.sink.open(never);
      expect(await content()).toEqual({ a: '1' });
    });

    it('passes the canary', async () => {
      await expect(harness.sink.check(never)).resolves.toBeUndefined();
    });

    it('rejects soon when it is aborted, and stores or does not store the batch whole', async () => {
      const aborted = harness.sink.write(
        batch(Array.from({ length: 100 }, (_, index): Written => [`k${index}`, 'v'])),
        AbortSignal.timeout(1),
      );
      await aborted.catch(() => undefined);
      expect([0, 100]).toContain((await harness.stored()).size);
    });
  });
}
