/** The sink's canary fails wherever a write of any record would fail, and leaves nothing behind. */
import type { Sink } from '@inator/runtime';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createTableSink, type Postgres, type TableSinkOptions, writePathNames } from '../src/index.ts';
import { documents } from './support/lane.ts';
import { never, newPlace, type Place } from './support/place.ts';

let place: Place;
beforeEach(() => {
  place = newPlace();
});
afterEach(() => place.dispose());

async function opened(postgres: Postgres, options: TableSinkOptions = {}): Promise<Sink<Uint8Array>> {
  const sink = createTableSink(postgres, documents, options);
  await sink.open(never);
  await sink.check(never);
  return sink;
}

it.each([
  ['a renamed column', 'ALTER TABLE %s.things RENAME data TO body', 'ALTER TABLE %s.things RENAME body TO data'],
  ['a table that is gone', 'ALTER TABLE %s.things RENAME TO away', 'ALTER TABLE %s.away RENAME TO things'],
  [
    'a column of another type',
    'ALTER TABLE %s.things ALTER data TYPE int USING 0',
    "ALTER TABLE %s.things ALTER data TYPE jsonb USING '{}'",
  ],
  [
    'a lost primary key',
    'ALTER TABLE %s.things DROP CONSTRAINT things_pkey',
    'ALTER TABLE %s.things ADD PRIMARY KEY (data_id)',
  ],
])('%s fails it on every write path, and mended it passes', async (_, hurt, mend) => {
  const sinks = await Promise.all(writePathNames.map((writePath) => opened(place.postgres, { writePath })));
  await place.rows(hurt);
  for (const sink of sinks) await expect(sink.check(never)).rejects.toMatchObject({ is: 'misconfigured' });
  await place.rows(mend);
  for (const sink of sinks) await sink.check(never);
  expect(await place.rows('SELECT FROM %s.things')).toEqual([]);
  expect(await place.rows("SELECT FROM pg_catalog.pg_class WHERE relname = 'inator_canary'")).toEqual([]);
});

it('a role that lost its right to insert, or to make temporary tables, fails it', async () => {
  const role = `role_${place.schema}`;
  await place.rows(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
  await place.rows(`CREATE DATABASE ${role} OWNER ${role}`);
  const owner = place.pool({ database: role });
  try {
    await owner.query(`CREATE SCHEMA "${place.schema}" AUTHORIZATION ${role}`);
    const sink = await opened(place.pool({ database: role, user: role, password: () => 'x' }));
    for (const [take, give] of [
      [`REVOKE INSERT ON "${place.schema}".things FROM ${role}`, `GRANT INSERT ON "${place.schema}".things TO ${role}`],
      [`REVOKE TEMP ON DATABASE ${role} FROM PUBLIC, ${role}`, `GRANT TEMP ON DATABASE ${role} TO ${role}`],
    ] as const) {
      await owner.query(take);
      await expect(sink.check(never)).rejects.toMatchObject({ is: 'misconfigured', fault: { native: '42501' } });
      await owner.query(give);
      await sink.check(never);
    }
  } finally {
    await owner.close();
    await place.rows(`DROP DATABASE ${role} WITH (FORCE)`);
    await place.rows(`DROP ROLE ${role}`);
  }
});
