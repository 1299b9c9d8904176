/** The ledger and the purge of one table, against a real server; the whole way of a signal is tested in test/e2e. */
import { type Closing, noPurge, type PurgeSettings, type Signal, type Sink } from '@inator/runtime';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { QueryResultRow } from 'pg';
import type { Postgres, WritePathName } from '../src/index.ts';
import { createTableSink } from '../src/index.ts';
import { batchOf, cellsModel, doc, never, newPlace, type Place } from './support/place.ts';

const model = cellsModel();
const context = { abort: never, draining: never };

let place: Place;
let sinks: Sink<unknown>[];
beforeEach(() => {
  place = newPlace();
  sinks = [];
});
afterEach(async () => {
  await Promise.all(sinks.map((sink) => sink.close()));
  await place.dispose();
});

async function open(purge: Partial<PurgeSettings> = {}, writePath: WritePathName = 'copy', pool = place.postgres) {
  const settings: PurgeSettings = { mode: 'purge', maxFraction: 0.5, patienceMs: 300, ...purge };
  const sink = createTableSink(pool, model, { writePath, purge: settings });
  sinks.push(sink as Sink<unknown>);
  await sink.open(never);
  const write = (keys: readonly string[], hash = 'h') =>
    sink.write(
      batchOf(
        model,
        keys.map((key) => doc(key, `${hash} of ${key}`)),
      ),
      never,
    );
  const complete = (declared: number | undefined, run: number, more: Partial<Signal> = {}) =>
    sink.mark(ended(declared, run, more), model, context) as Promise<Closing>;
  return { sink, write, complete };
}

function ended(declared: number | undefined, run: number, more: Partial<Signal> = {}): Signal {
  return {
    is: 'extraction_complete',
    version: `v${run}`,
    startedAt: `2026-01-0${run}T00:00:00Z`,
    counts: declared === undefined ? {} : { things: declared },
    ...more,
  } as Signal;
}

const keys = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `k${from + i}`);
const stored = async (): Promise<string[]> =>
  (await place.rows<{ data_id: string }>('SELECT data_id FROM %s.things ORDER BY length(data_id), data_id')).map(
    ({ data_id }) => data_id,
  );
const seen = async (): Promise<number> =>
  Number((await place.rows<{ n: string }>('SELECT count(*) AS n FROM %s.inator_seen_things'))[0]?.n);

describe.each(['copy', 'straight', 'multirow', 'row'] as const)('write path %s', (path) => {
  it('purges only what an unchanged second run did not bring, and leaves the rest untouched', async () => {
    const { write, complete } = await open({}, path);
    await write(keys(40));
    expect(await complete(40, 1)).toMatchObject({ is: 'purged', seen: 40, stored: 40, vanished: 0, purged: 0 });
    const before = await place.rows('SELECT data_id, xmin::text FROM %s.things WHERE data_id <> $1 ORDER BY 1', [
      'k39',
    ]);
    expect((await write([...keys(39), 'k3'])).counts).toMatchObject({ unchanged: 39, collapsed: 1 });
    expect(await complete(39, 2)).toMatchObject({ is: 'purged', seen: 39, vanished: 1, purged: 1, repeated: false });
    expect(await place.rows('SELECT data_id, xmin::text FROM %s.things ORDER BY 1')).toEqual(before);
    expect(await seen()).toBe(0);
  });
});

it('a new key that somebody else stores first costs none of its batch its place in the ledger', async () => {
  const rival = place.pool();
  let races = 0;
  /** Stores `k9` in the moment between the question and the COPY. */
  const raced: Postgres = {
    ...place.postgres,
    lease: (work, ...rest) =>
      place.postgres.lease(
        (lease) =>
          work({
            ...lease,
            async query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]) {
              const answer = await lease.query<Row>(text, values);
              if (text.includes('WITH judged') && races++ === 1) {
                await rival.query(
                  `INSERT INTO ${place.schema}.things (data_id, hash, data) VALUES ('k9', 'other', '{}')`,
                );
              }
              return answer;
            },
          }),
        ...rest,
      ),
  };
  const { write, complete } = await open({}, 'straight', raced);
  await write(keys(4));
  await complete(4, 1);
  const receipt = await write(keys(10));
  expect(races).toBe(2);
  expect(receipt.counts).toMatchObject({ unchanged: 4, created: 5, updated: 1 });
  expect(await stored()).toHaveLength(10);
  const distinct = await place.rows('SELECT DISTINCT "key" FROM %s.inator_seen_things');
  expect(distinct).toHaveLength(10);
});

