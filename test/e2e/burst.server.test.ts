/** What seals a batch with the shipped settings: a whole batch at once is not kept waiting, a few records are. */
import { until } from '@inator/testkit';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { idOf, sample } from '../support/sample.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

interface Line {
  readonly batch_size: number;
  readonly flush_reason: string;
}

const bodies = (count: number): Buffer[] => {
  const distinct = new Map(sample('releases', count * 2, 31).map((body) => [idOf(body), body]));
  return [...distinct.values()].slice(0, count);
};

it.each([
  ['500 records that arrive at once', 500, 'records'],
  ['3 records', 3, 'age'],
])('%s are written by every writer when that is due', async (_, count, reason) => {
  const service = await world.start('tableinator');
  await world.drained(service);
  await world.broker.publish(world.exchange('releases'), bodies(count));
  await until(async () => (await world.rows('releases')) === count, 'all stored');
  await world.drained(service);
  const batches = service.lines
    .filter((line) => line.includes('"Batch processed"'))
    .map((line) => JSON.parse(line) as Line);
  expect(batches.reduce((sum, { batch_size }) => sum + batch_size, 0)).toBe(count);
  expect(new Set(batches.map(({ flush_reason }) => flush_reason))).toEqual(new Set([reason]));
});
