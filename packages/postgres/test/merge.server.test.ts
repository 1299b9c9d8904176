import { addCounts, type Cell, type Counts, type Keyed, noCounts, type Sink, type TableModel } from '@inator/runtime';
import { until } from '@inator/testkit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createTableSink, type WritePathName, writePathNames } from '../src/index.ts';
import { batchOf, cellsModel, counts, doc, keyed, never, newPlace, type Place } from './support/place.ts';

const paths: readonly WritePathName[] = writePathNames;
let place: Place;
let model: TableModel<readonly Cell[]>;
beforeEach(() => {
  place = newPlace();
  model = cellsModel();
});
afterEach(() => place.dispose());

const openSink = async (writePath: WritePathName = 'copy'): Promise<Sink<readonly Cell[]>> => {
  const sink = createTableSink(place.postgres, model, { writePath });
  await sink.open(never);
  return sink;
};

describe.each(paths)('by %s', (writePath) => {
  it('a replay touches no row, not even its lock', async () => {
    const sink = await openSink(writePath);
    const batch = batchOf(
      model,
      [...Array(50).keys()].map((i) => doc(`${i}`, `h${i}`, i % 2 === 0 ? i : undefined)),
    );
    await sink.write(batch, never);
    const versions = (): Promise<unknown[]> =>
      place.rows('SELECT data_id, xmin::text, xmax::text, ctid::text, updated_at FROM %s.things ORDER BY 1');
    const before = await versions();
    expect((await sink.write(batch, never)).counts).toEqual(counts({ unchanged: 50 }));
    expect(await versions()).toEqual(before);
  });

  it('a newer version of the same content advances seq and keeps content, time and stored bytes', async () => {
    const sink = await openSink(writePath);
    await sink.write(batchOf(model, [keyed('x', 'same', ['{"as":"it was"}'], 1)]), never);
    const [before] = await place.rows<{ updated_at: Date }>('SELECT updated_at FROM %s.things');
    const { counts: met } = await sink.write(batchOf(model, [keyed('x', 'same', ['{"as":"it is sent"}'], 5)]), never);
    expect(met).toEqual(counts({ unchanged: 1 }));
    expect(await place.rows('SELECT seq, data, updated_at FROM %s.things')).toEqual([
      { seq: '5', data: { as: 'it was' }, updated_at: before?.updated_at },
    ]);
  });

  it('a change moves updated_at and leaves created_at', async () => {
    const sink = await openSink(writePath);
    await sink.write(batchOf(model, [doc('x', 'one')]), never);
    await sink.write(batchOf(model, [doc('x', 'two')]), never);
    expect(await place.rows('SELECT created_at < updated_at AS moved, data FROM %s.things')).toEqual([
      { moved: true, data: { id: 'x', hash: 'two' } },
    ]);
  });

  it('keys apart only by case, accents, width or trailing space are different records', async () => {
    const sink = await openSink(writePath);
    const keys = ['a', 'A', 'á', 'a\u0301', 'ａ', 'a ', ' a', '', '1', '01', '1.0'];
    expect(
      (
        await sink.write(
          batchOf(
            model,
            keys.map((key) => doc(key)),
          ),
          never,
        )
      ).counts.created,
    ).toBe(keys.length);
    expect(await place.rows('SELECT FROM %s.things')).toHaveLength(keys.length);
  });
});

it('every history of versions, however split, repeated and shuffled over sinks and paths, ends at the highest', async () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    seq: fc.integer({ min: 0, max: 6 }),
    content: fc.constantFrom('A', 'B', 'C'),
  });
  const plan = fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 12 });
  const sinks = await Promise.all(paths.map(openSink));
  await fc.assert(
    fc.asyncProperty(plan, fc.integer({ min: 1, max: 4 }), async (batches, writers) => {
      await place.rows('TRUNCATE %s.things');
      const waiting = [...batches];
      let met = noCounts;
      const writer = async (_: unknown, i: number): Promise<void> => {
        for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) {
          const records = batch.map(({ key, seq, content }) => doc(key, content, seq));
          const receipt = await sinks[i % sinks.length]?.write(batchOf(model, records), never);
          met = addCounts(met, receipt?.counts ?? noCounts);
        }
      };
      await Promise.all(Array.from({ length: writers }, writer));
      const highest = new Map<string, { seq: string; hash: string }>();
      for (const { key, seq, content } of batches.flat()) {
        const best = highest.get(key);
        const wins = best === undefined || seq > Number(best.seq) || (seq === Number(best.seq) && content > best.hash);
        if (wins) highest.set(key, { seq: String(seq), hash: content });
      }
      const rows = await place.rows<{ data_id: string; seq: string; hash: string; stored: string }>(
        "SELECT data_id, seq, hash, data->>'hash' AS stored FROM %s.things",
      );
      expect(new Map(rows.map((row) => [row.data_id, { seq: row.seq, hash: row.hash }]))).toEqual(highest);
      for (const row of rows) expect(row.stored).toBe(row.hash);
      expect(met.created).toBe(highest.size);
      const { created, updated, unchanged, stale, collapsed } = met;
      expect(created + updated + unchanged + stale + collapsed).toBe(batches.flat().length);
    }),
    { numRuns: 40 },
  );
});

