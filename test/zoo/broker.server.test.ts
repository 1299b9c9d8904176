/** A handful of the zoo through a real broker and both services: what only a message's properties can do wrong. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { connect, type Options } from 'amqplib';
import { idOf, sample } from '../support/sample.ts';
import type { RunningService, ServiceName } from '../support/service.ts';
import { openWorld, sharedServers, type World } from '../support/world.ts';

let world: World;
const services: RunningService[] = [];
beforeAll(async () => {
  world = await openWorld();
  for (const name of ['tableinator', 'graphinator'] as const) {
    services.push(await world.start(name, { DATA_TYPES: 'releases' }));
  }
  await world.drained(...services);
});
afterAll(() => world.close());

/** Tables in tables, as deep as a broker still passes them on. */
function deep(levels: number): Record<string, unknown> {
  return levels === 0 ? { end: true } : { down: deep(levels - 1) };
}

const strange: readonly (readonly [string, Options.Publish])[] = [
  ['headers of 50 KiB', { headers: { bulk: 'h'.repeat(50 * 1024) } }],
  ['many headers', { headers: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`h${i}`, i])) }],
  ['a table in a table, fifty deep', { headers: deep(50) }],
  ['headers like ours', { headers: { 'x-inator-code': 'forged', 'x-inator-id': 'forged', 'x-death': 'forged' } }],
  ['copies to queues of the sender’s choice', { CC: ['nowhere'], BCC: ['nowhere'] }],
  ['an expiration', { expiration: 600_000 }],
  ['another content type', { contentType: 'text/html', contentEncoding: 'utf-8' }],
  [
    'long properties',
    { messageId: 'm'.repeat(255), correlationId: 'c'.repeat(255), appId: 'a'.repeat(255), type: 't'.repeat(255) },
  ],
  ['a time before 1970 and beyond 2^32', { timestamp: 2 ** 40 }],
  ['a priority and a place for an answer', { priority: 9, replyTo: 'nowhere' }],
];

it('records with strange properties are stored, bad ones with them become one letter each, and a declared encoding is refused', async () => {
  const good = sample('releases', 400, 161);
  const odd = strange.map((_, i) => Buffer.from(`{"type":"data","id":"${idOf(good[0] ?? Buffer.alloc(0))}-odd${i}"}`));
  const bad = strange.map((_, i) => Buffer.from(`{"type":"data","id":null,"number":${i}}`));
  const zipped = gzipSync(good[1] ?? Buffer.alloc(0));
  const named = Buffer.from(`{"type":"data","id":"${idOf(good[0] ?? Buffer.alloc(0))}-zipped"}`);

  const connection = await connect(sharedServers().rabbitmq);
  const channel = await connection.createConfirmChannel();
  const publish = (body: Buffer, options: Options.Publish = {}): void => {
    channel.publish(world.exchange('releases'), '', body, { persistent: true, ...options });
  };
  for (const [i, body] of good.entries()) {
    publish(body);
    const [, options] = strange[i / 20] ?? [];
    if (options === undefined) continue;
    publish(odd[i / 20] ?? body, options);
    publish(bad[i / 20] ?? body, options);
  }
  publish(zipped, { contentEncoding: 'gzip' });
  publish(zipped);
  publish(named, { contentEncoding: 'gzip' });
  await channel.waitForConfirms();
  await connection.close();
  await world.drained(...services);

  const ids = [...good.map(idOf), ...odd.map(idOf)];
  const expected = [
    ...bad.map((body) => [body.toString('hex'), 'key-missing']),
    [zipped.toString('hex'), 'encoding-unsupported'],
    [zipped.toString('hex'), 'utf8-invalid'],
    [named.toString('hex'), 'encoding-unsupported'],
  ].sort();
  for (const { name } of services) {
    const letters = await world.broker.letters(`${world.queue(name, 'releases')}.dlq`);
    expect([name, letters.map(({ body, headers }) => [body.toString('hex'), headers['x-inator-code']]).sort()]).toEqual(
      [name, expected],
    );
    expect([name, await stored(name, ids)]).toEqual([name, ids.length]);
  }
  for (const service of services) expect(service.exitCode).toBeUndefined();
});

async function stored(name: ServiceName, ids: readonly string[]): Promise<number> {
  const [row] =
    name === 'tableinator'
      ? await world.tables.query<{ n: number }>(
          `select count(*)::int as n from "${world.schema}".releases where data_id = any($1)`,
          [ids],
        )
      : await world.graph.query<{ n: number }>(
          'match (r:Release) where r.id in $ids and r.sha256 is not null return count(r) as n',
          { ids },
        );
  return row?.n ?? 0;
}
