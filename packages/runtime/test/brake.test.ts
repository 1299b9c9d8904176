/** The brake with several writers: who may release it, and what it lets through. */
import { fault, SinkError } from '@inator/runtime';
import { expect, it } from '@jest/globals';
import { until } from '../../testkit/src/until.ts';
import { type Bench, bench, empty, quick } from './bench.ts';

/** From here on the store refuses the records whose value is `odd`, naming none; until `mend`. */
function refuseOdd({ sink }: Bench): { mend(): void } {
  let strict = true;
  sink.before = async (batch) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const culprit = strict ? batch.records.findIndex(({ record }) => record.value === 'odd') : -1;
    if (culprit >= 0) throw new SinkError('refused', fault('constraint-refused', 'merge', 'a new CHECK'), { culprit });
  };
  return {
    mend() {
      strict = false;
    },
  };
}

/** In small batches, so that a neighbour's batch is often without a bad record. */
async function trickle({ source }: Bench, bodies: readonly string[]): Promise<void> {
  for (const [i, body] of bodies.entries()) {
    source.publish(body);
    if (i % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const everyThird = Array.from({ length: 600 }, (_, i) => `k${i}:${i % 3 === 0 ? 'odd' : 'v'}`);

for (const writers of [1, 2, 4]) {
  it(`${writers} writers, every third record refused: twenty letters at most, and the lane goes on once the store relents`, async () => {
    const b = bench({ writers, batchSize: 4, flushIntervalMs: 2 });
    const store = refuseOdd(b);
    await trickle(b, everyThird);
    await until(() => b.lane.snapshot().writers.every(({ state }) => state === 'holding'), 'every writer is held');
    const tries = b.seen['batch.held']?.length ?? 0;
    await until(() => (b.seen['batch.held']?.length ?? 0) > tries + 10, 'tried again and again');
    const letters = b.source.letters.length;
    expect(letters).toBeLessThanOrEqual(20);
    expect([b.seen['brake.on']?.length, b.seen['brake.off']?.length]).toEqual([1, 0]);
    store.mend();
    await until(() => empty(b), 'queue empty');
    expect([b.sink.rows.size, b.source.letters.length]).toEqual([600 - letters, letters]);
    expect(b.lane.snapshot().state).toBe('consuming');
    expect(b.seen['brake.off']).toHaveLength(1);
  });
}

it('writers whose batches are tried at the same time share the twenty letters', async () => {
  const b = bench({ writers: 4, batchSize: 100, flushIntervalMs: 500, window: 400 });
  refuseOdd(b);
  for (let i = 0; i < 400; i += 1) b.source.publish(`k${i}:${i % 7 === 0 ? 'odd' : 'v'}`);
  await until(() => b.lane.snapshot().state === 'braked', 'braked');
  const tries = b.seen['batch.held']?.length ?? 0;
  await until(() => (b.seen['batch.held']?.length ?? 0) > tries + 20, 'tried again and again');
  expect(b.source.letters.length).toBeLessThanOrEqual(20);
});

it('one record in a hundred refused never brakes', async () => {
  const b = bench({ writers: 2, batchSize: 50, window: 1_000 });
  refuseOdd(b);
  for (let i = 0; i < 4_000; i += 1) b.source.publish(`k${i}:${i % 100 === 99 ? 'odd' : 'v'}`);
  await until(() => empty(b), 'queue empty');
  expect([b.sink.rows.size, b.source.letters.length, b.seen['brake.on']?.length]).toEqual([3_960, 40, 0]);
});

it('a brake whose cause was mended while the session was lost lets go when the record that tipped it is taken', async () => {
  const b = bench({ writers: 2, batchSize: 4, flushIntervalMs: 2 });
  const store = refuseOdd(b);
  await trickle(b, everyThird.slice(0, 120));
  await until(() => b.lane.snapshot().state === 'braked', 'braked');
  b.source.lose();
  store.mend();
  await until(() => empty(b) && b.lane.snapshot().state === 'consuming', 'on again');
  expect(b.source.letters.length).toBeLessThanOrEqual(20);
});

it('a record that is bad by itself keeps its own writer only until the others have written a whole window', async () => {
  const b = bench({ writers: 2, batchSize: 1, window: 500, brake: { ...quick.brake, window: 50 } });
  refuseOdd(b);
  await trickle(
    b,
    Array.from({ length: 21 }, (_, i) => `bad${i}:odd`),
  );
  await until(() => b.lane.snapshot().state === 'braked', 'braked');
  expect(b.source.letters).toHaveLength(20);
  await trickle(
    b,
    Array.from({ length: 40 }, (_, i) => `some${i}:v`),
  );
  const tries = b.seen['batch.held']?.length ?? 0;
  await until(() => (b.seen['batch.held']?.length ?? 0) > tries + 5, 'tried again and again');
  expect(b.lane.snapshot().state).toBe('braked');
  await trickle(
    b,
    Array.from({ length: 200 }, (_, i) => `more${i}:v`),
  );
  await until(() => empty(b), 'queue empty');
  expect([b.sink.rows.size, b.source.letters.length]).toEqual([240, 21]);
});
