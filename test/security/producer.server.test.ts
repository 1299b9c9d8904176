/** `inator publish` with exactly the rights that the security guide grants a producer, by the guide's own command. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { connect } from 'amqplib';
import { root } from '../support/root.ts';
import { openWorld, sharedServers, type World } from '../support/world.ts';
import { type Account, addressOf, brokerAccount } from './support/accounts.ts';
import { guideBlock } from './support/guide.ts';

const password = 'producer-4711';
let world: World;
let user: Account;
beforeAll(async () => {
  world = await openWorld();
  const line = guideBlock('the broker: a producer');
  const [configure, write, read] = [...line.matchAll(/'([^']*)'/g)].map(([, regex = '']) =>
    regex.replaceAll('discogs', world.prefix),
  );
  if (configure === undefined || write === undefined || read === undefined) throw new Error(`no regexes in "${line}"`);
  user = await brokerAccount({ configure, write, read }, password);
});
afterAll(async () => {
  await user.remove();
  await world.close();
});

async function publish(prefix = world.prefix): Promise<{ readonly code: unknown; readonly said: string }> {
  const args = [
    'publish',
    '--type',
    'artists',
    '--exchange',
    `${prefix}-artists`,
    join(root, 'examples/artists.jsonl'),
  ];
  const child = spawn(process.execPath, [join(root, 'packages/cli/bin/inator.js'), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env.PATH,
      RABBITMQ_URL: addressOf(sharedServers().rabbitmq, { username: user.username, password }),
      RABBITMQ_EXCHANGE_PREFIX: prefix,
    },
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  const [code] = await once(child, 'close');
  return { code, said };
}

it('a producer that may only write publishes to an exchange that is there, and is told of one that is not', async () => {
  const missing = await publish();
  expect(missing).toMatchObject({
    code: 1,
    said: expect.stringMatching(/no exchange.*\n.*next: this user may not declare/),
  });
  const connection = await connect(sharedServers().rabbitmq);
  const channel = await connection.createChannel();
  const queue = world.queue('tableinator', 'artists');
  await channel.assertExchange(world.exchange('artists'), 'fanout');
  await channel.assertQueue(queue);
  await channel.bindQueue(queue, world.exchange('artists'), '');
  expect(await publish()).toMatchObject({ code: 0 });
  expect((await channel.checkQueue(queue)).messageCount).toBeGreaterThan(0);
  const foreign = await publish(`${world.prefix}x`);
  expect(foreign).toMatchObject({ code: 1, said: expect.stringContaining('the right to write to it') });
  await connection.close();
});
