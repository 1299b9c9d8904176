/** The ledger and the purge of one label, against a real server. */
import { type Closing, type GraphModel, noPurge, type Signal } from '@inator/runtime';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createGraphSink, type GraphSink, type LedgerSettings, type Neo4j } from '../src/index.ts';
import {
  type Band,
  band,
  bandModel,
  batchOf,
  graphOf,
  keyed,
  type Labels,
  labelList,
  labelsOf,
} from './support/bands.ts';
import { connect, drop, never, query, unique } from './support/server.ts';

const context = { abort: never, draining: never };
const stopping = { abort: never, draining: AbortSignal.abort() };

let neo4j: Neo4j;
let labels: Labels;
let model: GraphModel<Band>;
// One set of labels for all tests: a constraint and a dozen plans for each would take longer than the tests.
beforeAll(() => {
  neo4j = connect();
  labels = labelsOf(unique());
  const plain = bandModel(labels);
  model = { ...plain, nodes: plain.nodes.map((step) => (step.primary ? { ...step, keptAsStub: ['name'] } : step)) };
});
afterEach(async () => {
  for (const label of ['InatorSeen', 'InatorRun', 'InatorExtraction', 'InatorVanished']) {
    await query(neo4j, `MATCH (n:${label} {of: $of}) DELETE n`, { of: labels.band });
  }
  await query(neo4j, `MATCH (n:${labelList(labels).join('|')}) DETACH DELETE n`);
});
afterAll(async () => {
  await drop(neo4j, labelList(labels));
  await neo4j.close();
});

async function open(more: Partial<LedgerSettings> = {}, server = neo4j) {
  const purge: LedgerSettings = { mode: 'purge', maxFraction: 0.5, patienceMs: 300, transactionMs: 20, ...more };
  const sink = createGraphSink(server, model, { purge });
  await sink.open(never);
  return sink;
}

const write = (sink: GraphSink<Band>, bands: readonly Band[]) =>
  sink.write(
    batchOf(
      model,
      bands.map((each) => keyed(each, `h ${JSON.stringify(each)}`)),
    ),
    never,
  );

function ended(declared: number | undefined, run: number): Signal {
  return {
    is: 'extraction_complete',
    version: `v${run}`,
    startedAt: `2026-01-0${run}T00:00:00Z`,
    counts: declared === undefined ? {} : { bands: declared },
  };
}

const complete = (sink: GraphSink<Band>, declared: number | undefined, run: number) =>
  sink.mark(ended(declared, run), model, context) as Promise<Closing>;

const bands = (count: number, from = 0): Band[] => Array.from({ length: count }, (_, i) => band(`${from + i}`));
const stored = async (): Promise<number> => {
  const [row] = await query(neo4j, `MATCH (n:${labels.band}) WHERE n.sha256 IS NOT NULL RETURN count(n) AS n`);
  return Number(row?.n);
};
const entries = async (): Promise<number> => {
  const [row] = await query(neo4j, 'MATCH (s:InatorSeen {of: $of}) RETURN count(s) AS n', { of: labels.band });
  return Number(row?.n);
};

