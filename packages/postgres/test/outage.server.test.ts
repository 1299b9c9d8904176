import { type Cell, type Sink, SinkError, type TableModel } from '@inator/runtime';
import { type Proxy as HurtingProxy, startProxy, until } from '@inator/testkit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createTableSink, type Postgres, type PostgresSettings, type WritePathName } from '../src/index.ts';
import { batchOf, cellsModel, doc, keyed, never, newPlace, type Place, serverUrl } from './support/place.ts';

let place: Place;
let model: TableModel<readonly Cell[]>;
beforeEach(() => {
  place = newPlace();
  model = cellsModel();
});
afterEach(() => place.dispose());

const caught = async (promise: Promise<unknown>): Promise<SinkError> => {
  const error = await promise.then(
    () => new Error('it was stored'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof SinkError) return error;
  throw error;
};
const many = (from: number, count: number) =>
  batchOf(
    model,
    Array.from({ length: count }, (_, i) => doc(`${from + i}`)),
  );
const opened = async (postgres: Postgres, writePath: WritePathName = 'copy'): Promise<Sink<readonly Cell[]>> => {
  const sink = createTableSink(postgres, model, { writePath });
  await sink.open(never);
  return sink;
};
/** Writes until it is stored, as the runtime does, and says how often the store was away. */
const persist = async (sink: Sink<readonly Cell[]>, from: number, count: number): Promise<number> => {
  for (let away = 0; ; away += 1) {
    try {
      await sink.write(many(from, count), never);
      return away;
    } catch (error) {
      if (!(error instanceof SinkError) || error.is !== 'unavailable') throw error;
    }
  }
};

it('backends terminated under load cost time and no record, and the pool heals', async () => {
  const postgres = place.pool({ applicationName: `victim ${place.schema}` });
  const sink = await opened(postgres);
  const batches = 60;
  let next = 0;
  let stored = 0;
  const writers = [0, 1, 2, 3].map(async () => {
    while (next < batches) {
      await persist(sink, next++ * 100, 100);
      stored += 1;
    }
  });
  let rounds = 0;
  const kill = async (): Promise<void> => {
    for (let at = 4; at < batches; at = stored + 4) {
      await until(() => stored >= at || stored === batches, 'progress between two losses');
      rounds += 1;
      await place.rows('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
        `victim ${place.schema}`,
      ]);
    }
  };
  await Promise.all([...writers, kill()]);
  expect(rounds).toBeGreaterThan(3);
  expect(await place.rows('SELECT count(*)::int AS n FROM %s.things')).toEqual([{ n: batches * 100 }]);
  expect(postgres.stats()).toMatchObject({ active: 0, waiting: 0 });
  await postgres.check();
});

it('an idle connection that dies is evicted, and nothing goes unhandled', async () => {
  const postgres = place.pool({ applicationName: `idle ${place.schema}` });
  await Promise.all([1, 2, 3].map(() => postgres.query('SELECT pg_sleep(0.05)')));
  const before = postgres.stats();
  expect(before.idle).toBe(3);
  await place.rows('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
    `idle ${place.schema}`,
  ]);
  await until(() => postgres.stats().idle === 0, 'the eviction');
  expect(postgres.stats().evicted).toBe(3);
  await postgres.check();
});

it('a locked table is waited for, reported busy, and written to when it is free', async () => {
  const postgres = place.pool({ lockTimeoutMs: 100 });
  const sink = await opened(postgres);
  await place.postgres.lease(async (lease) => {
    await lease.query(`BEGIN; LOCK TABLE "${place.schema}".things IN ACCESS EXCLUSIVE MODE`);
    const error = await caught(sink.write(many(0, 10), never));
    expect([error.is, error.fault.code, error.fault.native]).toEqual(['unavailable', 'store-busy', '55P03']);
    expect((await caught(sink.check(never))).is).toBe('unavailable');
    await lease.query('ROLLBACK');
  });
  expect((await sink.write(many(0, 10), never)).counts.created).toBe(10);
  expect(postgres.stats().evicted).toBe(0);
});

it('a statement that takes too long is suspect, and a smaller batch may pass', async () => {
  const sink = await opened(place.pool({ statementTimeoutMs: 100 }));
  await place.rows(
    `CREATE FUNCTION %s.slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END $$`,
  );
  await place.rows('CREATE TRIGGER slow BEFORE INSERT ON %s.things FOR EACH ROW EXECUTE FUNCTION %s.slow()');
  const error = await caught(sink.write(many(0, 50), never));
  expect([error.is, error.slow, error.fault.native]).toEqual(['suspect', true, '57014']);
  expect((await sink.write(many(0, 2), never)).counts.created).toBe(2);
});

