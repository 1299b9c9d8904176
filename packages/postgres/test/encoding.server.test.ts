/** A database that cannot hold every character: refused when the sink opens, and never charged to a record as a NUL. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { classify, createTableSink } from '../src/index.ts';
import { cellsModel, never, newPlace, type Place, refusal, serverUrl } from './support/place.ts';

let place: Place;
let url: string;
beforeAll(async () => {
  place = newPlace();
  const database = `latin_${place.schema}`;
  const at = new URL(serverUrl);
  at.pathname = `/${database}`;
  url = at.href;
  await place.rows(`CREATE DATABASE ${database} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`);
});
afterAll(async () => {
  await place.rows(`DROP DATABASE IF EXISTS latin_${place.schema} WITH (FORCE)`);
  await place.dispose();
});

describe('a database in LATIN1', () => {
  it('is refused at the opening, by name, with what mends it, and gets no table', async () => {
    const postgres = place.pool({ url });
    const error = await refusal(createTableSink(postgres, cellsModel()).open(never));
    expect([error.is, error.fault.code]).toEqual(['misconfigured', 'store-misconfigured']);
    expect(error.fault.reason).toContain(`database "latin_${place.schema}" has the encoding LATIN1`);
    expect(error.fault.reason).toContain("ENCODING 'UTF8'");
    const { rowCount } = await postgres.query('SELECT FROM pg_namespace WHERE nspname = $1', [place.schema]);
    expect(rowCount).toBe(0);
    await postgres.close();
  });

  it.each([
    ['a character that it has not got', "SELECT '日本'", 'value-refused'],
    ['an escape of one', `SELECT '"\\u65e5"'::jsonb`, 'value-refused'],
    ['an escaped NUL', `SELECT '"\\u0000"'::jsonb`, 'text-nul'],
  ])('refuses %s by its own code', async (_, text, code) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const thrown: unknown = await client.query(text).then(
      () => undefined,
      (error: unknown) => error,
    );
    await client.end();
    const error = classify(thrown);
    expect([error.is, error.fault.code, error.fault.native]).toEqual(['refused', code, '22P05']);
  });
});
