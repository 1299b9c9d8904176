/** The table of errors against errors that a real server makes, not such as we imagine. */
import { type FaultCode, SinkError, type SinkErrorKind } from '@inator/runtime';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { classify, type Lease } from '../src/index.ts';
import { newPlace, type Place } from './support/place.ts';

let place: Place;
beforeAll(async () => {
  place = newPlace({ statementTimeoutMs: 200, lockTimeoutMs: 50 });
  await place.rows('CREATE SCHEMA %s');
  await place.rows(`CREATE TABLE %s.t (id int PRIMARY KEY, n int NOT NULL CHECK (n > 0), parent int REFERENCES %s.t,
    "at" int4range, EXCLUDE USING gist ("at" WITH &&))`);
  await place.rows("INSERT INTO %s.t VALUES (1, 1, NULL, '[1,2)')");
  await place.rows('CREATE VIEW %s.v AS SELECT * FROM %s.t WHERE id < 10 WITH CHECK OPTION');
});
afterAll(() => place.dispose());

it.each<readonly [string, string, SinkErrorKind, FaultCode]>([
  ["SELECT 'x'::int", '22P02', 'refused', 'value-refused'],
  [`SELECT '{"a":'::json`, '22P02', 'refused', 'json-invalid'],
  [`SELECT '"\\ud800"'::jsonb`, '22P02', 'refused', 'text-surrogate'],
  [`SELECT '"\\u0000"'::jsonb`, '22P05', 'refused', 'text-nul'],
  ["SELECT convert_from('\\xff', 'UTF8')", '22021', 'refused', 'utf8-invalid'],
  ["SELECT convert_from('\\x00', 'UTF8')", '22021', 'refused', 'text-nul'],
  ['SELECT 2147483648::int', '22003', 'refused', 'number-out-of-range'],
  [`SELECT '{"n":1e131072}'::jsonb`, '22003', 'refused', 'number-out-of-range'],
  ['INSERT INTO %s.t SELECT 2, 1, NULL, NULL WHERE 1 / 0 = 1', '22012', 'refused', 'value-refused'],
  ["SELECT 'soon'::date", '22007', 'refused', 'value-refused'],
  ["SELECT '2024-02-30'::date", '22008', 'refused', 'value-refused'],
  ['INSERT INTO %s.t VALUES (2, NULL)', '23502', 'refused', 'constraint-refused'],
  ['INSERT INTO %s.t VALUES (1, 1)', '23505', 'refused', 'constraint-refused'],
  ['INSERT INTO %s.t VALUES (2, 0)', '23514', 'refused', 'constraint-refused'],
  ['INSERT INTO %s.t VALUES (2, 1, 99)', '23503', 'suspect', 'constraint-refused'],
  ["INSERT INTO %s.t VALUES (2, 1, NULL, '[1,3)')", '23P01', 'refused', 'constraint-refused'],
  ['INSERT INTO %s.v VALUES (20, 1)', '44000', 'refused', 'constraint-refused'],
  ["DO $$ BEGIN RAISE EXCEPTION 'no'; END $$", 'P0001', 'refused', 'constraint-refused'],
  ["DO $$ BEGIN RAISE EXCEPTION 'No such user 7'; END $$", 'P0001', 'refused', 'constraint-refused'],
  ["DO $$ BEGIN RAISE EXCEPTION 'cancelled due to user request'; END $$", 'P0001', 'refused', 'constraint-refused'],
  [`SELECT (repeat('[', 50000) || repeat(']', 50000))::jsonb`, '54001', 'refused', 'limit-refused'],
  [`SELECT ('[' || repeat('1,', 1) || '1]')::jsonb, repeat('x', 1 << 30)`, '54000', 'refused', 'limit-refused'],
  [
    'INSERT INTO %s.t VALUES (1, 1), (1, 2) ON CONFLICT (id) DO UPDATE SET n = excluded.n',
    '21000',
    'suspect',
    'defect',
  ],
  ['SELECT pg_sleep(5)', '57014', 'suspect', 'store-busy'],
  ['SELECT * FROM %s.nowhere', '42P01', 'misconfigured', 'store-misconfigured'],
  ['SELECT nothing FROM %s.t', '42703', 'misconfigured', 'store-misconfigured'],
  ['CREATE TABLE "no such schema".t ()', '3F000', 'misconfigured', 'store-misconfigured'],
  ["INSERT INTO %s.t (id, n) SELECT 5, 'x'::text", '42804', 'misconfigured', 'store-misconfigured'],
  ['SELECT no_such_function()', '42883', 'misconfigured', 'store-misconfigured'],
  [
    'INSERT INTO %s.t (id, n) VALUES (1, 1) ON CONFLICT (n) DO NOTHING',
    '42P10',
    'misconfigured',
    'store-misconfigured',
  ],
  ['SET ROLE pg_read_all_data; INSERT INTO %s.t VALUES (3, 3)', '42501', 'misconfigured', 'store-misconfigured'],
  ['SET TRANSACTION READ ONLY; INSERT INTO %s.t VALUES (3, 3)', '25006', 'unavailable', 'store-busy'],
  ['SELECT pg_terminate_backend(pg_backend_pid())', '57P01', 'unavailable', 'store-unreachable'],
])('%s is %s: %s, %s', async (text, native, is, code) => {
  const quoted = text.replaceAll('%s', `"${place.schema}"`);
  const error = await place.postgres
    .query(`${place.postgres.begin}; ${quoted}; ROLLBACK`)
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SinkError);
  expect(error).toMatchObject({ is, fault: { native, code } });
});

