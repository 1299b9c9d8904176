/** What befalls a process: a defect of ours, being stopped like a zombie, too large bodies, a killed backend. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { generateSample } from '@inator/discogs';
import { startPostgres } from '@inator/stack';
import { until } from '@inator/testkit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { root } from '../support/root.ts';
import { idOf, sample } from '../support/sample.ts';
import type { RunningService, ServiceName } from '../support/service.ts';
import { openWorld, sharedServers, type World } from '../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

async function stored(name: ServiceName, ids: readonly string[]): Promise<number> {
  if (name === 'tableinator') return world.rows('releases');
  const [row] = await world.graph.query<{ n: number }>(
    'match (r:Release) where r.id in $ids and r.sha256 is not null return count(r) as n',
    { ids },
  );
  return row?.n ?? 0;
}

const ready = (name: ServiceName): Promise<number> => world.broker.ready(world.queue(name, 'releases'));
const letters = (name: ServiceName) => world.broker.letters(`${world.queue(name, 'releases')}.dlq`);

interface Totals {
  readonly lanes: readonly {
    readonly lane: string;
    readonly state: string;
    readonly consuming: boolean;
    readonly pendingRecords: number;
    readonly pendingBytes: number;
    readonly totals: { readonly consumed: number; readonly sessionsLost: number };
  }[];
}

async function releases(service: RunningService): Promise<Totals['lanes'][number]> {
  const { body } = await service.get<Totals>('/lanes');
  const lane = body.lanes.find((each) => each.lane === 'releases');
  if (lane === undefined) throw new Error(`${service.name} has no lane for releases`);
  return lane;
}

describe.each(['tableinator', 'graphinator'] as const)('a defect of ours in %s', (name) => {
  it.each([
    ['a rejection that nobody owns', 'SIGUSR2', 'unhandledRejection'],
    ['an exception that nobody catches', 'SIGWINCH', 'uncaughtException'],
  ] as const)(
    '%s is logged, what is in hand is written and acked, and the process ends with 1',
    async (_, signal, event) => {
      const service = await world.start(name, {
        NODE_OPTIONS: `--import=${pathToFileURL(join(root, 'test/support/unowned.mjs')).href}`,
        // So long that only the drain can seal.
        POSTGRES_BATCH_FLUSH_INTERVAL: '600',
        NEO4J_BATCH_FLUSH_INTERVAL: '600',
      });
      await world.drained(service);
      const bodies = sample('releases', 80, (name === 'tableinator' ? 120 : 122) + (signal === 'SIGUSR2' ? 0 : 1));
      await world.broker.publish(world.exchange('releases'), bodies);
      await until(async () => (await releases(service)).pendingRecords === 80, 'everything taken');
      service.kill(signal);
      expect(await service.exited).toBe(1);
      const defect = service.lines.find((line) => line.includes('"event":"defect"'));
      expect(JSON.parse(defect ?? '{}')).toMatchObject({
        level: 'error',
        reason: `${event}: the service drains and ends`,
      });
      expect(await stored(name, bodies.map(idOf))).toBe(80);
      expect(await ready(name)).toBe(0);
      expect(await letters(name)).toEqual([]);
    },
  );
});

describe('a zombie: stopped inside its transaction, and let go on after the world has moved on', () => {
  /** What the stores do by their own timeouts, without waiting for them: the transaction of this process ends. */
  async function endTransaction(name: ServiceName, instance: string): Promise<void> {
    if (name === 'tableinator') {
      const ended = await world.tables.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = $1 and state = 'idle in transaction'`,
        [`tableinator ${instance}`],
      );
      expect(ended.length).toBeGreaterThan(0);
      return;
    }
    const open = await world.graph.query<{ id: string }>(
      'show transactions yield transactionId as id, metaData where metaData.app = $app return id',
      { app: `inator ${instance}` },
    );
    expect(open.length).toBeGreaterThan(0);
    await world.graph.query('terminate transactions $ids', { ids: open.map(({ id }) => id) });
  }

  async function versionOf(name: ServiceName, id: string): Promise<number | undefined> {
    if (name === 'tableinator') {
      const rows = await world.tables.query<{ seq: string }>(
        `select seq from "${world.schema}".releases where data_id = $1`,
        [id],
      );
      return rows[0] === undefined ? undefined : Number(rows[0].seq);
    }
    const [row] = await world.graph.query<{ seq: number | null }>('match (r:Release {id: $id}) return r.seq as seq', {
      id,
    });
    return row?.seq ?? undefined;
  }

  it.each(['tableinator', 'graphinator'] as const)(
    '%s: the later version stands, and its old acks are lost',
    async (name) => {
      const instance = `zombie-${randomBytes(3).toString('hex')}`;
      const range = name === 'tableinator' ? 130 : 131;
      const common = {
        RABBITMQ_HEARTBEAT: '1',
        POSTGRES_LOCK_TIMEOUT: '1',
        POSTGRES_BATCH_FLUSH_INTERVAL: '0.1',
        NEO4J_BATCH_FLUSH_INTERVAL: '0.1',
      };
      const zombie = await world.start(name, {
        ...common,
        INSTANCE: instance,
        INATOR_FAILPOINTS: 'before-commit=stop@1',
      });
      await world.drained(zombie);
      const from = 1 + range * 1_000_000;
      const [first = Buffer.alloc(0)] = generateSample({ type: 'releases', count: 1, from, version: 1 });
      const [second = Buffer.alloc(0)] = generateSample({ type: 'releases', count: 1, from, version: 2 });
      const id = idOf(first);
      await world.broker.publish(world.exchange('releases'), [first], () => ({ 'x-seq': 1 }));
      await until(
        () => /^State:\s+T/m.test(readFileSync(`/proc/${zombie.pid}/status`, 'utf8')),
        'the zombie has stopped',
      );

      const heir = await world.start(name, { ...common, INSTANCE: `${instance}-heir` });
      // The broker takes the zombie's consumers away when its heartbeats stay out.
      await until(async () => (await releases(heir)).totals.consumed > 0, 'the first version comes to the heir');
      await world.broker.publish(world.exchange('releases'), [second], () => ({ 'x-seq': 2 }));
      await endTransaction(name, instance);
      await until(async () => (await versionOf(name, id)) === 2, 'the heir has written the second version');

      zombie.kill('SIGCONT');
      await until(
        async () => (await releases(zombie)).totals.sessionsLost > 0 && (await releases(zombie)).consuming,
        'the zombie has noticed, and consumes again',
      );
      await world.drained(zombie, heir);
      expect(await versionOf(name, id)).toBe(2);
      expect(await ready(name)).toBe(0);
      expect(await letters(name)).toEqual([]);
      expect(zombie.exitCode).toBeUndefined();
      expect(await Promise.all([zombie.stop(), heir.stop()])).toEqual([0, 0]);
    },
  );
});

describe('memory', () => {
  it('stays inside its bytes while the table is locked and far more of a megabyte each wait', async () => {
    const service = await world.start('tableinator', {
      BATCH_MAX_PENDING_BYTES: String(16 * 1024 * 1024),
      POSTGRES_LOCK_TIMEOUT: '1',
    });
    await world.drained(service);
    const [plain = Buffer.alloc(0)] = sample('releases', 1, 140);
    const notes = 'm'.repeat(1024 * 1024);
    const bodies = Array.from({ length: 80 }, (_, i) =>
      Buffer.from(`{"type":"data","id":"${idOf(plain)}-${i}","sha256":"${i}","notes":"${notes}"}`),
    );
    let over = false;
    const locked = world.tables
      .query(`begin; lock table "${world.schema}".releases in access exclusive mode; select pg_sleep(4); commit`)
      .then(() => {
        over = true;
      });
    await world.broker.publish(world.exchange('releases'), bodies);
    let most = 0;
    await until(async () => {
      most = Math.max(most, (await releases(service)).pendingBytes);
      return over;
    }, 'the lock is over');
    await locked;
    await until(async () => (await world.rows('releases')) === 80, 'everything stored', 60_000);
    await world.drained(service);
    const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${service.pid}/status`, 'utf8'))?.[1]) / 1024;
    // Really full, and over its bytes by one body at most.
    expect(most).toBeGreaterThan(12 * 1024 * 1024);
    expect(most).toBeLessThanOrEqual(18 * 1024 * 1024);
    // A service at rest has about 90 MiB; all bodies together would be 80 more, twice over while they are written.
    expect(peak).toBeLessThan(260);
    expect(await letters('tableinator')).toEqual([]);
  });
});

