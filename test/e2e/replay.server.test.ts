/** Every record of every type, twice, shuffled, with repetitions inside batches: the counts are exact, both times. */

import { expectedGraph } from '@inator/discogs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sampleOfAll, shuffled } from '../support/sample.ts';
import { patience } from '../support/scale.ts';
import type { RunningService } from '../support/service.ts';
import { openWorld, types, type World } from '../support/world.ts';

interface Totals {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly collapsed: number;
  readonly deadLettered: number;
}

let world: World;
let services: RunningService[];
const records = sampleOfAll();

beforeAll(async () => {
  world = await openWorld();
  await world.emptyGraph();
  services = [await world.start('tableinator'), await world.start('graphinator')];
  await world.drained(...services);
}, patience(120_000));
afterAll(() => world.close(), patience(120_000));

/** Every tenth record stands twice. */
async function publishAll(seed: number): Promise<number> {
  let published = 0;
  for (const type of types) {
    const bodies = shuffled([...records[type], ...records[type].filter((_, index) => index % 10 === 0)], seed);
    published += bodies.length;
    await world.broker.publish(world.exchange(type), bodies);
  }
  await world.drained(...services);
  return published;
}

async function totals(service: RunningService): Promise<Totals> {
  const { body } = await service.get<{ readonly lanes: readonly { readonly totals: Totals }[] }>('/lanes');
  const sum = (name: keyof Totals): number => body.lanes.reduce((all, lane) => all + lane.totals[name], 0);
  return {
    created: sum('created'),
    updated: sum('updated'),
    unchanged: sum('unchanged'),
    collapsed: sum('collapsed'),
    deadLettered: sum('deadLettered'),
  };
}

it(
  'stores each record once, and a second pass creates and updates nothing',
  async () => {
    const distinct = types.reduce((sum, type) => sum + records[type].length, 0);
    const first = await publishAll(1);
    const afterFirst = await Promise.all(services.map(totals));
    for (const each of afterFirst) {
      expect(each).toMatchObject({ created: distinct, updated: 0, deadLettered: 0 });
      expect(each.unchanged + each.collapsed).toBe(first - distinct);
    }

    const second = await publishAll(2);
    for (const [index, service] of services.entries()) {
      const now = await totals(service);
      const before = afterFirst[index] as Totals;
      expect([now.created - before.created, now.updated - before.updated, now.deadLettered]).toEqual([0, 0, 0]);
      expect(now.unchanged + now.collapsed - before.unchanged - before.collapsed).toBe(second);
    }

    for (const type of types) expect([type, await world.rows(type)]).toEqual([type, records[type].length]);
  },
  patience(240_000),
);

it('makes the graph that the records describe', async () => {
  const expected = expectedGraph(records);
  const nodes = await world.graph.query<{ label: string; n: number }>(
    'match (n) where n:Artist or n:Label or n:Master or n:Release or n:Genre or n:Style return labels(n)[0] as label, count(*) as n',
  );
  expect(Object.fromEntries(nodes.map(({ label, n }) => [label, n]))).toEqual(expected.nodes);
  const edges = await world.graph.query<{ type: string; n: number }>(
    'match ()-[r]->() return type(r) as type, count(*) as n',
  );
  expect(Object.fromEntries(edges.map(({ type, n }) => [type, n]))).toEqual(expected.relationships);
});
