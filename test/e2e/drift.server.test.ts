/** The table is changed under a running service: its queue is not drained into the dead letters. */
import { until } from '@inator/testkit';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { idOf, sample } from '../support/sample.ts';
import type { RunningService } from '../support/service.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let service: RunningService;
beforeAll(async () => {
  world = await openWorld();
  service = await world.start('tableinator', { POSTGRES_BATCH_SIZE: '50', POSTGRES_BATCH_FLUSH_INTERVAL: '0.1' });
  await world.drained(service);
});
afterAll(() => world.close());

interface LaneView {
  readonly lane: string;
  readonly state: string;
  readonly reason?: string;
}
const releases = async (): Promise<LaneView | undefined> => {
  const { body } = await service.get<{ readonly lanes: readonly LaneView[] }>('/lanes');
  return body.lanes.find(({ lane }) => lane === 'releases');
};
const letters = () => world.broker.letters(`${world.queue('tableinator', 'releases')}.dlq`);

it('a column whose type was changed holds the lane, dead-letters nothing, is shown as not ready, and heals', async () => {
  const [before, after] = [sample('releases', 300, 151), sample('releases', 1_000, 152)];
  await world.broker.publish(world.exchange('releases'), before);
  await world.drained(service);
  await world.tables.query(`drop index "${world.schema}".idx_releases_gin`);
  await world.tables.query(`alter table "${world.schema}".releases alter data type int using 0`);
  await world.broker.publish(world.exchange('releases'), after);
  await until(async () => (await releases())?.state === 'holding', 'the lane holds');
  expect((await releases())?.reason).toMatch(/column "data"|datatype_mismatch/);
  expect((await service.get('/readyz')).status).toBe(503);
  expect(await letters()).toEqual([]);
  await world.tables.query(`alter table "${world.schema}".releases alter data type jsonb using '{}'`);
  await until(async () => (await world.rows('releases')) === 1_300, 'everything stored', 90_000);
  await world.drained(service);
  expect(await letters()).toEqual([]);
});

it('a constraint that forbids every record brakes the lane after twenty letters at most; lifted, the rest is stored', async () => {
  const bodies = sample('releases', 1_000, 153);
  const rows = await world.rows('releases');
  await world.tables.query(
    `alter table "${world.schema}".releases add constraint drift check (data_id = 'nobody') not valid`,
  );
  await world.broker.publish(world.exchange('releases'), bodies);
  await until(async () => (await releases())?.state === 'braked', 'the brake is on', 60_000);
  await world.tables.query(`alter table "${world.schema}".releases drop constraint drift`);
  await world.drained(service);
  const condemned = await letters();
  expect(condemned.length).toBeLessThanOrEqual(20);
  for (const { headers } of condemned) expect(headers['x-inator-code']).toBe('constraint-refused');
  expect(await world.rows('releases')).toBe(rows + new Set(bodies.map(idOf)).size - condemned.length);
});