describe('eight writers over the same keys', () => {
  it.each<[string, readonly WritePathName[]]>([
    ['copy', ['copy']],
    ['every path at once', paths],
  ])('lose no row and never deadlock, by %s', async (_, mixed) => {
    const sinks = await Promise.all(mixed.map(openSink));
    const deadlocks = async (): Promise<number> => {
      const [row] = await place.rows<{ deadlocks: string }>(
        'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
      );
      return Number(row?.deadlocks);
    };
    const before = await deadlocks();
    // Astral keys sort differently as UTF-16 and as bytes: every path must use the same order.
    const keys = [...Array(mixed.length === 1 ? 200 : 40).keys()].map((i) =>
      i % 5 === 0 ? `😀${i}` : i % 5 === 1 ? `\uffee${i}` : `k${i}`,
    );
    const rounds = 6;
    let met = noCounts;
    await Promise.all(
      [...Array(8).keys()].map(async (writer) => {
        for (let round = 0; round < rounds; round += 1) {
          const shuffled = [...keys].sort(
            (a, b) => Math.sin(a.length + writer * 31 + round) - Math.cos(b.charCodeAt(1) * 7 + writer),
          );
          const records = shuffled.map((key) => doc(key, `w${writer} r${round}`, round * 8 + writer));
          const receipt = await sinks[writer % sinks.length]?.write(batchOf(model, records), never);
          met = addCounts(met, receipt?.counts ?? noCounts);
        }
      }),
    );
    expect(await deadlocks()).toBe(before);
    const rows = await place.rows<{ hash: string }>('SELECT DISTINCT hash FROM %s.things');
    expect(rows).toEqual([{ hash: `w7 r${rounds - 1}` }]);
    expect(met.created).toBe(keys.length);
    expect(met.created + met.updated + met.unchanged + met.stale).toBe(8 * rounds * keys.length);
  });
});

describe('a writer that loses a race', () => {
  /** Holds a row in another transaction until the write waits for it, then commits. */
  const raced = async (
    setup: string,
    record: Keyed<readonly Cell[]>,
    change: string,
    writePath: WritePathName,
  ): Promise<Counts> => {
    const sink = await openSink(writePath);
    await place.rows(setup);
    const rival = place.pool();
    return rival.lease(async (lease) => {
      await lease.query(`${rival.begin}; ${change.replaceAll('%s', `"${place.schema}"`)}`);
      const { rows } = await lease.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const writing = sink.write(batchOf(model, [record, doc('other')]), never);
      const blocked = (): Promise<unknown[]> =>
        place.rows('SELECT FROM pg_stat_activity WHERE $1::integer = ANY (pg_blocking_pids(pid))', [rows[0]?.pid]);
      await until(async () => (await blocked()).length > 0, 'the write waits for the rival');
      await lease.query('COMMIT');
      return (await writing).counts;
    });
  };
  const none = 'SELECT 1';
  const insert = (hash: string, seq: string): string =>
    `INSERT INTO %s.things (data_id, hash, data, seq) VALUES ('x', '${hash}', '{}', ${seq})`;

  it.each(paths)('counts what it met: a later version, by %s', async (writePath) => {
    expect(await raced(none, doc('x', 'mine', 2), insert('theirs', '3'), writePath)).toEqual(
      counts({ created: 1, stale: 1 }),
    );
  });
  it.each(paths)('counts what it met: the same content, by %s', async (writePath) => {
    expect(await raced(none, doc('x', 'same'), insert('same', 'NULL'), writePath)).toEqual(
      counts({ created: 1, unchanged: 1 }),
    );
  });
  it.each(paths)('counts what it met: an earlier version, by %s', async (writePath) => {
    expect(await raced(none, doc('x', 'mine', 2), insert('theirs', '1'), writePath)).toEqual(
      counts({ created: 1, updated: 1 }),
    );
  });
});

describe('the stage', () => {
  it('leaves nothing behind, whether the flush succeeded or failed, on one connection', async () => {
    const one = place.pool({ poolMax: 1 });
    const sink = createTableSink(one, model);
    await sink.open(never);
    const flushes = await Promise.allSettled([
      sink.write(batchOf(model, [doc('1')]), never),
      sink.write(batchOf(model, [doc('2'), keyed('bad', 'h', ['{'])]), never),
      sink.write(batchOf(model, [doc('3')]), never),
    ]);
    expect(flushes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const left = await one.query("SELECT relname FROM pg_class WHERE relname LIKE 'inator%' OR relpersistence = 't'");
    expect(left.rows).toEqual([]);
    expect(one.stats()).toMatchObject({ active: 0, idle: 1, evicted: 0 });
    expect(await place.rows('SELECT data_id FROM %s.things ORDER BY 1')).toEqual([{ data_id: '1' }, { data_id: '3' }]);
  });

  it('takes one COPY and one merge a batch, and commits synchronously even where the role says otherwise', async () => {
    const sink = await openSink();
    await place.rows(`CREATE TABLE %s.heard (what text)`);
    await place.rows(`CREATE FUNCTION %s.hear() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO %s.heard VALUES (TG_OP || ' ' || current_setting('synchronous_commit')); RETURN NULL; END $$`);
    await place.rows('CREATE TRIGGER hear AFTER INSERT ON %s.things FOR EACH STATEMENT EXECUTE FUNCTION %s.hear()');
    await sink.write(
      batchOf(
        model,
        [...Array(500).keys()].map((i) => doc(`${i}`)),
      ),
      never,
    );
    expect(await place.rows('SELECT what FROM %s.heard')).toEqual([{ what: 'INSERT on' }]);
  });
});
