/** An initial load without secondary indices: what may go, and that all of it comes back, against a real server. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BulkLoadRefused, type BulkNote, createBulkLoad, createTableSink } from '../src/index.ts';
import { batchOf, cellsModel, doc, never, newPlace, type Place } from './support/place.ts';

const model = cellsModel({
  name: 'Odd things',
  indexes: [{ name: 'idx_things_gin', columns: ['data'], method: 'gin', operatorClass: 'jsonb_path_ops' }],
});

let place: Place;
beforeEach(async () => {
  place = newPlace();
  const sink = createTableSink(place.postgres, model);
  await sink.open(never);
  await sink.close();
  await place.rows('ALTER TABLE %s."Odd things" ADD n integer, ADD tag text');
  await place.rows(`
CREATE SCHEMA "${place.schema}_other";
CREATE TABLE "${place.schema}_other"."Odd things" (n integer);
CREATE INDEX idx_things_n ON "${place.schema}_other"."Odd things" (n);
CREATE INDEX idx_things_n ON %s."Odd things" (n DESC NULLS LAST) INCLUDE (hash) WITH (fillfactor = 70) WHERE n > 0;
CREATE INDEX "Idx ""quoted""" ON %s."Odd things" USING btree (lower(tag) text_pattern_ops, tag COLLATE "C");
CREATE INDEX idx_hash_hash ON %s."Odd things" USING hash (hash);
CREATE INDEX idx_brin ON %s."Odd things" USING brin (created_at) WITH (pages_per_range = 16);
CREATE INDEX idx_times ON %s."Odd things" (updated_at, created_at DESC);
CREATE UNIQUE INDEX idx_unique ON %s."Odd things" (tag, data_id);
ALTER TABLE %s."Odd things" ADD CONSTRAINT things_excluded EXCLUDE USING btree (seq WITH =);
ALTER TABLE %s."Odd things" CLUSTER ON idx_times;
COMMENT ON INDEX %s.idx_brin IS 'it''s by time';
ALTER INDEX %s."Idx ""quoted""" ALTER COLUMN 1 SET STATISTICS 77`);
});
afterEach(async () => {
  await place.rows(`DROP SCHEMA IF EXISTS "${place.schema}_other" CASCADE`);
  await place.dispose();
});

const secondary = ['idx_things_gin', 'idx_things_n', 'Idx "quoted"', 'idx_hash_hash', 'idx_brin', 'idx_times'];

/** Everything the catalogue says of the indices of both schemas, as an operator's dump would. */
const catalogue = () =>
  place.rows(
    `SELECT n.nspname = $1 AS ours, i.relname, pg_get_indexdef(i.oid) AS def, i.reltablespace, i.reloptions, i.relam,
       x.indisvalid, x.indisready, x.indisclustered, x.indisunique, x.indisprimary, x.indclass::text, x.indoption::text,
       x.indcollation::text, obj_description(i.oid) AS comment, i.relowner,
       (SELECT array_agg(attstattarget ORDER BY attnum) FROM pg_attribute WHERE attrelid = i.oid) AS statistics
     FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace
     WHERE n.nspname IN ($1, $1 || '_other') AND i.relname NOT LIKE 'inator%' ORDER BY 1, 2`,
    [place.schema],
  );

function bulkLoad(more: Parameters<typeof createBulkLoad>[1] = {}) {
  const notes: BulkNote[] = [];
  const bulk = createBulkLoad(place.postgres, { say: (note) => notes.push(note), watchMs: 1, ...more });
  return { ...bulk, notes, named: (is: BulkNote['is']) => notes.filter((n) => n.is === is).map((n) => n.index) };
}

