/** A record that cannot be stored costs exactly itself, whatever is wrong with it, in both stores. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { idOf, sample } from '../support/sample.ts';
import type { RunningService, ServiceName } from '../support/service.ts';
import { openWorld, type World } from '../support/world.ts';

const record = (members: string): string => `{"type":"data",${members}}`;
const poisons: readonly (readonly [what: string, body: Buffer, code: string])[] = [
  ['no JSON', Buffer.from('{"type":"data","id":"1"'), 'json-invalid'],
  ['an empty body', Buffer.alloc(0), 'json-invalid'],
  ['trailing bytes', Buffer.from(`${record('"id":"1"')}x`), 'json-invalid'],
  ['no id', Buffer.from(record('"name":"nobody"')), 'key-missing'],
  ['a null id', Buffer.from(record('"id":null')), 'key-missing'],
  ['an object as id', Buffer.from(record('"id":{}')), 'key-invalid'],
  ['an id that is too long', Buffer.from(record(`"id":"${'9'.repeat(256)}"`)), 'key-too-long'],
  ['U+0000 in a text', Buffer.from(record('"id":"p1","name":"a\\u0000b"')), 'text-nul'],
  ['half a surrogate pair', Buffer.from(record('"id":"p2","name":"\\ud800"')), 'text-surrogate'],
  [
    'bytes that are not UTF-8',
    Buffer.concat([Buffer.from('{"type":"data","id":"p3","name":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
    'utf8-invalid',
  ],
  ['a number beyond numeric', Buffer.from(record('"id":"p4","n":1e131072')), 'number-out-of-range'],
  [
    'nesting beyond the limit',
    Buffer.from(record(`"id":"p5","deep":${'['.repeat(101)}${']'.repeat(101)}`)),
    'record-too-deep',
  ],
  ['an array at the top', Buffer.from('[1]'), 'record-not-object'],
  ['an unknown kind', Buffer.from('{"type":"surprise","id":"1"}'), 'type-unknown'],
];

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

describe.each(['tableinator', 'graphinator'] as const)('%s', (name: ServiceName) => {
  let service: RunningService;
  beforeAll(async () => {
    service = await world.start(name);
    await world.drained(service);
  });

  // A second replica on the same queues would be free to take what the next test looks for.
  afterAll(() => service.stop());

  it('dead-letters each bad record alone, with its reason and its bytes, and stores its neighbours', async () => {
    const good = sample('releases', 499, name === 'tableinator' ? 11 : 12);
    const mixed: Buffer[] = [];
    for (const [index, body] of good.entries()) {
      mixed.push(body);
      const poison = poisons[index / 30];
      if (poison !== undefined) mixed.push(poison[1]);
    }
    await world.broker.publish(world.exchange('releases'), mixed);
    await world.drained(service);

    const letters = await world.broker.letters(`${world.queue(name, 'releases')}.dlq`);
    const found = letters.map((letter) => [letter.body.toString('hex'), letter.headers['x-inator-code']]);
    expect(found.sort()).toEqual(poisons.map(([, body, code]) => [body.toString('hex'), code]).sort());
    for (const { headers } of letters) {
      expect(headers).toMatchObject({
        'x-inator-service': name,
        'x-inator-version': expect.stringMatching(/^\d+\.\d+\.\d+/),
        'x-inator-first-seen': headers['x-inator-failed-at'],
        'x-inator-model': 'releases',
        'x-inator-queue': world.queue(name, 'releases'),
        'x-inator-exchange': world.exchange('releases'),
      });
      expect(headers['x-inator-reason']).toEqual(expect.any(String));
    }

    const ids = good.map(idOf);
    if (name === 'tableinator') {
      const rows = await world.tables.query<{ n: number }>(
        `select count(*)::int as n from "${world.schema}".releases where data_id = any($1)`,
        [ids],
      );
      expect(rows).toEqual([{ n: ids.length }]);
    } else {
      const rows = await world.graph.query(
        'match (r:Release) where r.id in $ids and r.sha256 is not null return count(r) as n',
        { ids },
      );
      expect(rows).toEqual([{ n: ids.length }]);
    }
    expect(service.exitCode).toBeUndefined();
  });
});

it('finds the one record of a batch that a constraint of the table forbids', async () => {
  const service = await world.start('tableinator');
  await world.drained(service);
  await world.tables.query(`alter table "${world.schema}".artists add constraint no_nine check (data_id <> 'nine')`);
  const bodies = Array.from({ length: 500 }, (_, index) =>
    Buffer.from(record(`"id":"${index === 250 ? 'nine' : `c${index}`}"`)),
  );
  await world.broker.publish(world.exchange('artists'), bodies);
  await world.drained(service);
  const letters = await world.broker.letters(`${world.queue('tableinator', 'artists')}.dlq`);
  expect(letters.map(({ headers }) => [headers['x-inator-key'], headers['x-inator-code']])).toEqual([
    ['nine', 'constraint-refused'],
  ]);
  expect(await world.rows('artists')).toBe(499);
});
