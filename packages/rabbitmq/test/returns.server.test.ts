/** A store that answers and takes no writes: the returns that the broker allows are not spent on it. */
import { defaultHold, fault, SinkError } from '@inator/runtime';
import { afterEach, expect, it } from '@jest/globals';
import { until } from '../../testkit/src/until.ts';
import { ids, type RunningLane, settledEverything, startLane } from './lanes.ts';
import { type Fixture, makeFixture } from './support.ts';

let fixture: Fixture | undefined;
let running: RunningLane | undefined;
afterEach(async () => {
  await running?.stop();
  await fixture?.dispose();
}, 60_000);

it('while its canary passes, it is offered its records ever more seldom, and none is dead-lettered by the broker', async () => {
  fixture = await makeFixture({ spec: { arguments: { 'x-delivery-limit': 6 } } });
  running = startLane(fixture.source, {
    hold: { ...defaultHold, retry: { firstMs: 5, maxMs: 10 }, limitMs: 300 },
    reopen: { firstMs: 1, maxMs: 5 },
  });
  let away = true;
  running.sink.before = () => {
    if (away) throw new SinkError('misconfigured', fault('store-misconfigured', 'merge', 'a column was renamed'));
  };
  await fixture.publish(ids(20));
  const since = performance.now();
  // Seven returns take 300 + 600 + … + 4,800 ms at least, and took six seconds before.
  await until(() => performance.now() - since > 8_000, 'time for many returns');
  expect(await fixture.takeLetters()).toEqual([]);
  away = false;
  await running.lane.resume();
  await running.stored(20);
  await settledEverything(fixture, running);
  expect(await fixture.takeLetters()).toEqual([]);
  expect(running.snapshot().totals.sessionsLost).toBe(0);
}, 60_000);