it('a row that somebody has locked is 55P03, a serialization failure 40001: both are waited for', async () => {
  const { postgres, schema } = place;
  await postgres.lease(async (lease) => {
    await lease.query(`BEGIN; UPDATE "${schema}".t SET n = 2 WHERE id = 1`);
    const update = `${postgres.begin}; UPDATE "${schema}".t SET n = 3 WHERE id = 1; COMMIT`;
    await expect(postgres.query(update)).rejects.toMatchObject({ is: 'unavailable', fault: { native: '55P03' } });
    await lease.query('ROLLBACK');
  });
  await postgres.lease(async (lease) => {
    await lease.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM "${schema}".t`);
    await postgres.query(`UPDATE "${schema}".t SET n = n + 1 WHERE id = 1`);
    const error = await lease.query(`UPDATE "${schema}".t SET n = 9 WHERE id = 1`).catch((thrown: unknown) => thrown);
    expect(classify(error)).toMatchObject({ is: 'unavailable', halve: false, fault: { native: '40001' } });
    await lease.query('ROLLBACK');
  });
});

it('sessions that can only read are given up, and the pool writes again as soon as new ones can', async () => {
  const database = `d_${place.schema}`;
  await place.rows(`CREATE DATABASE "${database}"`);
  const pool = place.pool({ database, poolMax: 3 });
  const readsOnly = (yes: boolean) =>
    place.rows(`ALTER DATABASE "${database}" SET default_transaction_read_only = ${yes ? 'on' : 'off'}`);
  const each = <T>(work: (lease: Lease) => Promise<T>) =>
    Promise.allSettled(Array.from({ length: 3 }, () => pool.lease(work)));
  const pid = 'SELECT pg_catalog.pg_backend_pid() AS pid, pg_catalog.pg_sleep(0.05)';
  try {
    await readsOnly(true);
    // Three at once, so that every session of the pool was begun while it could only read.
    const read = await each((lease) => lease.query<{ pid: number }>(pid));
    expect(new Set(read.map((one) => one.status === 'fulfilled' && one.value.rows[0]?.pid)).size).toBe(3);
    await readsOnly(false);
    await expect(pool.check()).rejects.toMatchObject({ is: 'unavailable', fault: { code: 'store-busy' } });
    expect(pool.stats().evicted).toBe(1);
    // As the write paths do: the error is classified before the lease sees it.
    const write = async (lease: Lease): Promise<void> => {
      await lease
        .query('CREATE TABLE IF NOT EXISTS written ()')
        .catch((error: unknown) => Promise.reject(classify(error)));
    };
    const refused = () => pool.lease(write).catch((error: unknown) => error);
    expect([await refused(), await refused()]).toEqual(
      Array(2).fill(
        expect.objectContaining({ is: 'unavailable', fault: expect.objectContaining({ native: '25006' }) }),
      ),
    );
    expect(pool.stats().evicted).toBe(3);
    await pool.lease(write);
    await pool.check();
    expect(pool.stats().evicted).toBe(3);
  } finally {
    await pool.close();
    await place.rows(`DROP DATABASE "${database}" WITH (FORCE)`);
  }
});
