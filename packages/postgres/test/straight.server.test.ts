/** New keys go straight into the table; whatever stands in the way sends them through the stage, and nothing is lost. */
import { type Cell, type Receipt, type Sink, SinkError, type TableModel } from '@inator/runtime';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createTableSink } from '../src/index.ts';
import { batchOf, cellsModel, counts, doc, keyed, never, newPlace, type Place, serverUrl } from './support/place.ts';

let place: Place;
let model: TableModel<readonly Cell[]>;
beforeEach(() => {
  place = newPlace();
  model = cellsModel();
});
afterEach(() => place.dispose());

const docs = (from: number, to: number, hash = 'h', seq?: number) =>
  Array.from({ length: to - from }, (_, i) => doc(`${from + i}`, hash, seq));

async function open(setup?: string): Promise<Sink<readonly Cell[]>> {
  const sink = createTableSink(place.postgres, model, { writePath: 'straight' });
  await sink.open(never);
  if (setup === undefined) return sink;
  await place.rows(setup);
  await sink.open(never);
  return sink;
}
const write = (sink: Sink<readonly Cell[]>, records: readonly ReturnType<typeof doc>[]): Promise<Receipt> =>
  sink.write(batchOf(model, records), never);
const stored = async (): Promise<unknown> => (await place.rows('SELECT count(*)::int AS n FROM %s.things'))[0]?.n;
const wentStraight = ({ phases }: Receipt): boolean => phases.copy !== undefined && phases.merge === undefined;

describe('keys that the table does not hold', () => {
  it('go straight into it, with their versions and defaults', async () => {
    const receipt = await write(await open(), docs(0, 200, 'h', 7));
    expect(wentStraight(receipt)).toBe(true);
    expect(receipt.counts).toEqual(counts({ created: 200 }));
    expect(
      await place.rows(
        'SELECT hash, seq, created_at = updated_at AS same, count(*)::int FROM %s.things GROUP BY 1, 2, 3',
      ),
    ).toEqual([{ hash: 'h', seq: '7', same: true, count: 200 }]);
  });

  it('go straight beside others that are merged first', async () => {
    const sink = await open();
    await write(sink, docs(0, 10));
    const { counts: met, phases } = await write(sink, [
      ...docs(0, 3),
      doc('3', 'changed'),
      ...docs(10, 20),
      doc('twice', 'a'),
      doc('twice', 'b'),
    ]);
    expect(met).toEqual(counts({ created: 11, updated: 1, unchanged: 3, collapsed: 1 }));
    expect(Object.keys(phases)).toContain('merge');
    expect(await place.rows(`SELECT hash FROM %s.things WHERE data_id IN ('twice', '3') ORDER BY 1`)).toEqual([
      { hash: 'b' },
      { hash: 'changed' },
    ]);
    const error: unknown = await write(sink, [...docs(30, 40, 'late'), keyed('3', 'h', ['{'])]).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ is: 'refused', culprit: 10 });
    expect(await place.rows('SELECT FROM %s.things WHERE hash = $$late$$')).toEqual([]);
  });

  it('name the culprit by its place in the batch, and go through the stage for a while after one', async () => {
    const sink = await open();
    const records = [...docs(0, 30), keyed('000', 'h', ['{']), ...docs(30, 50)];
    const error: unknown = await write(sink, records).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SinkError);
    expect(error).toMatchObject({ is: 'refused', culprit: 30, fault: { code: 'json-invalid', stage: 'copy' } });
    const again = await write(sink, [...docs(0, 50)]);
    expect(wentStraight(again)).toBe(false);
    expect(again.counts).toEqual(counts({ created: 50 }));
    for (let batch = 1; batch <= 64; batch += 1) await write(sink, [doc(`later${batch}`)]);
    expect(wentStraight(await write(sink, [doc('straight')]))).toBe(true);
  });
});