describe('the purge', () => {
  it('deletes only what an unchanged second run did not bring, and touches nothing else', async () => {
    const sink = await open();
    await write(sink, bands(30));
    expect(await complete(sink, 30, 1)).toMatchObject({ is: 'purged', seen: 30, stored: 30, vanished: 0 });
    await query(neo4j, `MATCH (n:${labels.band}) SET n.untouched = true`);
    expect((await write(sink, bands(28))).counts).toMatchObject({ unchanged: 28 });
    expect(await entries()).toBe(1);
    expect(await complete(sink, 28, 2)).toMatchObject({ is: 'purged', vanished: 2, purged: 2, repeated: false });
    const rows = await query(neo4j, `MATCH (n:${labels.band}) RETURN n.id AS id, n.untouched AS u, keys(n) AS names`);
    expect(rows.map(({ id }) => Number(id)).sort((a, b) => a - b)).toEqual(Array.from({ length: 28 }, (_, i) => i));
    expect(rows.every(({ u, names }) => u === true && !(names as string[]).some((name) => name.startsWith('_')))).toBe(
      true,
    );
    expect(await entries()).toBe(0);
  });

  it('leaves what a graph without the vanished records would be: stubs where they are named, nothing where not', async () => {
    const keep = [
      band('a', { members: ['gone'], places: ['p1'], genres: ['rock'], styles: ['punk'] }),
      band('b', { groups: ['also'] }),
      band('c'),
    ];
    const vanish = [
      band('gone', { groups: ['a', 'x'], places: ['p1', 'p2'], genres: ['rock', 'jazz'] }),
      band('also', { places: ['p3'], country: 'SE' }),
      band('last', { members: ['only'], genres: ['folk'], styles: ['lied'] }),
    ];
    const sink = await open({ maxFraction: 1 });
    await write(sink, [...keep, ...vanish]);
    await complete(sink, 6, 1);
    await write(sink, keep);
    expect(await complete(sink, 3, 2)).toMatchObject({ is: 'purged', vanished: 3, purged: 3 });
    const after = await graphOf(neo4j, labels);

    const fresh = labelsOf(unique());
    const other = createGraphSink(neo4j, bandModel(fresh));
    await other.open(never);
    await other.write(
      batchOf(
        model,
        keep.map((each) => keyed(each, `h ${JSON.stringify(each)}`)),
      ),
      never,
    );
    const expected = await graphOf(neo4j, fresh);
    await drop(neo4j, labelList(fresh));
    const plain = (graph: typeof after) => ({
      // A stub keeps the name that the record gave it; the styles' part in a genre is kept for good.
      nodes: Object.keys(graph.nodes).map((name) => name.replace(/_\w+/, '')),
      edges: graph.edges.filter((edge) => !edge.includes('PART_OF') || edge.startsWith('punk')),
    });
    expect(plain({ ...after, nodes: without(after.nodes, /folk|lied/) })).toEqual(plain(expected));
    expect(after.nodes[`${labels.band} also`]).toEqual({ id: 'also', name: 'name of also' });
    const lonely = await query(
      neo4j,
      `MATCH (n:${labels.band}|${labels.place}) WHERE n.sha256 IS NULL AND NOT (n)--() RETURN n.id AS id`,
    );
    expect(lonely).toEqual([]);
    // A vanished record that comes back is whole again.
    await write(sink, vanish);
    expect((await graphOf(neo4j, labels)).nodes[`${labels.band} also`]).toMatchObject({ country: 'SE' });
  });

  it('takes stubs that nothing refers to any more, and leaves a node that somebody else has linked', async () => {
    const sink = await open({ maxFraction: 1 });
    await write(sink, [band('a', { members: ['stub'] }), band('b'), band('c')]);
    await write(sink, [band('a')]);
    await complete(sink, 3, 1);
    expect(await query(neo4j, `MATCH (n:${labels.band} {id: 'stub'}) RETURN n.id`)).toEqual([]);
    await query(neo4j, `MATCH (n:${labels.band} {id: 'c'}) CREATE (:${labels.place} {id: 'mine'})-[:LOVES]->(n)`);
    await write(sink, [band('a')]);
    expect(await complete(sink, 1, 2)).toMatchObject({ is: 'purged', purged: 2 });
    const [row] = await query(neo4j, `MATCH (p:${labels.place})-[:LOVES]->(n) RETURN n.id AS id, n.sha256 AS hash`);
    expect(row).toEqual({ id: 'c', hash: null });
  });

  it.each([
    ['fewer keys than declared', 16, {}, 'incomplete'],
    ['more than the limit', 15, { maxFraction: 0.2 }, 'over-limit'],
    ['no declared count', undefined, {}, 'undeclared'],
  ] as const)('is skipped: %s', async (_, declared, settings, why) => {
    const sink = await open(settings);
    await write(sink, bands(20));
    await complete(sink, 20, 1);
    await write(sink, bands(15));
    expect(await complete(sink, declared, 2)).toMatchObject({ is: 'skipped', why, seen: 15, vanished: 5 });
    expect(await stored()).toBe(20);
    expect(await entries()).toBe(0);
  });

  it('is skipped after a dead letter, of whichever replica', async () => {
    const sink = await open();
    await write(sink, bands(20));
    await complete(sink, 20, 1);
    await write(sink, bands(15));
    await (await open()).condemn?.(never);
    expect(await complete(sink, 15, 2)).toMatchObject({ is: 'skipped', why: 'dead-letters' });
    await write(sink, bands(15));
    expect(await complete(sink, 15, 3)).toMatchObject({ is: 'purged', purged: 5 });
  });

  it('goes on where it stopped; the same signal again, or an older one, does nothing', async () => {
    const sink = await open({ maxFraction: 1 });
    await write(sink, bands(500));
    await complete(sink, 500, 1);
    await write(sink, bands(20));
    await expect(sink.mark(ended(20, 3), model, stopping)).rejects.toThrow('goes on then');
    expect(await stored()).toBe(500);
    // What comes meanwhile, unchanged, is spared.
    expect((await write(sink, bands(10, 300))).counts).toMatchObject({ unchanged: 10 });
    expect(await complete(sink, 20, 3)).toMatchObject({ is: 'purged', purged: 470, repeated: false });
    expect(await stored()).toBe(30);
    expect(await complete(sink, 20, 3)).toMatchObject({ is: 'purged', purged: 470, repeated: true });
    expect(await complete(sink, 1, 2)).toMatchObject({ is: 'skipped', why: 'older' });
    expect(await entries()).toBe(1);
    expect(await complete(sink, 10, 4)).toMatchObject({ is: 'purged', purged: 20 });
  });

  it('what a replica writes while the purge runs is there afterwards', async () => {
    const sink = await open({ maxFraction: 1 });
    const second = connect();
    const other = await open({}, second);
    await write(sink, bands(1_000));
    await complete(sink, 1_000, 1);
    await write(sink, bands(1));
    const closing = complete(sink, 1, 2);
    for (let from = 980; from >= 20; from -= 40) await write(other, bands(40, from));
    expect(await closing).toMatchObject({ is: 'purged' });
    const rows = await query(neo4j, `MATCH (n:${labels.band}) WHERE n.sha256 IS NOT NULL RETURN n.id AS id`);
    const left = new Set(rows.map(({ id }) => Number(id)));
    expect(Array.from({ length: 980 }, (_, i) => i + 20).filter((id) => !left.has(id))).toEqual([]);
    await second.close();
  });
});

it('with the purge off nothing is kept, and what was kept before is forgotten', async () => {
  const sink = await open();
  await write(sink, bands(3));
  const off = createGraphSink(neo4j, model, { purge: noPurge });
  await off.open(never);
  expect(await entries()).toBe(0);
  await write(off, bands(3));
  expect(await entries()).toBe(0);
  expect(off.condemn).toBeUndefined();
  expect(await off.mark(ended(3, 1), model, context)).toBeUndefined();
});

function without(nodes: Readonly<Record<string, Readonly<Record<string, unknown>>>>, which: RegExp) {
  return Object.fromEntries(Object.entries(nodes).filter(([name]) => !which.test(name)));
}
