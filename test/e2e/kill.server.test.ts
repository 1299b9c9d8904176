/** kill -9 at the worst moments: nothing missing, nothing twice, no letter. */

import { until } from '@inator/testkit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { idOf, sample } from '../support/sample.ts';
import { patience, recordsPerType } from '../support/scale.ts';
import type { ServiceName } from '../support/service.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

/** Over the five failpoints together, and for the kills at random, as many as `INATOR_TEST_RECORDS` says; never fewer than these. */
const few = Math.max(1_500, recordsPerType / 5);
const many = Math.max(6_000, recordsPerType);
const testMs = patience(120_000);

/** Small batches, so that many are under way when the process ends. */
const env = {
  POSTGRES_BATCH_SIZE: '100',
  NEO4J_BATCH_SIZE: '100',
  POSTGRES_BATCH_FLUSH_INTERVAL: '0.2',
  NEO4J_BATCH_FLUSH_INTERVAL: '0.2',
};

async function stored(name: ServiceName, ids: readonly string[]): Promise<number> {
  if (name === 'tableinator') return world.rows('releases');
  const [row] = await world.graph.query<{ n: number }>(
    'match (r:Release) where r.id in $ids and r.sha256 is not null return count(r) as n',
    { ids },
  );
  return row?.n ?? 0;
}

async function exact(name: ServiceName, bodies: readonly Buffer[]): Promise<void> {
  const ids = bodies.map(idOf);
  expect(await stored(name, ids)).toBe(new Set(ids).size);
  expect(await world.broker.letters(`${world.queue(name, 'releases')}.dlq`)).toEqual([]);
}

const points = ['before-copy', 'mid-copy', 'before-commit', 'commit-sent', 'after-commit'] as const;

describe.each(['tableinator', 'graphinator'] as const)('%s', (name) => {
  it.each(points)(
    'is killed at %s and loses nothing',
    async (point) => {
      const bodies = sample('releases', few, 20 + points.indexOf(point) + (name === 'tableinator' ? 0 : 50));
      const doomed = await world.start(name, { ...env, INATOR_FAILPOINTS: `${point}=kill@4` });
      await world.drained(doomed);
      await world.broker.publish(world.exchange('releases'), bodies);
      await doomed.exited;
      expect(doomed.exitCode).toBeNull();
      const heir = await world.start(name, env);
      await world.drained(heir);
      await exact(name, bodies);
    },
    testMs,
  );

  it(
    'is killed again and again at random and loses nothing',
    async () => {
      const bodies = sample('releases', many, name === 'tableinator' ? 98 : 99);
      const first = await world.start(name, env);
      await world.drained(first);
      first.kill('SIGKILL');
      await first.exited;
      await world.broker.publish(world.exchange('releases'), bodies);
      for (let round = 1; round <= 4; round += 1) {
        const doomed = await world.start(name, env);
        const before = await stored(name, bodies.map(idOf));
        await until(
          async () =>
            (await stored(name, bodies.map(idOf))) > before + (many / 30) * round ||
            (await world.broker.ready(world.queue(name, 'releases'))) === 0,
          'some progress',
          testMs,
        );
        doomed.kill('SIGKILL');
        await doomed.exited;
      }
      await world.drained(await world.start(name, env));
      await exact(name, bodies);
    },
    testMs,
  );
});
