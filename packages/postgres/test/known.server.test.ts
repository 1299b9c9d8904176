import { type Cell, type Sink, SinkError, type TableModel } from '@inator/runtime';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createTableSink, type WritePathName, writePathNames } from '../src/index.ts';
import { batchOf, cellsModel, counts, doc, keyed, never, newPlace, type Place } from './support/place.ts';

let place: Place;
let model: TableModel<readonly Cell[]>;
beforeEach(() => {
  place = newPlace();
  model = cellsModel();
});
afterEach(() => place.dispose());

const ten = Array.from({ length: 10 }, (_, i) => doc(`${i}`, `h${i}`, 5));

/** A sink that has just seen a replay, so that it asks before it sends. */
async function repeating(writePath: WritePathName): Promise<Sink<readonly Cell[]>> {
  const sink = createTableSink(place.postgres, model, { writePath });
  await sink.open(never);
  await sink.write(batchOf(model, ten), never);
  const again = await sink.write(batchOf(model, ten), never);
  expect(again.counts).toEqual(counts({ unchanged: 10 }));
  return sink;
}

describe.each(writePathNames)('after a replay, by %s', (writePath) => {
  it('what the table holds is not sent', async () => {
    const sink = await repeating(writePath);
    const receipt = await sink.write(batchOf(model, ten), never);
    expect(receipt.counts).toEqual(counts({ unchanged: 10 }));
    expect(receipt.outcomes).toHaveLength(10);
    expect(Object.keys(receipt.phases).sort()).toEqual(['acquire', 'commit', 'read']);
  });

  it('what is new, changed, newer or older among it is met as ever', async () => {
    const sink = await repeating(writePath);
    const mixed = [
      ...ten.slice(0, 6),
      doc('new', 'n'),
      doc('6', 'changed', 6),
      doc('7', 'h7', 6),
      doc('8', 'other', 4),
      doc('9', 'h9'),
    ];
    const { counts: met } = await sink.write(batchOf(model, mixed), never);
    expect(met).toEqual(counts({ created: 1, updated: 1, unchanged: 8, stale: 1 }));
    expect(
      await place.rows(`SELECT data_id, hash, seq FROM %s.things WHERE data_id IN ('6', '7', '8', '9') ORDER BY 1`),
    ).toEqual([
      { data_id: '6', hash: 'changed', seq: '6' },
      { data_id: '7', hash: 'h7', seq: '6' },
      { data_id: '8', hash: 'h8', seq: '5' },
      { data_id: '9', hash: 'h9', seq: '5' },
    ]);
  });

  it('of a key that stands twice the last arrival wins, though the table holds it already', async () => {
    model = cellsModel();
    const sink = createTableSink(place.postgres, model, { writePath });
    await sink.open(never);
    const plain = Array.from({ length: 5 }, (_, i) => doc(`${i}`, 'was'));
    await sink.write(batchOf(model, plain), never);
    await sink.write(batchOf(model, plain), never);
    await sink.write(batchOf(model, [...plain.slice(1), doc('0', 'is'), doc('0', 'was')]), never);
    expect(await place.rows(`SELECT hash FROM %s.things WHERE data_id = '0'`)).toEqual([{ hash: 'was' }]);
    await sink.write(batchOf(model, [...plain.slice(1), doc('0', 'was'), doc('0', 'is')]), never);
    expect(await place.rows(`SELECT hash FROM %s.things WHERE data_id = '0'`)).toEqual([{ hash: 'is' }]);
  });
});

it('the culprit is named by its place in the batch that was given', async () => {
  const sink = await repeating('copy');
  const batch = batchOf(model, [...ten.slice(0, 7), keyed('bad', 'h', ['{not json'])]);
  const error = await sink.write(batch, never).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SinkError);
  expect((error as SinkError).culprit).toBe(7);
});

it('an empty table after a replay is filled again', async () => {
  const sink = await repeating('copy');
  await place.rows('TRUNCATE %s.things');
  expect((await sink.write(batchOf(model, ten), never)).counts).toEqual(counts({ created: 10 }));
});
