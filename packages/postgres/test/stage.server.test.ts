import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createTableSink } from '../src/index.ts';
import { batchOf, cellsModel, keyed, never, newPlace, type Place, refusal } from './support/place.ts';

let place: Place;
beforeEach(() => {
  place = newPlace();
});
afterEach(() => place.dispose());

describe('the stage mirrors the table', () => {
  it('so that NOT NULL and CHECK name the record', async () => {
    const model = cellsModel({
      columns: [
        { name: 'price', type: 'numeric', nullable: true },
        { name: 'title', type: 'text', nullable: true },
      ],
    });
    const sink = createTableSink(place.postgres, model, { writePath: 'copy' });
    await sink.open(never);
    await place.rows('ALTER TABLE %s.things ADD CONSTRAINT not_free CHECK (price > 0 AND data_id <> $$x$$)');
    await place.rows('ALTER TABLE %s.things ALTER title SET NOT NULL');
    await sink.open(never);
    const free = await refusal(sink.write(batchOf(model, [keyed('2', 'h', ['0', 'a'])]), never));
    expect([free.is, free.culprit, free.fault]).toEqual([
      'refused',
      0,
      expect.objectContaining({
        code: 'constraint-refused',
        native: '23514',
        stage: 'copy',
        reason: expect.stringContaining('"not_free"'),
      }),
    ]);
    const bare = await refusal(sink.write(batchOf(model, [keyed('1', 'h', ['1', null])]), never));
    expect([bare.is, bare.culprit, bare.fault.native]).toEqual(['refused', 0, '23502']);
  });

  it('and of a batch all that break it are found in one further pass, with the words they would get alone', async () => {
    const model = cellsModel({
      columns: [
        { name: 'price', type: 'numeric', nullable: true },
        { name: 'title', type: 'text', nullable: true },
      ],
    });
    let leases = 0;
    const counting: typeof place.postgres = {
      ...place.postgres,
      lease(work, signal) {
        leases += 1;
        return place.postgres.lease(work, signal);
      },
    };
    const sink = createTableSink(counting, model, { writePath: 'copy' });
    await sink.open(never);
    await place.rows('ALTER TABLE %s.things ADD CONSTRAINT not_free CHECK (price > 0), ALTER title SET NOT NULL');
    await place.rows("ALTER TABLE %s.things ADD CONSTRAINT a_title CHECK (title <> 'none')");
    await sink.open(never);
    const rows: readonly (readonly [string, string, string | null])[] = [
      ['1', '1', 'a'],
      ['2', '0', 'a'],
      ['3', '1', null],
      // An earlier version of a key stands when the later one is refused.
      ['4', '2', 'first'],
      ['4', '0', 'none'],
      ['5', '1', 'b'],
      ['6', '-1', 'c'],
    ];
    const records = rows.map(([key, price, title], i) => keyed(key, `h${i}`, [price, title]));
    leases = 0;
    const { outcomes, counts } = await sink.write(batchOf(model, records), never);
    // The COPY that named the first, a look at the catalogue, and the pass that found them all.
    expect(leases).toBe(3);
    expect(counts).toEqual({ created: 3, updated: 0, unchanged: 0, stale: 0, collapsed: 0 });
    const bad = [1, 2, 4, 6];
    expect(outcomes.flatMap(({ is }, i) => (is === 'refused' ? [i] : []))).toEqual(bad);
    for (const index of bad) {
      const alone = await refusal(sink.write(batchOf(model, [records[index] as (typeof records)[number]]), never));
      expect(outcomes[index]).toEqual({ is: 'refused', fault: alone.fault, attempts: 1 });
    }
    expect(await place.rows('SELECT data_id, title FROM %s.things ORDER BY data_id')).toEqual([
      { data_id: '1', title: 'a' },
      { data_id: '4', title: 'first' },
      { data_id: '5', title: 'b' },
    ]);
  });

  it('and the demand of a domain is COPY’s to judge, one record at a time', async () => {
    const model = cellsModel({ columns: [{ name: 'price', type: 'numeric' }] });
    const sink = createTableSink(place.postgres, model, { writePath: 'copy' });
    await sink.open(never);
    await place.rows('CREATE DOMAIN %s.dear AS numeric CHECK (VALUE > 0)');
    await place.rows('ALTER TABLE %s.things ALTER price TYPE %s.dear');
    await sink.open(never);
    const records = ['1', '0', '-1'].map((price, i) => keyed(String(i), 'h', [price]));
    const error = await refusal(sink.write(batchOf(model, records), never));
    expect([error.is, error.culprit, error.fault.native]).toEqual(['refused', 1, '23514']);
  });

  it('and what the table does not enforce condemns nobody (from PostgreSQL 18 on)', async () => {
    const model = cellsModel({ columns: [{ name: 'price', type: 'numeric' }] });
    const sink = createTableSink(place.postgres, model, { writePath: 'copy' });
    await sink.open(never);
    const [{ version } = { version: 0 }] = await place.rows<{ version: number }>(
      "SELECT current_setting('server_version_num')::int AS version",
    );
    const alter = () => place.rows('ALTER TABLE %s.things ADD CONSTRAINT lax CHECK (price > 0) NOT ENFORCED');
    if (version < 180_000) {
      await expect(alter()).rejects.toMatchObject({ fault: { native: '42601' } });
      return;
    }
    await alter();
    await sink.open(never);
    const { outcomes } = await sink.write(batchOf(model, [keyed('1', 'h', ['0'])]), never);
    expect(outcomes.map(({ is }) => is)).toEqual(['stored']);
  });

  it('and a demand that fails itself leaves the verdict to COPY', async () => {
    const model = cellsModel({ columns: [{ name: 'price', type: 'numeric' }] });
    const sink = createTableSink(place.postgres, model, { writePath: 'copy' });
    await sink.open(never);
    await place.rows(
      'ALTER TABLE %s.things ADD CONSTRAINT a CHECK (price < 100), ADD CONSTRAINT b CHECK (1 / price > 0)',
    );
    await sink.open(never);
    const records = [keyed('1', 'h', ['200']), keyed('2', 'h', ['0']), keyed('3', 'h', ['1'])];
    const error = await refusal(sink.write(batchOf(model, records), never));
    expect([error.is, error.culprit, error.fault.native]).toEqual(['refused', 0, '23514']);
  });

  it('as it is now: a constraint dropped since the opening condemns nobody', async () => {
    const model = cellsModel({ columns: [{ name: 'price', type: 'numeric' }] });
    const sink = createTableSink(place.postgres, model, { writePath: 'copy' });
    await sink.open(never);
    await place.rows('ALTER TABLE %s.things ADD CONSTRAINT not_free CHECK (price > 0)');
    await sink.open(never);
    await place.rows('ALTER TABLE %s.things DROP CONSTRAINT not_free');
    const receipt = await sink.write(batchOf(model, [keyed('1', 'h', ['0'])]), never);
    expect(receipt.counts.created).toBe(1);
  });

  it('and a constraint added since the opening names who breaks it', async () => {
    const model = cellsModel({ columns: [{ name: 'price', type: 'numeric' }] });
    const sink = createTableSink(place.postgres, model, { writePath: 'copy' });
    await sink.open(never);
    await place.rows('ALTER TABLE %s.things ADD CONSTRAINT not_free CHECK (price > 0)');
    const { outcomes } = await sink.write(batchOf(model, [keyed('1', 'h', ['0']), keyed('2', 'h', ['1'])]), never);
    expect(outcomes.map(({ is }) => is)).toEqual(['refused', 'stored']);
  });
});