describe('a backend that the kernel kills', () => {
  it('ends all sessions of the server: one outage, and no letter', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'inator-backend-'));
    chmodSync(dir, 0o711);
    const postgres = await startPostgres({ dir: join(dir, 'postgres'), ownedByParent: true, ephemeral: true });
    const own = await openWorld({ rabbitmq: sharedServers().rabbitmq, postgres: postgres.url });
    try {
      const service = await own.start('tableinator', {
        POSTGRES_BATCH_SIZE: '100',
        INATOR_FAILPOINTS: 'mid-copy=stall:3000@3',
      });
      await own.drained(service);
      const bodies = sample('releases', 1_000, 141);
      await own.broker.publish(own.exchange('releases'), bodies);
      const backend = await until(async () => {
        const [row] = await own.tables.query<{ pid: number }>(
          `select pid from pg_stat_activity where application_name like 'tableinator%' and state = 'active'
           and query ilike '%COPY%' and wait_event = 'ClientRead' and clock_timestamp() - state_change > interval '0.5 s'`,
        );
        return row?.pid;
      }, 'a backend in the middle of COPY');
      process.kill(backend ?? Number.NaN, 'SIGKILL');
      await until(async () => (await own.rows('releases').catch(() => 0)) === 1_000, 'everything stored', 60_000);
      await own.drained(service);
      expect(await own.broker.letters(`${own.queue('tableinator', 'releases')}.dlq`)).toEqual([]);
      expect(service.exitCode).toBeUndefined();
      expect(await service.stop()).toBe(0);
    } finally {
      await own.close().catch(() => {});
      await postgres.remove();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
