/** The store, the broker or the place of letters is away: time is lost, and nothing else. */
import { fault, SinkError, SourceError } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import { until } from '../../testkit/src/until.ts';
import { bench, empty, quick } from './bench.ts';

describe('a lane whose servers are away', () => {
  it('holds through an outage without giving anything back', async () => {
    const b = bench();
    let away = true;
    b.sink.before = () => {
      if (away) throw new SinkError('unavailable', fault('store-unreachable', 'merge', 'away'));
    };
    for (let i = 0; i < 200; i += 1) b.source.publish(`k${i}:v`);
    await until(() => (b.seen['batch.held']?.length ?? 0) > 6, 'held');
    expect(b.lane.snapshot()).toMatchObject({ state: 'holding', code: 'store-unreachable' });
    expect(b.source.sessions).toBe(1);
    away = false;
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size).toBe(200);
    expect(b.source.letters).toHaveLength(0);
    expect(b.lane.snapshot()).toMatchObject({ state: 'consuming', code: undefined });
  });

  it('lets go when an outage outlasts the limit, and consumes again only when the store answers', async () => {
    const b = bench({ hold: { ...quick.hold, limitMs: 20 } });
    let away = true;
    const unreachable = (): void => {
      if (away) throw new SinkError('unavailable', fault('store-unreachable', 'merge', 'away'));
    };
    b.sink.before = unreachable;
    b.sink.canary = unreachable;
    b.source.publish('k:v');
    await until(() => (b.seen['batch.held']?.length ?? 0) > 0, 'held');
    await until(() => b.source.unsettled === 0 && b.source.ready === 1, 'given back');
    const sessions = b.source.sessions;
    await until(() => b.lane.snapshot().state === 'starting', 'waiting for the store');
    expect(b.source.sessions).toBe(sessions);
    away = false;
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size).toBe(1);
  });

  it('treats an unknown error as an outage while the canary fails', async () => {
    const b = bench();
    let away = true;
    b.sink.before = () => {
      if (away) throw new Error('who knows');
    };
    b.sink.canary = () => {
      if (away) throw new Error('away');
    };
    for (let i = 0; i < 20; i += 1) b.source.publish(`k${i}:v`);
    await until(() => (b.seen['batch.held']?.length ?? 0) > 8, 'held');
    away = false;
    await until(() => empty(b), 'queue empty');
    expect(b.source.letters).toHaveLength(0);
  });

  it('stores everything although the connection is cut again and again', async () => {
    const b = bench({ suspectAfter: 100 });
    b.sink.before = () => new Promise((resolve) => setTimeout(resolve, 1));
    for (let i = 0; i < 2000; i += 1) b.source.publish(`k${i % 700}:${i}`);
    for (let cut = 0; cut < 12; cut += 1) {
      const batches = b.sink.batches.length;
      await until(() => b.sink.batches.length > batches + 3 || empty(b), 'some batches');
      b.source.lose();
    }
    await until(() => empty(b), 'queue empty');
    expect(b.source.lateAcks).toBe(0);
    expect(b.sink.rows.size).toBe(700);
    expect([...b.sink.rows.values()].every((row) => Number(row.record.value) >= 1300)).toBe(true);
  });

  it('keeps the original when a letter cannot be confirmed, and tries again', async () => {
    const b = bench();
    let refusals = 0;
    b.source.beforeLetter = () => {
      refusals += 1;
      if (refusals < 4) throw new Error('no confirm');
    };
    b.source.publish('!x');
    b.source.publish('k:v');
    await until(() => empty(b), 'queue empty');
    expect(refusals).toBe(4);
    expect(b.source.letters).toHaveLength(1);
  });

  it('consumes on while letters fail, and says why for as long as they do', async () => {
    const b = bench();
    let mayPass = false;
    b.source.beforeLetter = () => {
      if (!mayPass) throw new SourceError('misconfigured', fault('broker-refused', 'settle', 'the queue is full'));
    };
    b.source.publish('!x');
    b.source.publish('!y');
    b.source.publish('k:v');
    const failing = { state: 'consuming', reason: 'dead letters wait: the queue is full' };
    await until(() => b.lane.snapshot().reason !== undefined && b.sink.rows.size === 1, 'the letter failed');
    expect(b.lane.snapshot()).toMatchObject(failing);
    // The session that comes next gets the records again; the letters of the one that ended are nobody's.
    b.source.lose();
    await until(() => b.lane.snapshot().totals.sessionsLost === 1, 'the session was lost');
    await until(() => b.lane.snapshot().reason === failing.reason, 'the records came again, and their letters failed');
    mayPass = true;
    await until(() => empty(b), 'queue empty');
    expect(b.source.letters).toHaveLength(2);
    expect(b.lane.snapshot()).toMatchObject({ state: 'consuming', reason: undefined });
  });

  it('stops by the deadline while the store is away, and leaves the records to the queue', async () => {
    const b = bench();
    b.sink.before = () => {
      throw new SinkError('unavailable', fault('store-unreachable', 'merge', 'away'));
    };
    for (let i = 0; i < 50; i += 1) b.source.publish(`k${i}:v`);
    await until(() => (b.seen['batch.held']?.length ?? 0) > 0, 'held');
    const left = await b.lane.stop(AbortSignal.timeout(50));
    expect(left).toBe(50);
    expect(b.source.ready).toBe(50);
    expect(b.source.letters).toHaveLength(0);
  });
});
