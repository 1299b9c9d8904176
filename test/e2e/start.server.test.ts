/** `inator start` over servers that are there: what it says when not everything could be stored. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSample } from '@inator/discogs';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { root } from '../support/root.ts';
import { openWorld, sharedServers, types, type World } from '../support/world.ts';

let world: World;
let directory = '';
beforeEach(async () => {
  world = await openWorld();
  await world.emptyGraph();
  directory = await mkdtemp(join(tmpdir(), 'inator-start-'));
});
afterEach(async () => {
  await world.emptyGraph();
  await world.close();
  await rm(directory, { recursive: true, force: true });
});

const perType = 40;

it('a record of the sample that is dead-lettered is told, with the counts of all the others', async () => {
  const sizes = types
    .flatMap((type) => [...generateSample({ type, count: perType })])
    .map(({ length }) => length)
    .sort((a, b) => b - a);
  const [largest = 0, second = 0] = sizes;
  expect(second).toBeLessThan(largest);
  const { rabbitmq, postgres, neo4j } = sharedServers();
  const bin = join(root, 'packages/cli/bin/inator.js');
  const args = ['start', '--once', '--json', '--records', String(perType), '--dir', directory];
  const child = spawn(process.execPath, [bin, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      RABBITMQ_URL: rabbitmq,
      RABBITMQ_EXCHANGE_PREFIX: world.prefix,
      POSTGRES_URL: postgres,
      POSTGRES_SCHEMA: world.schema,
      NEO4J_URI: neo4j?.uri,
      NEO4J_USERNAME: neo4j?.username,
      NEO4J_PASSWORD: neo4j?.password,
      MAX_RECORD_BYTES: String(second),
    },
  });
  let [out, said] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  // Far below the three minutes after which nothing settled is an error.
  const patience = setTimeout(() => child.kill('SIGTERM'), 100_000);
  const [code] = await once(child, 'close');
  clearTimeout(patience);
  expect({ code, said }).toMatchObject({ code: 1, said: expect.stringContaining('2 records were dead-lettered') });
  expect(JSON.parse(out.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
    records: perType * types.length,
    rows: perType * types.length - 1,
    deadLettered: 2,
    agrees: false,
  });
});