it('a thousand failing writes leak no connection', async () => {
  const postgres = place.pool({ poolMax: 2, statementTimeoutMs: 500 });
  const sink = await opened(postgres);
  await place.rows('CREATE TABLE %s.parents (id varchar PRIMARY KEY)');
  const kinds: (() => Promise<unknown>)[] = [
    () => sink.write(batchOf(model, [doc('1'), keyed('bad', 'h', ['{'])]), never),
    () => sink.write(batchOf(model, [doc('1'), keyed('bad', 'h', ['"\ud800"'])]), never),
    () => sink.write(many(0, 50), AbortSignal.timeout(1)),
    () => sink.write(many(0, 50), AbortSignal.abort()),
    () => postgres.query('SELECT nonsense'),
    () => postgres.query('SELECT pg_terminate_backend(pg_backend_pid())'),
    () => postgres.lease((lease) => lease.query('BEGIN').then(() => Promise.reject(new TypeError('ours')))),
    () => postgres.lease((lease) => lease.query('BEGIN')),
  ];
  let failed = 0;
  for (let i = 0; i < 1_000; i += 8) {
    await Promise.all(kinds.map((kind) => kind().catch(() => (failed += 1))));
    expect(postgres.stats()).toMatchObject({ active: 0, waiting: 0 });
  }
  expect(failed).toBeGreaterThan(750);
  await sink.write(many(0, 50), never);
  const stats = postgres.stats();
  expect(stats.idle).toBeLessThanOrEqual(2);
  const left = await place.rows(
    `SELECT FROM pg_stat_activity JOIN pg_locks USING (pid) JOIN pg_class ON pg_class.oid = relation
     WHERE state LIKE 'idle in transaction%' AND relnamespace = $1::regnamespace`,
    [place.schema],
  );
  expect(left).toEqual([]);
});

describe('behind a link that hurts', () => {
  let proxy: HurtingProxy;
  let onData: (chunk: Buffer, towards: 'server' | 'client') => void;
  const throughProxy = (settings: PostgresSettings = {}): Postgres =>
    place.pool({
      host: '127.0.0.1',
      port: proxy.port,
      statementTimeoutMs: 300,
      deadlineGraceMs: 200,
      connectTimeoutMs: 400,
      ...settings,
    });
  beforeEach(async () => {
    onData = () => undefined;
    const url = new URL(serverUrl);
    proxy = await startProxy({
      target: { host: url.hostname, port: Number(url.port || 5432) },
      onData: (chunk, towards) => onData(chunk, towards),
    });
  });
  afterEach(() => proxy.close());

  /** Runs `hurt` when these bytes go to the server. */
  const when = (bytes: string, hurt: () => void): void => {
    onData = (chunk, towards) => {
      if (towards === 'server' && chunk.includes(bytes)) {
        onData = () => undefined;
        hurt();
      }
    };
  };

  it.each([
    ['the lock', 'LOCK TABLE', 'straight'],
    ['the question', 'WITH judged', 'straight'],
    ['the COPY', 'FROM STDIN', 'straight'],
    ['the rows', 'hash of 37', 'straight'],
    ['the COMMIT', 'COMMIT', 'straight'],
    ['the rows for the stage', 'hash of 37', 'copy'],
    ['the merge', 'WITH latest', 'copy'],
  ] as const)('a black hole at %s ends by our own deadline, and the batch goes through afterwards', async (...at) => {
    const [, bytes, writePath] = at;
    const postgres = throughProxy();
    const sink = await opened(postgres, writePath);
    when(bytes, () => proxy.freeze());
    const error = await caught(sink.write(many(0, 100), never));
    expect([error.is, error.fault.code]).toEqual(['unavailable', 'store-unreachable']);
    proxy.thaw();
    await persist(sink, 0, 100);
    expect(await place.rows('SELECT FROM %s.things')).toHaveLength(100);
    expect(postgres.stats()).toMatchObject({ active: 0, waiting: 0 });
  });

  it('a connection cut while COMMIT is under way is retried to the same state, fifty times', async () => {
    const sink = await opened(throughProxy());
    for (let i = 0; i < 50; i += 1) {
      when('COMMIT', () => (i % 2 === 0 ? proxy.cut() : setImmediate(() => proxy.cut())));
      await persist(sink, i * 10, 10);
    }
    expect(await place.rows('SELECT FROM %s.things')).toHaveLength(500);
  });

  it('a server that refuses, then answers again, is reported unreachable within the time to connect', async () => {
    const postgres = throughProxy();
    const sink = await opened(postgres);
    await proxy.refuse();
    const started = performance.now();
    const error = await caught(sink.write(many(0, 10), never));
    expect([error.is, error.fault.code]).toEqual(['unavailable', 'store-unreachable']);
    expect(performance.now() - started).toBeLessThan(2_000);
    await proxy.open();
    await persist(sink, 0, 10);
  });

  it('an abort ends a write at once, wherever it is', async () => {
    const settings = { statementTimeoutMs: 60_000, connectTimeoutMs: 60_000 };
    const sink = await opened(throughProxy(settings), 'straight');
    for (const bytes of ['LOCK TABLE', 'WITH judged', 'FROM STDIN', 'COMMIT']) {
      const aborter = new AbortController();
      when(bytes, () => {
        proxy.freeze();
        aborter.abort();
      });
      const error = await caught(sink.write(many(0, 100), aborter.signal));
      expect(error.is).toBe('unavailable');
      proxy.thaw();
    }
    proxy.freeze();
    const connecting = new AbortController();
    const writing = caught(sink.write(many(0, 100), connecting.signal));
    setImmediate(() => connecting.abort());
    expect((await writing).is).toBe('unavailable');
  });

  it('the health check evicts what a black hole holds and keeps poolMin connections ready', async () => {
    const postgres = throughProxy({ healthCheckIntervalMs: 50, poolMin: 3, connectTimeoutMs: 300 });
    await postgres.check();
    await until(() => postgres.stats().idle === 3, 'three idle connections');
    proxy.cut();
    await until(() => postgres.stats().evicted >= 3, 'the eviction');
    await until(() => postgres.stats().idle === 3, 'three new connections');
  });

  it('closing does not wait for a link that says nothing', async () => {
    const postgres = throughProxy({ statementTimeoutMs: 60_000 });
    await postgres.check();
    proxy.freeze();
    const pending = caught(postgres.query('SELECT 1'));
    const started = performance.now();
    await postgres.close();
    expect(performance.now() - started).toBeLessThan(8_000);
    expect((await pending).is).toBe('unavailable');
    expect((await caught(postgres.query('SELECT 1'))).is).toBe('unavailable');
  });
});