describe('what is not certain is skipped, and nothing is deleted', () => {
  const secondRun = async (purge: Partial<PurgeSettings> = {}) => {
    const opened = await open(purge);
    await opened.write(keys(20));
    await opened.complete(20, 1);
    await opened.write(keys(15));
    return opened;
  };

  it('fewer keys than declared', async () => {
    const { complete } = await secondRun();
    expect(await complete(16, 2)).toMatchObject({ is: 'skipped', why: 'incomplete', seen: 15, vanished: 5, purged: 0 });
    expect(await stored()).toHaveLength(20);
  });

  it('a dead letter, of whichever replica', async () => {
    const { complete } = await secondRun();
    const other = await open({}, 'copy', place.pool());
    await other.sink.condemn?.(never);
    expect(await complete(15, 2)).toMatchObject({ is: 'skipped', why: 'dead-letters' });
    expect(await stored()).toHaveLength(20);
  });

  it('more than the limit', async () => {
    const { complete } = await secondRun({ maxFraction: 0.2 });
    expect(await complete(15, 2)).toMatchObject({ is: 'skipped', why: 'over-limit', vanished: 5, stored: 20 });
    expect(await stored()).toHaveLength(20);
  });

  it('no declared count, no version, no start, or an empty run', async () => {
    const { write, complete } = await secondRun({ maxFraction: 1 });
    expect(await complete(undefined, 2)).toMatchObject({ why: 'undeclared' });
    expect(await complete(0, 3)).toMatchObject({ why: 'empty' });
    await write(keys(15));
    expect(await complete(15, 4, { version: undefined } as Partial<Signal>)).toMatchObject({ why: 'unidentified' });
    expect(await complete(15, 4, { startedAt: 'yesterday' } as Partial<Signal>)).toMatchObject({ why: 'unidentified' });
    expect(await stored()).toHaveLength(20);
  });

  it('an older extraction than one that was completed; the run under way keeps its ledger', async () => {
    const { write, complete } = await secondRun();
    await complete(15, 5);
    expect(await stored()).toHaveLength(15);
    await write(keys(14));
    expect(await complete(3, 4)).toMatchObject({ is: 'skipped', why: 'older' });
    expect(await seen()).toBe(14);
    expect(await complete(14, 6)).toMatchObject({ is: 'purged', purged: 1 });
  });

  it('with mode report the number is told and nothing goes', async () => {
    const { complete } = await secondRun({ mode: 'report' });
    expect(await complete(15, 2)).toMatchObject({ is: 'reported', vanished: 5, purged: 0 });
    expect(await stored()).toHaveLength(20);
    const [row] = await place.rows(
      'SELECT state, declared, seen, vanished FROM %s.inator_extractions WHERE version = $1',
      ['v2'],
    );
    expect(row).toEqual({ state: 'reported', declared: '15', seen: '15', vanished: '5' });
  });

  it('rows that a foreign key holds: the lane goes on', async () => {
    const { complete } = await secondRun();
    await place.rows('CREATE TABLE %s.pins (of varchar REFERENCES %s.things (data_id))');
    await place.rows("INSERT INTO %s.pins VALUES ('k17')");
    expect(await complete(15, 2)).toMatchObject({ is: 'skipped', why: 'store-refused', purged: 0 });
    expect(await stored()).toHaveLength(20);
    expect(await complete(15, 2)).toMatchObject({ why: 'store-refused', repeated: true });
  });
});

