import type { Keyed } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import { createGraphSink, type GraphSink } from '../src/index.ts';
import { useBandSink } from './support/band-sink.ts';
import { type Band, band, bandModel, batchOf, keyed, labelList, labelsOf } from './support/bands.ts';
import { recording, type Sent } from './support/recording.ts';
import { drop, never, query, unique } from './support/server.ts';

const { labels, model, neo4j, nodeOf } = useBandSink();

/** A sink, and the kinds of statements that its last batch sent. */
function open(before?: (sent: Sent) => Promise<void>) {
  const driver = recording(neo4j(), before);
  const sink = createGraphSink(driver, model);
  return {
    sink,
    async write(...records: readonly Keyed<Band>[]) {
      driver.sent.length = 0;
      const { counts, graph, restarts = 0 } = await sink.write(batchOf(model, records), never);
      const kinds = driver.sent.map(({ lists }) => ('hashes' in lists ? 'ask' : 'keys' in lists ? 'lock' : 'write'));
      return { counts, graph, restarts, kinds };
    },
  };
}

const none = { created: 0, updated: 0, unchanged: 0, stale: 0, collapsed: 0 };
const fresh = (count: number, place = unique()) =>
  Array.from({ length: count }, () => band(unique(), { places: [place] }));
const under = (hash: string, bands: readonly Band[]) => bands.map((each) => keyed(each, hash));
const named = (name: string, bands: readonly Band[]) => bands.map((each) => ({ ...each, name }));

/** As after three batches of a first load. */
async function afterNewOnes(write: (...records: readonly Keyed<Band>[]) => Promise<unknown>): Promise<void> {
  for (let batch = 0; batch < 3; batch += 1) await write(...under('h', fresh(2)));
}

describe('what a batch begins with', () => {
  it('is nothing in a first load: the nodes are made without a look, and counted', async () => {
    const { write } = open();
    expect((await write(...under('h', fresh(2)))).kinds).toEqual(['ask', 'write']);
    await afterNewOnes(write);
    const bands = fresh(3);
    const { counts, graph, kinds } = await write(...under('h', bands));
    expect(kinds).toEqual(['write']);
    expect(counts).toEqual({ ...none, created: 3 });
    expect(graph).toEqual({ nodesCreated: 4, relationshipsCreated: 3, relationshipsDeleted: 0 });
    expect(await nodeOf(bands[0]?.id ?? '')).toMatchObject({ sha256: 'h' });
  });

  it('is the question once more where a record or a stub stood there: nothing is written twice, and nobody raced', async () => {
    const { sink, write } = open();
    const [there, changed, stub] = [fresh(1), fresh(1), unique()];
    await write(...under('h', [...there, ...changed]), keyed(band(unique(), { members: [stub] }), 'h'));
    await afterNewOnes(write);
    const records = under('h', [...there, ...fresh(1), band(stub)]).concat(under('h2', named('other', changed)));
    const { counts, restarts, kinds } = await write(...records);
    expect(kinds).toEqual(['write', 'ask', 'lock', 'write']);
    expect(counts).toEqual({ ...none, created: 2, updated: 1, unchanged: 1 });
    expect([restarts, sink.stats().restarts]).toEqual([0, {}]);
    expect(await nodeOf(changed[0]?.id ?? '')).toMatchObject({ name: 'other', sha256: 'h2' });
    const [row] = await query(neo4j(), `MATCH (n:${labels.band}) WHERE n.id IN $ids RETURN count(n) AS c`, {
      ids: records.map(({ key }) => key),
    });
    expect(row?.c).toBe(4n);
    await afterNewOnes(write);
    expect((await write(...under('h', fresh(1)))).kinds).toEqual(['ask', 'write']);
  });

  it('is the lock among changed records, whatever the next ones turn out to be', async () => {
    const { write } = open();
    const bands = fresh(4);
    await write(...under('h1', bands));
    expect((await write(...under('h2', named('two', bands)))).kinds).toEqual(['ask', 'lock', 'write']);
    const third = await write(...under('h3', named('three', bands)));
    expect(third.kinds).toEqual(['lock', 'write']);
    expect(third.counts).toEqual({ ...none, updated: 4 });
    const [same, other, ...gone] = bands;
    await query(neo4j(), `MATCH (n:${labels.band}) WHERE n.id IN $ids DETACH DELETE n`, {
      ids: gone.map(({ id }) => id),
    });
    const mixed = await write(
      ...under('h3', named('three', [same as Band, ...gone])),
      keyed({ ...(other as Band), name: 'four', places: [] }, 'h4'),
    );
    expect(mixed.kinds).toEqual(['lock', 'write', 'write']);
    expect(mixed.counts).toEqual({ ...none, created: 2, updated: 1, unchanged: 1 });
    expect(mixed.graph).toEqual({ nodesCreated: 2, relationshipsCreated: 2, relationshipsDeleted: 1 });
    expect((await write(...under('h3', named('three', [same as Band])))).kinds).toEqual(['ask']);
  });

  it('is the question again for a batch that lost a race for a new key', async () => {
    const [a, b] = [unique(), unique()];
    let rival: GraphSink<Band> | undefined = createGraphSink(neo4j(), model);
    const { sink, write } = open(async ({ lists }) => {
      const faster = rival;
      if (lists.fresh === undefined || faster === undefined) return;
      rival = undefined;
      await faster.write(batchOf(model, [keyed(band(b, { name: 'theirs' }), 'g')]), never);
    });
    const { counts, restarts, kinds } = await write(keyed(band(a), 'h'), keyed(band(b), 'h'));
    expect(kinds).toEqual(['ask', 'write', 'ask', 'lock', 'write']);
    expect(counts).toEqual({ ...none, created: 1, updated: 1 });
    expect([restarts, sink.stats().restarts]).toEqual([1, { raced: 1 }]);
    expect(await nodeOf(b)).toMatchObject({ sha256: 'h' });
  });

  it('is the question for a record that another constraint forbids, so that it alone is refused', async () => {
    const own = labelsOf(unique());
    const driver = recording(neo4j());
    const sink = createGraphSink(driver, bandModel(own));
    await sink.open(never);
    await query(neo4j(), `CREATE CONSTRAINT FOR (n:${own.band}) REQUIRE n.name IS UNIQUE`);
    const write = (...records: readonly Keyed<Band>[]) => sink.write(batchOf(model, records), never);
    await afterNewOnes(write);
    const bands = named('the same', fresh(2));
    driver.sent.length = 0;
    await expect(write(...under('h', bands))).rejects.toMatchObject({
      is: 'refused',
      fault: { code: 'constraint-refused' },
    });
    expect(driver.sent.filter(({ lists }) => 'hashes' in lists)).toHaveLength(2);
    expect((await write(...under('h', bands.slice(0, 1)))).counts.created).toBe(1);
    await drop(neo4j(), labelList(own));
  });
});
