/** What only a server of one's own can be made to suffer: kill -9, a full disk, no connection left, read-only. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sink } from '@inator/runtime';
import type { Server } from '@inator/stack';
import { type BenchLane, startBenchLane, startOwnServer, until } from '@inator/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import pg from 'pg';
import { createPostgres, createTableSink, type Postgres } from '../src/index.ts';
import { bodies, documents } from './support/lane.ts';
import { never } from './support/place.ts';

let root: string;
let server: Server;
let postgres: Postgres;
let sink: Sink<Uint8Array>;
const full = (): string => join(root, 'full');
let mounted = false;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'inator-hurt-'));
  chmodSync(root, 0o711);
  server = await startOwnServer('postgres', {
    dir: join(root, 'postgres'),
    settings: { max_connections: '12', superuser_reserved_connections: '3' },
  });
  mounted = mountSmallDisk();
}, 180_000);
afterAll(async () => {
  await server.remove();
  if (mounted) execFileSync('umount', [full()]);
  rmSync(root, { recursive: true, force: true });
}, 60_000);

beforeEach(() => {
  postgres = createPostgres({ url: server.url, schema: 'hurt', poolMax: 4, poolMin: 0, connectTimeoutMs: 2_000 });
  sink = createTableSink(postgres, documents);
});
afterEach(async () => {
  await sink.close();
  await postgres.close();
  await ask('DROP SCHEMA IF EXISTS hurt CASCADE');
});

/** Over a connection of the test's own. */
async function ask(text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client(server.url);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}
const stored = async (): Promise<unknown> => (await ask('SELECT count(*)::int AS n FROM hurt.things'))[0]?.n;

/** A file system of 12 MiB that the server may write to; false where mounting is not permitted. */
function mountSmallDisk(): boolean {
  mkdirSync(full());
  try {
    if (server.runs === 'container') throw new Error('a container does not see what is mounted out here');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', full()], { stdio: 'ignore' });
  } catch {
    process.emitWarning('skipped: no small file system can be mounted here, so a full disk is not tried');
    return false;
  }
  const { uid, gid } = statSync(`/proc/${server.pid()}`);
  chownSync(full(), uid, gid);
  return true;
}

it('killed with SIGKILL three times under load, and started again: exact, and without a letter', async () => {
  const one = startBenchLane(documents, sink);
  await until(() => one.lane.snapshot().consuming, 'the lane consumes');
  for (let round = 0; round < 3; round += 1) {
    const before = one.told['batch.written'].length;
    one.publish(bodies(`r${round}-`, 1_500));
    await until(() => one.told['batch.written'].length > before + 3, 'some batches');
    await server.kill();
    await until(() => one.lane.snapshot().state === 'holding', 'holding');
    await server.start();
    await one.drained();
  }
  expect([await stored(), one.letters(), one.told.defect]).toEqual([4_500, [], []]);
  await one.stop();
}, 180_000);

it('out of connections is waited for, told as busy, and never held against a record', async () => {
  await sink.open(never);
  await postgres.close();
  const hoarders = Array.from({ length: 14 }, () => new pg.Client(server.url));
  const late = createPostgres({ url: server.url, schema: 'hurt', poolMax: 4, poolMin: 0, connectTimeoutMs: 1_000 });
  let one: BenchLane;
  try {
    for (const hoarder of hoarders) hoarder.on('error', () => undefined);
    const hoarded = await Promise.allSettled(hoarders.map((hoarder) => hoarder.connect()));
    expect(hoarded.filter(({ status }) => status === 'fulfilled')).toHaveLength(12);
    one = startBenchLane(documents, createTableSink(late, documents));
    one.publish(bodies('k', 100));
    const failure = await late.query('SELECT 1').catch((error: unknown) => error);
    expect(failure).toMatchObject({ is: 'unavailable', fault: { code: 'store-busy', native: '53300' } });
  } finally {
    await Promise.allSettled(hoarders.map((hoarder) => hoarder.end()));
  }
  await one.drained();
  expect([await stored(), one.letters()]).toEqual([100, []]);
  await one.stop();
  await late.close();
});

