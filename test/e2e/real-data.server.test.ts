/** The extractor's own messages, unchanged, through both services. */

import { expectedGraph } from '@inator/discogs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openWorld, realData, type Type, types, type World } from '../support/world.ts';

const messages = new Map<Type, Buffer[]>();
for (const type of types) {
  const bytes = realData(`data/discogs/messages/${type}.jsonl.gz`);
  if (bytes === undefined) continue;
  messages.set(
    type,
    bytes
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => Buffer.from(line)),
  );
}
const present = messages.size === types.length;

(present ? describe : describe.skip)('the messages of a real extraction', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
    await world.emptyGraph();
  });
  afterAll(() => world.close());

  it('land in both stores, every row and node, and nothing is dead-lettered', async () => {
    const services = [await world.start('tableinator'), await world.start('graphinator')];
    await world.drained(...services);
    for (const type of types) await world.broker.publish(world.exchange(type), messages.get(type) ?? []);
    await world.drained(...services);

    for (const type of types) {
      const ids = new Set(
        (messages.get(type) ?? [])
          .map((body) => JSON.parse(body.toString()) as { type: string; id: string })
          .filter((m) => m.type === 'data')
          .map((m) => m.id),
      );
      expect([type, await world.rows(type)]).toEqual([type, ids.size]);
      for (const service of ['tableinator', 'graphinator'] as const)
        expect(await world.broker.letters(`${world.queue(service, type)}.dlq`)).toEqual([]);
    }

    const expected = expectedGraph(Object.fromEntries(messages));
    const nodes = await world.graph.query<{ label: string; n: number }>(
      'match (n) where n:Artist or n:Label or n:Master or n:Release or n:Genre or n:Style return labels(n)[0] as label, count(*) as n',
    );
    expect(Object.fromEntries(nodes.map(({ label, n }) => [label, n]))).toEqual(expected.nodes);
    const edges = await world.graph.query<{ type: string; n: number }>(
      'match ()-[r]->() return type(r) as type, count(*) as n',
    );
    expect(Object.fromEntries(edges.map(({ type, n }) => [type, n]))).toEqual(expected.relationships);
  });

  it('stores the body as it came', async () => {
    const body = (messages.get('releases') ?? [])[0] ?? Buffer.from('{}');
    const { id } = JSON.parse(body.toString()) as { id: string };
    const rows = await world.tables.query<{ same: boolean; hash: string }>(
      `select data = $2::jsonb as same, hash from "${world.schema}".releases where data_id = $1`,
      [id, body.toString()],
    );
    expect(rows).toEqual([{ same: true, hash: (JSON.parse(body.toString()) as { sha256: string }).sha256 }]);
  });
});