describe('getting in', () => {
  it('a wrong password is for the operator, and a rotated one is read again', async () => {
    const role = `role_${place.schema}`;
    await place.rows(`CREATE ROLE ${role} LOGIN PASSWORD 'old'`);
    const trusting = await place.postgres.lease(() =>
      place
        .pool({ user: role, password: () => 'wrong' })
        .query('SELECT 1')
        .then(
          () => true,
          () => false,
        ),
    );
    let password = 'old';
    const postgres = place.pool({ user: role, password: () => password });
    await postgres.query('SELECT 1');
    await place.rows(`ALTER ROLE ${role} PASSWORD 'new'`);
    await place.rows('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [role]);
    await until(() => postgres.stats().idle === 0, 'the eviction');
    if (!trusting) {
      const error = await caught(postgres.query('SELECT 1'));
      expect([error.is, error.fault.native]).toEqual(['misconfigured', '28P01']);
      expect(error.fault.reason).not.toContain('old');
    }
    password = 'new';
    await postgres.query('SELECT 1');
    await postgres.close();
    await place.rows(`DROP ROLE ${role}`);
  });

  it('a password that cannot be read, a database that is not there and TLS that is not offered are for the operator', async () => {
    const unreadable = place.pool({
      password() {
        throw new Error('ENOENT /run/secrets/postgres');
      },
    });
    const missing = await caught(place.pool({ database: 'no such database' }).query('SELECT 1'));
    expect([missing.is, missing.fault.native]).toEqual(['misconfigured', '3D000']);
    const plain = await caught(place.pool({ sslMode: 'verify-full' }).query('SELECT 1'));
    expect(plain.is).toBe('misconfigured');
    await unreadable.query('SELECT 1').catch((error: unknown) => expect(error).toMatchObject({ is: 'misconfigured' }));
  });

  it('a host that does not exist is unreachable', async () => {
    const error = await caught(place.pool({ host: 'nowhere.invalid', connectTimeoutMs: 500 }).query('SELECT 1'));
    expect([error.is, error.fault.code]).toEqual(['unavailable', 'store-unreachable']);
  });

  it('tells what the server allows', async () => {
    const limits = await place.postgres.limits();
    expect(limits.maxConnections).toBeGreaterThan(limits.reserved);
    expect(limits.versionNumber).toBeGreaterThanOrEqual(130_000);
    const replica = (name: string) => place.pool({ applicationName: `${place.schema} ${name}` });
    const [one, other] = [replica('one'), replica('other')];
    expect((await one.limits()).peers).toBe(0);
    expect((await other.limits()).peers).toBe(1);
    expect((await one.limits()).peers).toBe(1);
  });

  it('a read-only server fails the canary and is waited for', async () => {
    const role = `role_${place.schema}`;
    await place.rows(`CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD 'x'`);
    await opened(place.postgres);
    const postgres = place.pool({ user: role, password: () => 'x' });
    const sink = await opened(postgres);
    await postgres.close();
    await place.rows(`ALTER ROLE ${role} SET default_transaction_read_only = on`);
    const readOnly = place.pool({ user: role, password: () => 'x' });
    await sink.close();
    const writing = createTableSink(readOnly, model);
    await writing.open(never);
    expect((await caught(writing.check(never))).is).toBe('unavailable');
    const error = await caught(writing.write(many(0, 1), never));
    expect([error.is, error.fault.native]).toEqual(['unavailable', '25006']);
    await readOnly.close();
    await place.rows(`DROP ROLE ${role}`);
  });

  it('fewer connections than writers: they take turns', async () => {
    const postgres = place.pool({ poolMax: 2 });
    const sink = await opened(postgres);
    await Promise.all(Array.from({ length: 8 }, (_, i) => sink.write(many(i * 100, 100), never)));
    expect(await place.rows('SELECT FROM %s.things')).toHaveLength(800);
    expect(postgres.stats().idle).toBeLessThanOrEqual(2);
  });
});
