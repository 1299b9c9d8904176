/**
 * The end of an extraction, from the queue to the stores: the real services, several replicas, and kills in the middle.
 * What each store does is tested beside its sink; here it is that signals, dead letters and crashes reach it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extractionComplete } from '@inator/discogs';
import { until } from '@inator/testkit';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { root } from '../support/root.ts';
import { idOf, sample } from '../support/sample.ts';
import type { RunningService, ServiceName } from '../support/service.ts';
import { openWorld, sharedServers, type World } from '../support/world.ts';

const services = ['tableinator', 'graphinator'] as const;
const type = 'labels';
const env = {
  DATA_TYPES: type,
  PURGE_MODE: 'purge',
  PURGE_MAX_FRACTION: '0.5',
  POSTGRES_BATCH_SIZE: '100',
  NEO4J_BATCH_SIZE: '100',
  POSTGRES_BATCH_FLUSH_INTERVAL: '0.2',
  NEO4J_BATCH_FLUSH_INTERVAL: '0.2',
  // A purge of the graph waits until no transaction of before can be under way.
  NEO4J_TRANSACTION_TIMEOUT: '5',
};

let world: World;
beforeEach(async () => {
  world = await openWorld();
  await forget();
});
afterEach(async () => {
  await forget();
  await world.close();
});

/** The graph is one for all tests, and so is its ledger. */
async function forget(): Promise<void> {
  await world.emptyGraph();
  await world.graph.query('match (n:InatorSeen|InatorRun|InatorExtraction|InatorVanished) delete n');
}

const end = (run: number, declared: number): Promise<void> =>
  world.broker.publish(world.exchange(type), [
    extractionComplete({
      version: `run ${run}`,
      startedAt: new Date(Date.UTC(2026, 0, run)),
      counts: { [type]: declared },
    }),
  ]);

interface Line {
  readonly event: string;
  readonly version?: string;
  readonly why?: string;
  readonly seen?: number;
  readonly vanished?: number;
  readonly purged?: number;
  readonly repeated?: boolean;
}

/** The line of the log that says what became of a run. */
async function closed(run: number, ...of: readonly RunningService[]): Promise<Line> {
  const line = await until(
    () =>
      of
        .flatMap((service) => service.lines)
        .filter((line) => line.includes('"event":"purge.'))
        .map((line) => JSON.parse(line) as Line)
        .find(({ version }) => version === `run ${run}`),
    `run ${run} is closed`,
    60_000,
  );
  if (line === undefined) throw new Error('until resolves with what it waited for');
  return line;
}

async function ids(name: ServiceName): Promise<string[]> {
  const rows =
    name === 'tableinator'
      ? await world.tables.query<{ id: string }>(`select data_id as id from "${world.schema}".${type}`)
      : await world.graph.query<{ id: string }>('match (l:Label) where l.sha256 is not null return l.id as id');
  return rows.map(({ id }) => id).sort();
}

const sorted = (bodies: readonly Buffer[]): string[] => bodies.map(idOf).sort();

it('purges what an unchanged second run did not bring, and skips where that would not be safe', async () => {
  const bodies = sample(type, 300);
  const started = await Promise.all(services.map((name) => world.start(name, env)));
  await world.drained(...started);
  const run = async (number: number, records: readonly (Buffer | string)[], declared: number, is: Partial<Line>) => {
    await world.broker.publish(world.exchange(type), records);
    await end(number, declared);
    for (const service of started) {
      const line = await closed(number, service);
      expect({ service: service.name, ...line }).toMatchObject({ service: service.name, ...is });
    }
  };
  const are = async (records: readonly Buffer[]): Promise<void> => {
    for (const name of services) expect({ name, ids: await ids(name) }).toEqual({ name, ids: sorted(records) });
  };
  await run(1, bodies, 300, { event: 'purge.done', seen: 300, purged: 0 });
  // A bad record, a short run, one that would take too much: nothing goes.
  await run(2, [...bodies.slice(0, 290), '{"id":"bad"'], 291, { event: 'purge.skipped', why: 'dead-letters' });
  await run(3, bodies.slice(0, 290), 291, { event: 'purge.skipped', why: 'incomplete', seen: 290, vanished: 10 });
  await run(4, bodies.slice(0, 100), 100, { event: 'purge.skipped', why: 'over-limit', vanished: 200 });
  await are(bodies);
  await run(5, bodies.slice(0, 290), 290, { event: 'purge.done', seen: 290, purged: 10 });
  await are(bodies.slice(0, 290));
  await end(5, 290);
  for (const service of started) {
    await until(() => service.lines.some((line) => line.includes('"repeated":true')), 'the repeated signal');
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(/inator_purges_skipped_total\{[^}]*reason="over-limit"[^}]*\} 1/);
    expect(metrics).toMatch(/inator_records_purged_total\{[^}]*\} 10/);
  }
  await are(bodies.slice(0, 290));
  await world.drained(...started);
});

