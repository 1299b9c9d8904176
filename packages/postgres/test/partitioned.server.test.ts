/** A partitioned table is written as any other: the same rows, the same counts, by every path. */
import type { Cell, Receipt, Sink, TableModel } from '@inator/runtime';
import { until } from '@inator/testkit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createTableSink, writePathNames } from '../src/index.ts';
import { describeTableSinks } from './support/contract.ts';
import { batchOf, cellsModel, counts, doc, never, newPlace, type Place } from './support/place.ts';

/** Two partitions by the hash of the key; the columns of one stand in another order, so that its rows are rearranged. */
async function partitioned(place: Place): Promise<void> {
  const columns = `data_id varchar NOT NULL, hash varchar NOT NULL, data jsonb NOT NULL, seq bigint,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()`;
  await place.rows('CREATE SCHEMA %s');
  await place.rows(`CREATE TABLE %s.things (${columns}, PRIMARY KEY (data_id)) PARTITION BY HASH (data_id)`);
  await place.rows('CREATE TABLE %s.things_0 PARTITION OF %s.things FOR VALUES WITH (MODULUS 2, REMAINDER 0)');
  await place.rows(`CREATE TABLE %s.things_1 (spare int, ${columns.split(', ').reverse().join(', ')})`);
  await place.rows('ALTER TABLE %s.things_1 DROP spare');
  await place.rows('ALTER TABLE %s.things ATTACH PARTITION %s.things_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1)');
}

describeTableSinks('the sink of a partitioned table', async () => {
  const place = newPlace();
  await partitioned(place);
  return place;
});

describe('a partitioned table', () => {
  let place: Place;
  let model: TableModel<readonly Cell[]>;
  beforeEach(async () => {
    place = newPlace();
    model = cellsModel();
    await partitioned(place);
  });
  afterEach(() => place.dispose());

  const docs = (from: number, to: number, hash = 'h', seq?: number) =>
    Array.from({ length: to - from }, (_, i) => doc(`${from + i}`, hash, seq));
  const write = (sink: Sink<readonly Cell[]>, records: readonly ReturnType<typeof doc>[]): Promise<Receipt> =>
    sink.write(batchOf(model, records), never);

  it.each(writePathNames)('tells created, updated, unchanged and stale apart, by %s', async (writePath) => {
    const sink = createTableSink(place.postgres, model, { writePath });
    await sink.open(never);
    expect((await write(sink, docs(0, 60, 'h', 5))).counts).toEqual(counts({ created: 60 }));
    const partitions = await place.rows('SELECT DISTINCT tableoid FROM %s.things');
    expect(partitions).toHaveLength(2);
    const versions = (): Promise<unknown[]> =>
      place.rows('SELECT data_id, xmin::text, xmax::text, ctid::text, updated_at FROM %s.things ORDER BY 1');
    const before = await versions();
    expect((await write(sink, docs(0, 60, 'h', 5))).counts).toEqual(counts({ unchanged: 60 }));
    expect(await versions()).toEqual(before);
    const mixed = [
      ...docs(0, 10, 'older', 4),
      ...docs(10, 20, 'newer', 6),
      ...docs(20, 30, 'h', 7),
      ...docs(30, 40, 'h', 5),
      ...docs(60, 75, 'h', 1),
      doc('60', 'again', 2),
    ];
    const { counts: met } = await write(sink, mixed);
    expect(met).toEqual(counts({ created: 15, updated: 10, unchanged: 20, stale: 10, collapsed: 1 }));
    expect(await place.rows('SELECT hash, seq, count(*)::int AS n FROM %s.things GROUP BY 1, 2 ORDER BY 1, 2')).toEqual(
      [
        { hash: 'again', seq: '2', n: 1 },
        { hash: 'h', seq: '1', n: 14 },
        { hash: 'h', seq: '5', n: 40 },
        { hash: 'h', seq: '7', n: 10 },
        { hash: 'newer', seq: '6', n: 10 },
      ],
    );
  });

  it.each(writePathNames)('is purged of what a complete extraction did not bring, by %s', async (writePath) => {
    const purge = { mode: 'purge', maxFraction: 0.5, patienceMs: 300 } as const;
    const sink = createTableSink(place.postgres, model, { writePath, purge });
    await sink.open(never);
    const end = (run: number, things: number): Promise<unknown> | undefined =>
      sink.mark?.(
        { is: 'extraction_complete', version: `v${run}`, startedAt: `2026-01-0${run}T00:00:00Z`, counts: { things } },
        model,
        { abort: never, draining: never },
      );
    await write(sink, docs(0, 20));
    expect(await end(1, 20)).toMatchObject({ is: 'purged', seen: 20, purged: 0 });
    expect((await write(sink, docs(0, 18))).counts).toEqual(counts({ unchanged: 18 }));
    expect(await end(2, 18)).toMatchObject({ is: 'purged', seen: 18, purged: 2 });
    expect(await place.rows('SELECT FROM %s.things')).toHaveLength(18);
    await sink.close();
  });

  it.each(writePathNames)('counts a key that another stores meanwhile as updated, by %s', async (writePath) => {
    const sink = createTableSink(place.postgres, model, { writePath });
    await sink.open(never);
    const locked = await place.pool().lease(async (other) => {
      await other.query('BEGIN');
      await other.query(
        `INSERT INTO "${place.schema}".things (data_id, hash, data, seq) VALUES ('1', 'theirs', '{}', 1)`,
      );
      const writing = write(sink, [doc('1', 'ours', 2), doc('2', 'ours', 2)]);
      const { rows } = await other.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const waiting = (): Promise<unknown[]> =>
        place.rows('SELECT FROM pg_stat_activity WHERE $1::integer = ANY (pg_blocking_pids(pid))', [rows[0]?.pid]);
      await until(async () => (await waiting()).length > 0, "the write waits for the other's row");
      await other.query('COMMIT');
      return writing;
    });
    expect(locked.counts).toEqual(counts({ created: 1, updated: 1 }));
    expect(await place.rows('SELECT data_id, hash FROM %s.things ORDER BY 1')).toEqual([
      { data_id: '1', hash: 'ours' },
      { data_id: '2', hash: 'ours' },
    ]);
  });
});