describe('begin and end', () => {
  it('drops only what is secondary, returns the names, and the catalogue is afterwards what it was before', async () => {
    const before = await catalogue();
    const bulk = bulkLoad();
    expect(await bulk.begin(['Odd things'])).toEqual({ 'Odd things': secondary });
    expect(bulk.named('dropped')).toEqual(secondary);
    expect(bulk.named('kept')).toEqual(['Odd things_pkey', 'idx_unique', 'things_excluded']);
    const during = await catalogue();
    expect(during.map(({ ours, relname }) => `${ours} ${relname}`)).toEqual([
      'false idx_things_n',
      'true Odd things_pkey',
      'true idx_unique',
      'true things_excluded',
    ]);
    expect(await bulk.status()).toMatchObject([{ table: 'Odd things', state: 'loading', missing: secondary }]);
    expect(await bulk.begin(['Odd things'])).toEqual({ 'Odd things': secondary });
    expect(await bulk.end()).toEqual([{ table: 'Odd things', restored: secondary, failed: [] }]);
    expect(await catalogue()).toEqual(before);
    expect(await bulk.status()).toEqual([]);
    expect(await bulk.end()).toEqual([]);
  });

  it('an index that cannot be dropped is warned of and stays, the others go', async () => {
    const before = await catalogue();
    await place.rows(`
CREATE FUNCTION %s.no() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT FROM pg_event_trigger_dropped_objects() WHERE schema_name = '${place.schema}' AND object_name = 'idx_brin')
  THEN RAISE 'not this one'; END IF; END $$;
CREATE EVENT TRIGGER "${place.schema}" ON sql_drop EXECUTE FUNCTION %s.no()`);
    const bulk = bulkLoad();
    try {
      expect(await bulk.begin(['Odd things'])).toEqual({
        'Odd things': secondary.filter((name) => name !== 'idx_brin'),
      });
      expect(bulk.named('not-dropped')).toEqual(['idx_brin']);
    } finally {
      await place.rows(`DROP EVENT TRIGGER "${place.schema}"`);
    }
    await bulk.end();
    expect(await catalogue()).toEqual(before);
  });

  it('repairs an invalid leftover, and stops short of an index that somebody made meanwhile', async () => {
    const before = await catalogue();
    const bulk = bulkLoad();
    await bulk.begin(['Odd things']);
    await place.rows(`INSERT INTO %s."Odd things" (data_id, hash, data, n) VALUES ('a', 'h', '1', 0)`);
    await expect(place.rows('CREATE INDEX CONCURRENTLY idx_hash_hash ON %s."Odd things" ((1 / n))')).rejects.toThrow();
    expect(await catalogue()).toContainEqual(expect.objectContaining({ relname: 'idx_hash_hash', indisvalid: false }));
    await place.rows('CREATE INDEX idx_brin ON %s."Odd things" (n)');
    const [first] = await bulk.end();
    expect(first?.failed).toEqual([{ index: 'idx_brin', reason: expect.stringContaining('another index is called') }]);
    expect(bulk.named('repaired')).toEqual(['idx_hash_hash']);
    expect(await bulk.status()).toMatchObject([{ state: 'restoring', missing: ['idx_brin'] }]);
    await place.rows('DROP INDEX %s.idx_brin');
    expect(await bulk.end()).toEqual([{ table: 'Odd things', restored: ['idx_brin'], failed: [] }]);
    expect(await catalogue()).toEqual(before);
  });
});

describe('begin is refused, and nothing is dropped,', () => {
  const refused = async (bulk: ReturnType<typeof bulkLoad>, why: RegExp, table = 'Odd things') => {
    const before = await catalogue();
    const began = performance.now();
    await expect(bulk.begin([table])).rejects.toThrow(why);
    await expect(bulk.begin([table])).rejects.toBeInstanceOf(BulkLoadRefused);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(await catalogue()).toEqual(before);
    expect(await bulk.status()).toEqual([]);
  };

  it('while a consumer is attached', async () => {
    await refused(bulkLoad({ consumers: async () => 1 }), /1 consumers are attached/);
  });

  it('while another session has the table in hand', async () => {
    await place.pool({ applicationName: 'a reader' }).lease(async (lease) => {
      await lease.query(`BEGIN; SELECT FROM "${place.schema}"."Odd things"`);
      await refused(bulkLoad(), /session \d+ \(a reader\) has it in use/);
      await lease.query('ROLLBACK');
    });
  });

  it('while somebody writes between two looks', async () => {
    const sink = createTableSink(place.pool(), model);
    await sink.open(never);
    let writing = true;
    const writes = (async () => {
      for (let i = 0; writing; i += 1) await sink.write(batchOf(model, [doc(`k${i}`)]), never);
    })();
    await expect(bulkLoad({ watchMs: 2_000 }).begin(['Odd things'])).rejects.toThrow(/somebody|in use/);
    writing = false;
    await writes;
  });

  it('for a table that is not there', async () => {
    await refused(bulkLoad(), /there is none/, 'nothing');
  });
});

describe('the sink in a load', () => {
  it('leaves the indices away, has the table for itself, and says so', async () => {
    const bulk = bulkLoad();
    await bulk.begin(['Odd things']);
    const warnings: string[] = [];
    const sink = createTableSink(place.pool(), model, { warn: (sentence) => warnings.push(sentence) });
    await sink.open(never);
    await sink.open(never);
    expect(warnings[0]).toContain('is in bulk load since');
    await sink.write(batchOf(model, [doc('a'), doc('b')]), never);
    expect(await catalogue()).toHaveLength(4);
    const second = createTableSink(place.pool(), model);
    await expect(second.open(never)).rejects.toMatchObject({ is: 'misconfigured' });
    await expect(bulk.end()).rejects.toThrow(BulkLoadRefused);
    await sink.close();
    expect((await bulk.end())[0]?.restored).toEqual(secondary);
    const [row] = await place.rows<{ n: string }>('SELECT count(*) AS n FROM %s."Odd things"');
    expect(row?.n).toBe('2');
  });

  it('restores, when it opens, what an interrupted end has left', async () => {
    const before = await catalogue();
    const bulk = bulkLoad();
    await bulk.begin(['Odd things']);
    await place.rows("UPDATE %s.inator_bulk_loads SET state = 'restoring'");
    const sink = createTableSink(place.pool(), model);
    await sink.open(never);
    expect(await catalogue()).toEqual(before);
    expect(await bulk.status()).toEqual([]);
    await sink.close();
  });
});