describe('what COPY would bypass or cannot do', () => {
  it('a trigger sends everything through the stage', async () => {
    const sink = await open(`
      CREATE FUNCTION %s.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.hash := NEW.hash || $$!$$; RETURN NEW; END';
      CREATE TRIGGER note BEFORE INSERT ON %s.things FOR EACH ROW EXECUTE FUNCTION %s.note()`);
    const receipt = await write(sink, docs(0, 20));
    expect(wentStraight(receipt)).toBe(false);
    expect(receipt.counts).toEqual(counts({ created: 20 }));
    expect(await place.rows('SELECT hash, count(*)::int FROM %s.things GROUP BY 1')).toEqual([
      { hash: 'h!', count: 20 },
    ]);
  });

  it.each(['before', 'after'])(
    'row security, there %s the sink was opened, sends everything through the stage',
    async (when) => {
      const role = `r_${place.schema}`;
      const url = new URL(serverUrl);
      url.username = role;
      url.password = 'x';
      const secure =
        'CREATE POLICY every ON %s.things USING (true) WITH CHECK (true); ALTER TABLE %s.things ENABLE ROW LEVEL SECURITY';
      await open(`CREATE ROLE ${role} LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA %s TO ${role};
      GRANT SELECT, INSERT, UPDATE ON %s.things TO ${role}`);
      try {
        if (when === 'before') await place.rows(secure);
        const sink = createTableSink(place.pool({ url: url.href }), model, { writePath: 'straight' });
        await sink.open(never);
        if (when === 'after') await place.rows(secure);
        const receipt = await write(sink, docs(0, 20));
        expect(wentStraight(receipt)).toBe(false);
        expect(receipt.counts).toEqual(counts({ created: 20 }));
        expect(await stored()).toBe(20);
      } finally {
        await place.rows(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
      }
    },
  );

  it.each([
    ['text', '{"a": 1}'],
    ['bytea', undefined],
  ])(
    'a column that became %s after the sink was opened takes no bytes meant for another type',
    async (type, stored) => {
      const sink = await open();
      await place.rows(`ALTER TABLE %s.things ALTER data TYPE ${type} USING NULL`);
      const writing = write(sink, [keyed('1', 'h', ['{"a":1}'])]);
      if (stored === undefined) await expect(writing).rejects.toMatchObject({ is: 'misconfigured' });
      else expect(wentStraight(await writing)).toBe(false);
      expect(await place.rows('SELECT data FROM %s.things')).toEqual(stored === undefined ? [] : [{ data: stored }]);
    },
  );

  it('a column that became another type is not taken for the wanted one when the table is looked at again', async () => {
    const sink = await open();
    await place.rows('ALTER TABLE %s.things ALTER data TYPE text USING NULL, ADD CHECK (hash <> $$bad$$)');
    // A refusal that the stage did not expect is one reason to look.
    await write(sink, [...docs(0, 3), keyed('9', 'h', ['{'])]).catch(() => undefined);
    for (let batch = 0; batch <= 70; batch += 1)
      expect(wentStraight(await write(sink, docs(batch, batch + 1)))).toBe(false);
    expect(await place.rows("SELECT data_id, data FROM %s.things WHERE data NOT LIKE '{\"%'")).toEqual([]);
  });

  it('a table altered in another way takes new keys straight again after a while', async () => {
    const sink = await open();
    await place.rows('ALTER TABLE %s.things ADD note text');
    const straight: number[] = [];
    for (let batch = 0; batch <= 70; batch += 1) {
      if (wentStraight(await write(sink, docs(batch, batch + 1)))) straight.push(batch);
    }
    expect(straight[0]).toBeGreaterThan(0);
    expect(straight.length).toBeGreaterThan(1);
    expect(await stored()).toBe(71);
  });

  it('a unique index on another column: the merge is asked for its verdict', async () => {
    const sink = await open('CREATE UNIQUE INDEX ON %s.things (hash)');
    const error: unknown = await write(sink, [doc('1', 'same'), doc('2', 'same')]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ is: 'refused', culprit: undefined, fault: { stage: 'merge' } });
    expect(await stored()).toBe(0);
  });
});

it('two sinks that bring the same new keys in any order end with one row a key, each counted once', async () => {
  const bySink = () => createTableSink(place.pool(), model, { writePath: 'straight' });
  const [left, right] = [bySink(), bySink()];
  await left.open(never);
  await right.open(never);
  let created = 0;
  for (let round = 0; round < 20; round += 1) {
    const mine = docs(round * 50, round * 50 + 50);
    const receipts = await Promise.all([write(left, mine), write(right, mine.toReversed())]);
    for (const { counts: met } of receipts) {
      expect(met.created + met.unchanged).toBe(50);
      created += met.created;
    }
  }
  expect(created).toBe(1000);
  expect(await stored()).toBe(1000);
}, 60_000);
