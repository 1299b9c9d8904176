/** Headers as any client may send them: tables without end, and integers that a double cannot hold. */
import { execFileSync } from 'node:child_process';
import { until } from '@inator/testkit';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { root } from '../support/root.ts';
import { idOf, sample } from '../support/sample.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const atOnce = { POSTGRES_BATCH_FLUSH_INTERVAL: '0.1' };

/** In a process of its own: writing so deep a table needs more stack than a test has. */
function publishDeep(exchange: string, body: Buffer, depth: number): void {
  const script = `
    const [url, exchange, body, depth] = process.argv.slice(1);
    const table = {};
    for (let i = 0, at = table; i < Number(depth); i += 1) at = at.t = {};
    const connection = await (await import('amqplib')).connect(url);
    const channel = await connection.createConfirmChannel();
    channel.publish(exchange, '', Buffer.from(body), { persistent: true, headers: { deep: table, kept: 'yes' } });
    await channel.waitForConfirms();
    await connection.close();`;
  const options = ['--stack-size=6000', '--input-type=module', '-e', script, '--'];
  execFileSync(
    process.execPath,
    [...options, process.env.TEST_RABBITMQ_URL ?? '', exchange, String(body), String(depth)],
    {
      cwd: root,
      env: { PATH: process.env.PATH },
    },
  );
}

it('a header of thousands of tables within tables stops no lane, and its record is stored or gets its letter', async () => {
  const service = await world.start('tableinator', atOnce);
  await world.drained(service);
  const [first = Buffer.of(), ...others] = sample('releases', 50, 3);
  publishDeep(world.exchange('releases'), first, 6_000);
  publishDeep(world.exchange('releases'), Buffer.from('no record'), 6_000);
  await world.broker.publish(world.exchange('releases'), others);
  await world.broker.publish(world.exchange('artists'), sample('artists', 50, 4));
  const ids = new Set([first, ...others].map(idOf));
  const artists = new Set(sample('artists', 50, 4).map(idOf));
  await until(async () => (await world.rows('releases')) === ids.size, 'all releases stored');
  await until(async () => (await world.rows('artists')) === artists.size, 'all artists stored');
  await world.drained(service);
  const letters = await world.broker.letters(`${world.queue('tableinator', 'releases')}.dlq`);
  expect(letters.map(({ body, headers }) => [String(body), headers.kept])).toEqual([['no record', 'yes']]);
  expect(service.lines.filter((line) => line.includes('consumer.lost'))).toEqual([]);
});

it('a version in a header may be any integer from 0 to 2^63 - 1, whatever type the client gave it', async () => {
  const service = await world.start('tableinator', atOnce);
  await world.drained(service);
  const [body = Buffer.of()] = sample('releases', 1, 5);
  const nanoseconds = 1_763_856_000_123_456_789n;
  const version = async (seq: bigint, title: string): Promise<void> => {
    const changed = JSON.stringify({ ...(JSON.parse(String(body)) as object), title, sha256: title.padEnd(64, '0') });
    await world.broker.publish(world.exchange('releases'), [Buffer.from(changed)], () => ({
      'x-seq': { '!': 'int64', value: String(seq) },
    }));
    await world.drained(service);
  };
  await version(nanoseconds, 'one');
  await version(nanoseconds + 1n, 'two');
  // As doubles all three are the same.
  await version(nanoseconds, 'three');
  const rows = await world.tables.query<{ seq: string; title: string }>(
    `SELECT seq, data->>'title' AS title FROM "${world.schema}".releases`,
  );
  expect(rows).toEqual([{ seq: String(nanoseconds + 1n), title: 'two' }]);
  await version(-nanoseconds, 'four');
  const queue = `${world.queue('tableinator', 'releases')}.dlq`;
  await until(async () => (await world.broker.ready(queue)) === 1, 'the letter');
  const [letter] = await world.broker.letters(queue);
  expect([letter?.headers['x-inator-code'], letter?.headers['x-seq']]).toEqual([
    'seq-invalid',
    // As amqplib reads the integer that the letter carries.
    Number(-nanoseconds),
  ]);
});
