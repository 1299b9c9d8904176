/** The whole way round: a service condemns a record, a person sends it back, the service writes it, or condemns it again. */
import { until } from '@inator/testkit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openWorld, sharedServers, type World } from '../../../test/support/world.ts';
import { inator, lastJson, type Ran } from './support/command.ts';

let world: World;
beforeEach(async () => {
  const { rabbitmq, postgres } = sharedServers();
  world = await openWorld({ rabbitmq, ...(postgres === undefined ? {} : { postgres }) });
});
afterEach(() => world.close());

function dlq(...args: string[]): Promise<Ran> {
  const env = { RABBITMQ_URL: sharedServers().rabbitmq, RABBITMQ_EXCHANGE_PREFIX: world.prefix };
  return inator(['dlq', ...args], { env });
}

describe('a letter of a running tableinator', () => {
  it('is written after its cause was mended and it was sent back; one that is still bad returns, counted', async () => {
    const service = await world.start('tableinator', { DATA_TYPES: 'artists' });
    const letters = `${world.queue('tableinator', 'artists')}.dlq`;
    await until(async () => (await service.get('/readyz')).status === 200, 'tableinator is ready');
    const table = `"${world.schema}"."artists"`;
    await world.tables.query(`alter table ${table} add constraint no_odd check (data_id <> 'odd')`);
    const exchange = world.exchange('artists');
    await world.broker.publish(
      exchange,
      ['{"type":"data","id":"odd","name":"first"}', '{"type":"data","id":"good"}', '{"broken'],
      (index) => (index === 0 ? { 'x-seq': 7 } : {}),
    );
    await until(async () => (await world.broker.ready(letters)) === 2, 'two letters');
    expect(await world.rows('artists')).toBe(1);
    const groups = (lastJson(await dlq('stats', '--json')) as { groups: { code: string }[] }).groups;
    expect(groups.map(({ code }) => code).sort()).toEqual(['constraint-refused', 'json-invalid']);

    await world.tables.query(`alter table ${table} drop constraint no_odd`);
    expect(lastJson(await dlq('replay', '--json'))).toMatchObject({ ended: 'complete', replayed: 2 });
    await until(async () => (await world.rows('artists')) === 2, 'the mended record');
    const [row] = await world.tables.query(
      `select seq::text, data->>'name' as name from ${table} where data_id = 'odd'`,
    );
    expect(row).toEqual({ seq: '7', name: 'first' });

    for (const replays of [1, 2]) {
      await until(async () => (await world.broker.ready(letters)) === 1, 'the broken one again');
      const peeked = lastJson(await dlq('peek', '--json')) as { letters: Record<string, unknown>[] };
      expect(peeked.letters).toEqual([
        expect.objectContaining({
          code: 'json-invalid',
          replays,
          body: '{"broken',
          headers: expect.objectContaining({ 'x-inator-exchange': exchange }),
        }),
      ]);
      if (replays === 1) expect((await dlq('replay')).code).toBe(0);
    }
    expect(lastJson(await dlq('replay', '--max-replays', '2', '--json'))).toMatchObject({ replayed: 0, skipped: 1 });
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(/^inator_replayed_total\{data_type="artists".*\} 3$/m);
    expect(await service.stop()).toBe(0);
  });
});