it('read-only, as after a failover, is waited for', async () => {
  const one = startBenchLane(documents, sink);
  one.publish(bodies('before', 50));
  await one.drained();
  await ask('ALTER SYSTEM SET default_transaction_read_only = on');
  await ask('SELECT pg_reload_conf()');
  await until(
    async () => (await ask('SHOW default_transaction_read_only'))[0]?.default_transaction_read_only === 'on',
    'read-only',
  );
  one.publish(bodies('after', 50));
  await until(() => one.told['batch.held'].length >= 3, 'held again and again');
  expect(one.told['batch.held'].at(-1)?.fault).toMatchObject({ code: 'store-busy', native: '25006' });
  await resetReadOnly();
  await ask('SELECT pg_reload_conf()');
  await one.drained();
  expect([await stored(), one.letters()]).toEqual([100, []]);
  await one.stop();
});

/** ALTER SYSTEM wants to be alone in its transaction, and a session that may write. */
async function resetReadOnly(): Promise<void> {
  const client = new pg.Client(server.url);
  await client.connect();
  await client.query('SET default_transaction_read_only = off');
  await client.query('ALTER SYSTEM RESET default_transaction_read_only');
  await client.end();
}

it('a full disk is waited for; once there is room again the lane goes on', async () => {
  if (!mounted) return;
  await sink.open(never);
  await ask(`CREATE TABLESPACE small LOCATION '${full()}'`);
  await ask('ALTER TABLE hurt.things SET TABLESPACE small');
  // The canary writes where temporary tables go; sessions that are open already would not hear of it.
  await ask("ALTER ROLE CURRENT_USER SET temp_tablespaces = 'small'");
  await ask(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = CURRENT_USER AND pid <> pg_backend_pid()',
  );
  await ask('CREATE TABLE hurt.ballast (data text) TABLESPACE small');
  await ask('ALTER TABLE hurt.ballast ALTER data SET STORAGE EXTERNAL');
  // Until it is full: what was written before the error stays behind as dead rows.
  const filled = await ask(
    'INSERT INTO hurt.ballast SELECT repeat(md5(i::text), 60000) FROM generate_series(1, 40) i',
  ).catch((error: unknown) => error);
  expect(filled).toMatchObject({ code: '53100' });
  const one = startBenchLane(documents, sink);
  const heavy = Array.from({ length: 60 }, (_, i) => JSON.stringify({ id: `h${i}`, notes: noise(i) }));
  one.publish(heavy);
  await until(() => one.told['batch.held'].length >= 4, 'held again and again');
  expect(one.told['batch.held'].at(-1)?.fault).toMatchObject({ code: 'store-busy', native: '53100' });
  expect(one.letters()).toEqual([]);
  await expect(sink.check(never)).rejects.toMatchObject({ is: 'unavailable', fault: { native: '53100' } });
  await ask('ALTER ROLE CURRENT_USER RESET temp_tablespaces');
  await ask('DROP TABLE hurt.ballast');
  // The file of a dropped table is given back at the next checkpoint at the latest.
  await ask('CHECKPOINT');
  await one.drained();
  expect([await stored(), one.letters(), one.told['batch.split']]).toEqual([60, [], []]);
  await one.stop();
  await ask('DROP SCHEMA hurt CASCADE');
  await ask('DROP TABLESPACE small');
});

/** 30 kB that do not compress. */
function noise(seed: number): string {
  let state = seed + 1;
  return Array.from({ length: 30_000 }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return String.fromCharCode(48 + (state % 75));
  })
    .join('')
    .replaceAll('\\', '/');
}

it('a thousand batches leave a catalogue that stays at its size once a vacuum has come by', async () => {
  await sink.open(never);
  const sizes: number[] = [];
  for (let i = 1; i <= 1_000; i += 1) {
    const records = bodies(`b${i}-`, 1).flatMap((body) => {
      const decoded = documents.decode(Buffer.from(body), {});
      return decoded.is === 'record' ? [{ ...decoded, seq: undefined, bytes: body.length }] : [];
    });
    await sink.write({ model: documents, records, bytes: 0, sealedBy: 'records' }, never);
    if (i % 200 > 0) continue;
    // Autovacuum does the same by itself, when a fifth of the catalogue is dead.
    await ask('VACUUM pg_catalog.pg_attribute');
    await ask('VACUUM pg_catalog.pg_class');
    const [row] = await ask("SELECT pg_total_relation_size('pg_attribute') + pg_total_relation_size('pg_class') AS n");
    sizes.push(Number(row?.n));
  }
  const [, , third = 0, , last = 0] = sizes;
  // Pages of an index are used again only after a second vacuum: hence from the third on.
  expect([sizes, last <= third * 1.1]).toEqual([sizes, true]);
  expect(await ask("SELECT FROM pg_class WHERE relname = 'inator_stage'")).toEqual([]);
}, 120_000);