describe('repetition and interruption', () => {
  it('the same signal again purges nothing twice and leaves the next run alone', async () => {
    const { write, complete } = await open();
    await write(keys(10));
    await complete(10, 1);
    await write(keys(8));
    expect(await complete(8, 2)).toMatchObject({ purged: 2, repeated: false });
    await write(['k8', 'k9', 'new']);
    expect(await complete(8, 2)).toMatchObject({ is: 'purged', purged: 2, repeated: true });
    expect(await stored()).toHaveLength(11);
    expect(await seen()).toBe(3);
  });

  it('a purge that was interrupted between chunks goes on when the signal comes again', async () => {
    const { sink, write, complete } = await open({ maxFraction: 0.9 });
    await write(keys(1_500));
    await complete(1_500, 1);
    await write(keys(300));
    const stopping = { abort: never, draining: AbortSignal.abort() };
    await expect(sink.mark(ended(300, 2), model, stopping)).rejects.toThrow('goes on then');
    expect(await stored()).toHaveLength(1_000);
    expect(await place.rows('SELECT state, purged FROM %s.inator_extractions WHERE version = $1', ['v2'])).toEqual([
      { state: 'purging', purged: '500' },
    ]);
    // What comes back meanwhile is spared, though it was written down and its row is unchanged.
    await write(keys(10, 990));
    expect(await complete(300, 2)).toMatchObject({ is: 'purged', vanished: 1_200, purged: 1_190, repeated: false });
    expect(await stored()).toEqual([...keys(300), ...keys(10, 990)]);
  });

  it('switching the purge off forgets half a ledger and half a purge', async () => {
    const { sink, write, complete } = await open({ maxFraction: 0.9 });
    await write(keys(1_200));
    await complete(1_200, 1);
    await write(keys(300));
    await expect(sink.mark(ended(300, 2), model, { abort: never, draining: AbortSignal.abort() })).rejects.toThrow();
    await write(keys(5));
    await open({ mode: 'off' });
    expect(await seen()).toBe(0);
    const again = await open();
    expect(await again.complete(300, 2)).toMatchObject({ is: 'skipped', why: 'switched-off', repeated: true });
    expect((await stored()).length).toBe(700);
  });
});

describe('replicas', () => {
  it('a record that another replica is still writing is waited for', async () => {
    const one = await open({ patienceMs: 5_000 });
    const two = await open({}, 'copy', place.pool());
    await one.write(keys(20));
    await one.complete(20, 1);
    await one.write(keys(10));
    const closing = one.complete(19, 2);
    await two.write(keys(9, 10));
    expect(await closing).toMatchObject({ is: 'purged', seen: 19, purged: 1 });
    expect(await stored()).toEqual(keys(19));
  });

  it('what a replica writes while chunks are deleted is there afterwards', async () => {
    const one = await open({ maxFraction: 1 });
    const two = await open({}, 'copy', place.pool());
    await one.write(keys(3_000));
    await one.complete(3_000, 1);
    await one.write(keys(1));
    const closing = one.complete(1, 2);
    // The next run begins at once, on the other replica, with the keys that are being purged.
    const written: string[] = [];
    for (let from = 2_900; from >= 0; from -= 100) {
      await two.write(keys(100, from));
      written.push(...keys(100, from));
    }
    expect(await closing).toMatchObject({ is: 'purged' });
    const left = new Set(await stored());
    expect(written.filter((key) => !left.has(key))).toEqual([]);
  });
});

it('with the purge off there is no ledger, and file_complete closes nothing', async () => {
  const sink = createTableSink(place.postgres, model, { purge: noPurge });
  sinks.push(sink as Sink<unknown>);
  await sink.open(never);
  await sink.write(batchOf(model, [doc('a')]), never);
  expect(await sink.mark(ended(1, 1), model, context)).toBeUndefined();
  expect(sink.condemn).toBeUndefined();
  const tables = await place.rows<{ name: string }>(
    "SELECT relname AS name FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = $1 AND relkind = 'r'",
    [place.schema],
  );
  expect(tables).toEqual([{ name: 'things' }]);
  const { sink: kept } = await open();
  const file: Signal = { is: 'file_complete', type: 'things', total: 1, at: undefined };
  expect(await kept.mark(file, model, context)).toBeUndefined();
});
