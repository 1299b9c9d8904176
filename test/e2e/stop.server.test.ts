/** SIGTERM: drained and settled, exit 0, also when there is nothing to drain to. */

import { startProxy, until } from '@inator/testkit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { idOf, sample } from '../support/sample.ts';
import { openWorld, sharedServers, type World } from '../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

describe.each(['tableinator', 'graphinator'] as const)('%s on SIGTERM', (name) => {
  it('ends idle with 0', async () => {
    const service = await world.start(name);
    await world.drained(service);
    expect(await service.stop()).toBe(0);
  });

  it('writes what it holds, acks it, and ends with 0: nothing of it is delivered again', async () => {
    // An interval so long that only the drain can seal.
    const service = await world.start(name, {
      POSTGRES_BATCH_FLUSH_INTERVAL: '600',
      NEO4J_BATCH_FLUSH_INTERVAL: '600',
    });
    await world.drained(service);
    const bodies = sample('releases', 120, 31);
    await world.broker.publish(world.exchange('releases'), bodies);
    await until(async () => (await world.broker.ready(world.queue(name, 'releases'))) === 0, 'everything taken');
    expect(await service.stop()).toBe(0);
    expect(await world.broker.ready(world.queue(name, 'releases'))).toBe(0);
    const ids = bodies.map(idOf);
    if (name === 'tableinator') expect(await world.rows('releases')).toBe(120);
    else
      expect(
        await world.graph.query('match (r:Release) where r.id in $ids and r.sha256 is not null return count(r) as n', {
          ids,
        }),
      ).toEqual([{ n: 120 }]);
  });

  it('ends with 0 within its deadline while the store is away, and leaves the records to the queue', async () => {
    const servers = sharedServers();
    const target =
      name === 'tableinator'
        ? new URL(servers.postgres ?? '')
        : new URL((servers.neo4j?.uri ?? '').replace('bolt:', 'http:'));
    const proxy = await startProxy({ target: { host: target.hostname, port: Number(target.port) } });
    try {
      const through: Record<string, string> =
        name === 'tableinator'
          ? { POSTGRES_URL: (servers.postgres ?? '').replace(target.host, `127.0.0.1:${proxy.port}`) }
          : { NEO4J_URI: `bolt://127.0.0.1:${proxy.port}` };
      const service = await world.start(name, {
        ...through,
        DRAIN_TIMEOUT: '2',
        POSTGRES_BATCH_FLUSH_INTERVAL: '0.1',
        NEO4J_BATCH_FLUSH_INTERVAL: '0.1',
      });
      await world.drained(service);
      proxy.freeze();
      await world.broker.publish(world.exchange('releases'), sample('releases', 60, 32));
      await until(async () => (await world.broker.ready(world.queue(name, 'releases'))) === 0, 'everything taken');
      const began = performance.now();
      expect(await service.stop()).toBe(0);
      expect(performance.now() - began).toBeLessThan(12_000);
      await until(
        async () => (await world.broker.ready(world.queue(name, 'releases'))) === 60,
        'everything back in the queue',
      );
      expect(await world.broker.letters(`${world.queue(name, 'releases')}.dlq`)).toEqual([]);
    } finally {
      await proxy.close();
    }
  });
});