it('killed in the middle of a purge, it goes on after the restart', async () => {
  const bodies = sample(type, 1_200);
  const generous = { ...env, PURGE_MAX_FRACTION: '0.9' };
  const doomed = await Promise.all(
    services.map((name) => world.start(name, { ...generous, INATOR_FAILPOINTS: 'purge-chunk=kill@2' })),
  );
  await world.drained(...doomed);
  await world.broker.publish(world.exchange(type), bodies);
  await end(1, 1_200);
  for (const service of doomed) await closed(1, service);
  await world.broker.publish(world.exchange(type), bodies.slice(0, 500));
  await end(2, 500);
  await Promise.all(doomed.map((service) => service.exited));
  for (const name of services) {
    const left = (await ids(name)).length;
    expect(left).toBeGreaterThan(500);
    expect(left).toBeLessThan(1_200);
  }
  const heirs = await Promise.all(services.map((name) => world.start(name, generous)));
  for (const heir of heirs) {
    expect(await closed(2, heir)).toMatchObject({ event: 'purge.done', vanished: 700, purged: 700 });
    expect(await ids(heir.name)).toEqual(sorted(bodies.slice(0, 500)));
  }
  await world.drained(...heirs);
});

it('two replicas share one ledger: the run is complete when both have written theirs', async () => {
  const bodies = sample(type, 600);
  const replicas = await Promise.all(
    [1, 2].map((n) => world.start('tableinator', { ...env, INSTANCE: `replica-${n}` })),
  );
  await world.drained(...replicas);
  await world.broker.publish(world.exchange(type), bodies);
  await end(1, 600);
  expect(await closed(1, ...replicas)).toMatchObject({ event: 'purge.done', seen: 600 });
  await world.broker.publish(world.exchange(type), bodies.slice(50));
  await end(2, 550);
  expect(await closed(2, ...replicas)).toMatchObject({ event: 'purge.done', seen: 550, purged: 50 });
  expect(await ids('tableinator')).toEqual(sorted(bodies.slice(50)));
  const both = replicas.map((replica) => replica.lines.filter((line) => line.includes('"batch.processed"')).length);
  expect(Math.min(...both)).toBeGreaterThan(0);
});

/** `inator publish --complete` of these lines, as a person runs it; resolves with what it said. */
async function publishFile(lines: readonly (Buffer | string)[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'inator-extraction-'));
  try {
    const path = join(directory, `${type}.jsonl`);
    await writeFile(path, lines.map((line) => `${line.toString()}\n`).join(''));
    const child = spawn(process.execPath, [join(root, 'packages/cli/bin/inator.js'), 'publish', '--complete', path], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env.PATH,
        RABBITMQ_URL: sharedServers().rabbitmq,
        RABBITMQ_EXCHANGE_PREFIX: world.prefix,
      },
    });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += String(chunk);
    });
    const [code] = await once(child, 'close');
    expect({ code, said }).toMatchObject({ code: 0 });
    return said;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

it('what inator publish refused is not purged, whatever else made up for its number', async () => {
  const bodies = sample(type, 21);
  const [extra, ...dump] = bodies as [Buffer, ...Buffer[]];
  const service = await world.start('tableinator', env);
  await world.drained(service);
  const closings = (): Line[] =>
    service.lines.filter((line) => line.includes('"event":"purge.')).map((line) => JSON.parse(line) as Line);
  const run = async (lines: readonly (Buffer | string)[]) => {
    const before = closings().length;
    const said = await publishFile(lines);
    await until(() => closings().length > before, 'the run is closed', 60_000);
    return { said, line: closings().at(-1) };
  };
  expect((await run(dump)).line).toMatchObject({ event: 'purge.done', seen: 20 });
  // A record of another producer: as many keys are seen as the dump has lines.
  await world.broker.publish(world.exchange(type), [extra]);
  const broken = await run(dump.with(6, Buffer.from('{"id":"broken')));
  expect(broken.line).toMatchObject({ event: 'purge.skipped', why: 'undeclared', seen: 20 });
  expect(broken.said).toContain(`1 record of ${type} refused: extraction_complete declares no number of ${type}`);
  expect(await ids('tableinator')).toEqual(sorted(bodies));
  expect((await run(dump)).line).toMatchObject({ event: 'purge.done', seen: 20, purged: 1 });
  expect(await ids('tableinator')).toEqual(sorted(dump));
});
