/** What goes back to the queue for want of the store: the broker allows few returns, so they must last. */
import { createMemorySource, fault, type MemorySource, SinkError } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import { until } from '../../testkit/src/until.ts';
import { afterReturnMs } from '../src/supervision.ts';
import { bench, empty, quick } from './bench.ts';

const hour = 3_600_000;

/** Each message is delivered and given back this often, as other processes do whose store is away. */
async function returned(source: MemorySource, times: number): Promise<void> {
  const { signal } = new AbortController();
  for (let i = 0; i < times; i += 1) {
    let lent = 0;
    const waiting = source.ready;
    await source.open(
      () => {
        lent += 1;
      },
      { window: 1_000, signal },
    );
    await until(() => lent === waiting, 'all delivered');
    source.lose();
  }
}

describe('a store that takes no writes, and whose canary does not see it', () => {
  it('is offered the same records ever more seldom, and at once on an operator’s word', async () => {
    const limitMs = 10;
    const b = bench({ hold: { ...quick.hold, limitMs } });
    let away = true;
    b.sink.before = () => {
      if (away) throw new SinkError('unavailable', fault('store-busy', 'merge', 'no room'));
    };
    for (let i = 0; i < 20; i += 1) b.source.publish(`k${i}:v`);
    const since = performance.now();
    await until(() => performance.now() - since > 1_200, 'more than a second');
    // 0 + 10 + 20 + 40 + … + 640 ms lie between them.
    expect(b.source.sessions).toBeGreaterThan(3);
    expect(b.source.sessions).toBeLessThanOrEqual(9);
    expect(b.lane.snapshot()).toMatchObject({ state: 'starting', reason: expect.stringContaining('no room') });
    away = false;
    const asked = performance.now();
    await b.lane.resume();
    await until(() => empty(b), 'queue empty');
    expect(performance.now() - asked).toBeLessThan(500);
    expect([b.sink.rows.size, b.source.letters.length]).toEqual([20, 0]);
  });

  it('spends the 20 returns that a broker allows in two weeks, not in a night', () => {
    const holdMs = 450_000;
    let lasts = 0;
    for (let returns = 1; returns < 20; returns += 1) lasts += holdMs + afterReturnMs(returns, holdMs);
    expect(lasts).toBeGreaterThan(14 * 24 * hour);
    // What goes wrong for some time is taken up again after as long a time at most.
    for (let returns = 1, gone = 0; returns < 20; returns += 1) {
      gone += holdMs;
      expect(afterReturnMs(returns, holdMs)).toBeLessThanOrEqual(gone);
      gone += afterReturnMs(returns, holdMs);
    }
  });
});

it('records that were given back more often than a crash suspect may be are tried, not condemned unread', async () => {
  const source = createMemorySource();
  for (let i = 0; i < 5; i += 1) source.publish(`k${i}:v`);
  await returned(source, 22);
  const b = bench({}, { source });
  await until(() => empty(b), 'queue empty');
  expect([b.sink.rows.size, source.letters.length]).toEqual([5, 0]);
});

it('a brake that stays on gives its records back before the broker takes them, and goes on from there', async () => {
  const b = bench({ writers: 2, hold: { ...quick.hold, limitMs: 100 } });
  let strict = true;
  b.sink.before = () => {
    if (strict) throw new SinkError('refused', fault('constraint-refused', 'merge', 'no'), { culprit: 0 });
  };
  for (let i = 0; i < 60; i += 1) b.source.publish(`k${i}:v`);
  await until(() => b.source.sessions >= 3 && b.source.unsettled === 0, 'given back');
  expect(b.lane.snapshot().state).toBe('braked');
  const letters = b.source.letters.length;
  expect(letters).toBeLessThanOrEqual(20);
  strict = false;
  await until(() => empty(b), 'queue empty');
  expect([b.sink.rows.size, b.source.letters.length]).toEqual([60 - letters, letters]);
  expect(b.lane.snapshot()).toMatchObject({ state: 'consuming', totals: { sessionsLost: 0 } });
});

it('consumed less settled and returned is what is in hand, whoever ended the session', async () => {
  const b = bench({ hold: { ...quick.hold, limitMs: 10 }, window: 50 });
  let away = true;
  b.sink.before = () => {
    if (away) throw new SinkError('unavailable', fault('store-busy', 'merge', 'no room'));
  };
  const inHand = (): number => {
    const { consumed, acked, deadLettered } = b.lane.snapshot().totals;
    const ended = [...(b.seen['session.lost'] ?? []), ...(b.seen['session.closed'] ?? [])];
    return consumed - acked - deadLettered - ended.reduce((sum, { unsettled }) => sum + unsettled, 0);
  };
  for (let i = 0; i < 100; i += 1) b.source.publish(`k${i}:v`);
  await until(() => b.source.sessions >= 4 && b.source.unsettled === 50, 'let go, and taken again');
  expect(inHand()).toBe(50);
  b.source.lose();
  await until(() => b.source.unsettled === 0, 'lost');
  away = false;
  await b.lane.resume();
  await until(() => empty(b), 'queue empty');
  expect(inHand()).toBe(0);
  away = true;
  for (let i = 0; i < 7; i += 1) b.source.publish(`l${i}:v`);
  await until(() => b.source.unsettled === 7, 'taken');
  expect(await b.lane.stop(AbortSignal.abort())).toBe(7);
  expect(inHand()).toBe(0);
});
