/** What a lane does when all is well: batches, order, signals, the drain, and the bytes it holds. */
import { MarkInterrupted } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import { until } from '../../testkit/src/until.ts';
import { bench, empty } from './bench.ts';

describe('a lane', () => {
  it('stores every record and leaves the queue empty', async () => {
    const b = bench();
    for (let i = 0; i < 1000; i += 1) b.source.publish(`k${i}:v`);
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size).toBe(1000);
    expect(b.lane.snapshot().totals).toMatchObject({ consumed: 1000, acked: 1000, created: 1000, deadLettered: 0 });
  });

  it('seals by records, and by age when nothing else comes', async () => {
    const b = bench({ writers: 1 });
    for (let i = 0; i < 23; i += 1) b.source.publish(`k${i}:v`);
    await until(() => empty(b), 'queue empty');
    expect(b.sink.batches.map((batch) => [batch.records.length, batch.sealedBy])).toEqual([
      [10, 'records'],
      [10, 'records'],
      [3, 'age'],
    ]);
  });

  it('seals a full window at once when the window is smaller than a batch', async () => {
    const b = bench({ writers: 1, batchSize: 500, window: 10, flushIntervalMs: 60_000 });
    for (let i = 0; i < 100; i += 1) b.source.publish(`k${i}:v`);
    await until(() => empty(b), 'queue empty');
    expect(new Set(b.sink.batches.map((batch) => batch.sealedBy))).toEqual(new Set(['window']));
  });

  it('seals by bytes', async () => {
    const b = bench({ writers: 1, batchBytes: 100, flushIntervalMs: 60_000 });
    for (let i = 0; i < 4; i += 1) b.source.publish(`k${i}:${'x'.repeat(60)}`);
    await until(() => empty(b), 'queue empty');
    expect(b.sink.batches.map((batch) => batch.sealedBy)).toEqual(['bytes', 'bytes']);
  });

  it('keeps versions of a key in order although writers run side by side', async () => {
    const b = bench({ writers: 4 });
    b.sink.before = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
    for (let version = 0; version < 50; version += 1)
      for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) b.source.publish(`${key}:${version}`);
    await until(() => empty(b), 'queue empty');
    expect([...b.sink.rows.values()].map((row) => row.record.value)).toEqual(Array(6).fill('49'));
  });

  it('passes a signal only after everything before it is stored, and before anything behind it', async () => {
    const b = bench();
    const order: string[] = [];
    b.sink.before = (batch) => {
      order.push(...batch.records.map((record) => record.key));
    };
    const { mark } = b.sink;
    b.sink.mark = (signal, of, context) => {
      order.push('signal');
      return mark(signal, of, context);
    };
    for (let i = 0; i < 25; i += 1) b.source.publish(`a${i}:v`);
    b.source.publish('#things');
    for (let i = 0; i < 25; i += 1) b.source.publish(`b${i}:v`);
    await until(() => empty(b), 'queue empty');
    expect(order.indexOf('signal')).toBe(25);
    expect(order).toHaveLength(51);
    expect(b.sink.marks).toHaveLength(1);
  });

  it('gives a signal back unsettled, at once, when the drain interrupts what it began', async () => {
    const b = bench();
    let draining: AbortSignal | undefined;
    b.sink.mark = async (_signal, _of, context) => {
      draining = context.draining;
      await new Promise((resolve) => context.draining.addEventListener('abort', resolve, { once: true }));
      throw new MarkInterrupted();
    };
    b.source.publish('a:v');
    b.source.publish('#things');
    await until(() => draining !== undefined, 'the signal');
    const began = performance.now();
    expect(await b.lane.stop(AbortSignal.timeout(30_000))).toBe(1);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(b.source.ready).toBe(1);
    expect(b.sink.rows.size).toBe(1);
  });

  it('drains on stop: nothing acked is missing, nothing is left', async () => {
    const b = bench({ flushIntervalMs: 60_000 });
    for (let i = 0; i < 95; i += 1) b.source.publish(`k${i}:v`);
    await until(() => b.source.unsettled > 0, 'taken');
    const left = await b.lane.stop(AbortSignal.timeout(5000));
    expect(left).toBe(0);
    expect(b.sink.rows.size).toBe(95 - b.source.ready);
    expect(b.lane.snapshot().state).toBe('stopped');
  });

  it('stays inside its bytes however large the bodies are, and stores them all', async () => {
    const b = bench({ window: 100, suspectAfter: 1000, condemnAfter: 2000 }, { bytes: 100_000 });
    let peak = 0;
    b.sink.before = () => {
      peak = Math.max(peak, b.lane.snapshot().pendingBytes);
    };
    for (let i = 0; i < 100; i += 1) b.source.publish(`k${i}:${'x'.repeat(20_000)}`);
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size).toBe(100);
    expect(peak).toBeLessThanOrEqual(120_100);
    expect(b.lane.snapshot().window).toBeLessThanOrEqual(5);
  });

  it('accounts for every millisecond of its writers', async () => {
    const b = bench({ writers: 1 });
    const began = performance.now();
    b.sink.before = () => new Promise((resolve) => setTimeout(resolve, 2));
    for (let i = 0; i < 200; i += 1) b.source.publish(`k${i}:v`);
    await until(() => empty(b), 'queue empty');
    const [writer] = b.lane.snapshot().writers;
    const sum = Object.values(writer?.spentMs ?? {}).reduce((a, x) => a + x, 0);
    expect(Math.abs(sum - (performance.now() - began))).toBeLessThan(50);
    expect(writer?.spentMs.writing).toBeGreaterThan(20);
  });
});
