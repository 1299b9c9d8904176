/** Records that are refused, by the model, the store or the number of crashes: each costs itself, and too many brake. */
import { createMemorySource, fault, SinkError } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import { until } from '../../testkit/src/until.ts';
import { bench, empty, quick } from './bench.ts';

describe('a lane whose records are refused', () => {
  it('dead-letters a record that does not decode, alone', async () => {
    const b = bench();
    for (let i = 0; i < 20; i += 1) b.source.publish(i === 7 ? '!nonsense' : `k${i}:v`);
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size).toBe(19);
    expect(b.source.letters.map(({ body, letter }) => [Buffer.from(body).toString(), letter.fault.code])).toEqual([
      ['!nonsense', 'json-invalid'],
    ]);
  });

  it('finds an unnamed culprit by bisection and writes its neighbours', async () => {
    const b = bench({ writers: 1 });
    b.sink.before = (batch) => {
      if (batch.records.some((record) => record.record.value === 'poison'))
        throw new SinkError('refused', fault('constraint-refused', 'merge', 'no'));
    };
    for (let i = 0; i < 30; i += 1) b.source.publish(i === 13 ? 'k13:poison' : `k${i}:v`);
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size).toBe(29);
    expect(b.source.letters.map(({ letter }) => [letter.key, letter.fault.code])).toEqual([
      ['k13', 'constraint-refused'],
    ]);
  });

  it('asks the model which records are bad, all at once, before it divides', async () => {
    const b = bench({ writers: 1 });
    let writes = 0;
    b.sink.before = (batch) => {
      writes += 1;
      if (batch.records.some((record) => record.record.value === 'bad'))
        throw new SinkError('refused', fault('value-refused', 'copy', 'no'), { culprit: 0 });
    };
    for (let i = 0; i < 10; i += 1) b.source.publish(`k${i}:${i % 3 === 0 ? 'bad' : 'v'}`);
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size).toBe(6);
    expect(b.source.letters).toHaveLength(4);
    expect(writes).toBe(2);
  });

  it('dead-letters what the store refuses within a batch that it takes, and brakes when that is too much', async () => {
    const b = bench({ writers: 1 });
    let writes = 0;
    b.sink.before = () => {
      writes += 1;
    };
    let strict = true;
    b.sink.refuses = ({ record }) =>
      record.value === 'bad' && strict ? fault('constraint-refused', 'copy', 'no') : undefined;
    for (let i = 0; i < 10; i += 1) b.source.publish(`k${i}:${i % 3 === 0 ? 'bad' : 'v'}`);
    await until(() => empty(b), 'queue empty');
    expect(writes).toBe(1);
    expect(b.sink.rows.size).toBe(6);
    expect(b.source.letters.map(({ letter }) => letter.key)).toEqual(['k0', 'k3', 'k6', 'k9']);

    for (let i = 0; i < 30; i += 1) b.source.publish(`l${i}:bad`);
    await until(() => b.lane.snapshot().state === 'braked', 'braked');
    const letters = b.source.letters.length;
    expect(letters).toBeLessThanOrEqual(20);
    strict = false;
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size + b.source.letters.length).toBe(40);
    expect(b.source.letters.length).toBe(letters);
  });

  it('condemns the one record an unknown error follows, while the canary passes', async () => {
    const b = bench({ writers: 1 });
    b.sink.before = (batch) => {
      if (batch.records.some((record) => record.key === 'k5')) throw new RangeError('boom');
    };
    for (let i = 0; i < 10; i += 1) b.source.publish(`k${i}:v`);
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size).toBe(9);
    expect(b.source.letters.map(({ letter }) => [letter.key, letter.fault.code, letter.fault.blame])).toEqual([
      ['k5', 'suspect-condemned', 'us'],
    ]);
  });

  it('tells a sink that keeps a ledger of a record before its letter goes, and waits until it knows', async () => {
    const b = bench();
    const letters: number[] = [];
    let refusals = 0;
    b.sink.condemn = async () => {
      letters.push(b.source.letters.length);
      refusals += 1;
      if (refusals < 3) throw new SinkError('unavailable', fault('store-unreachable', 'merge', 'away'));
    };
    b.source.publish('!x');
    await until(() => empty(b), 'queue empty');
    expect(letters).toEqual([0, 0, 0]);
    expect(b.source.letters).toHaveLength(1);
  });

  it('brakes when the store refuses everything, dead-letters nothing of it, and resumes when the store relents', async () => {
    const b = bench({ writers: 1, batchSize: 50 });
    let strict = false;
    b.sink.before = () => {
      if (strict) throw new SinkError('refused', fault('value-refused', 'copy', 'wrong type'), { culprit: 0 });
    };
    for (let i = 0; i < 200; i += 1) b.source.publish(`a${i}:v`);
    await until(() => empty(b), 'first part stored');
    strict = true;
    for (let i = 0; i < 200; i += 1) b.source.publish(`b${i}:v`);
    await until(() => b.lane.snapshot().state === 'braked', 'braked');
    await until(() => (b.seen['batch.held']?.length ?? 0) > 3, 'probing');
    expect(b.source.letters.length).toBeLessThanOrEqual(20);
    strict = false;
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size + b.source.letters.length).toBe(400);
    expect(b.lane.snapshot().state).toBe('consuming');
  });

  it('brakes on a flood of undecodable records and lets them go on an operator’s word', async () => {
    const b = bench({ window: 1000, brake: { ...quick.brake, window: 100 } });
    for (let i = 0; i < 300; i += 1) b.source.publish(`!${i}`);
    await until(() => b.lane.snapshot().state === 'braked', 'braked');
    expect(b.source.letters.length).toBeLessThanOrEqual(50);
    for (let i = 0; i < 6 && b.source.unsettled > 0; i += 1) {
      b.lane.releaseBrake();
      await until(() => b.lane.snapshot().state === 'braked' || empty(b), 'letters written');
    }
    await until(() => empty(b), 'queue empty');
    expect(b.source.letters).toHaveLength(300);
  });

  it('handles a record alone that outlived several crashes, and condemns it before the broker would', async () => {
    const source = createMemorySource();
    for (let i = 0; i < 20; i += 1) source.publish(i === 7 ? 'killer:v' : `k${i}:v`);
    const stored = new Set<string>();
    const sizes: number[] = [];
    // Each lane stands for a process that the record ends: its successor knows nothing of it but what the broker counts.
    for (let life = 0; life < 8 && source.ready + source.unsettled > 0; life += 1) {
      const b = bench({ writers: 1, suspectAfter: 3, condemnAfter: 5, flushIntervalMs: 5 }, { source });
      let crashed = false;
      b.sink.before = async (batch) => {
        if (!batch.records.some((record) => record.key === 'killer')) return;
        sizes.push(batch.records.length);
        crashed = true;
        source.lose();
        // A process that has ended takes nothing again.
        void b.lane.stop(AbortSignal.abort());
        await new Promise(() => {});
      };
      await until(() => crashed || empty(b), 'the end of a life');
      for (const key of b.sink.rows.keys()) stored.add(key);
      void b.lane.stop(AbortSignal.abort());
    }
    expect(source.letters.map(({ letter }) => letter.fault.code)).toEqual(['crash-suspect']);
    expect(stored.size).toBe(19);
    expect(sizes.slice(3)).toEqual([1, 1]);
  });

  it('notices a sink that does not account for every record', async () => {
    const b = bench();
    const { write } = b.sink;
    b.sink.write = async (batch, signal) => ({ ...(await write(batch, signal)), outcomes: [] });
    b.source.publish('k:v');
    await until(() => b.source.letters.length === 1, 'letter');
    expect(b.source.letters[0]?.letter.fault.reason).toContain('0 outcomes for 1 records');
  });
});
