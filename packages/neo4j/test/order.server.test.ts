import type { Keyed } from '@inator/runtime';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createGraphSink, type GraphSink, type Neo4j } from '../src/index.ts';
import { anyOf, type Band, band, bandModel, batchOf, graphOf, keyed, labelList, labelsOf } from './support/bands.ts';
import { createReference } from './support/reference.ts';
import { connect, drop, never, query, unique } from './support/server.ts';

let neo4j: Neo4j;
const labels = labelsOf(unique());
const model = bandModel(labels);
let sinks: readonly GraphSink<Band>[];

beforeAll(async () => {
  neo4j = connect();
  sinks = [createGraphSink(neo4j, model), createGraphSink(neo4j, model), createGraphSink(neo4j, model)];
  for (const sink of sinks) await sink.open(never);
});

afterAll(async () => {
  await drop(neo4j, labelList(labels));
  await neo4j.close();
});

const wipe = () => query(neo4j, `MATCH (n:${anyOf(labels)}) DETACH DELETE n`);

const few = (prefix: string, count: number) =>
  fc.uniqueArray(
    fc.integer({ min: 1, max: count }).map((i) => `${prefix}${i}`),
    { maxLength: 3 },
  );

/** Few keys, so that records meet: as stubs, as each other's ends, as versions of one another. */
const anyBand: fc.Arbitrary<Band> = fc.record({
  id: fc.integer({ min: 1, max: 5 }).map((i) => `b${i}`),
  name: fc.constantFrom('x', 'y', null),
  country: fc.constantFrom('NO', null),
  members: few('b', 6),
  groups: few('b', 6),
  places: few('p', 3),
  genres: few('g', 2),
  styles: few('s', 3),
});

/** The hash stands for the content, as a real one does. */
const hashOf = (record: Band): string => JSON.stringify(record).length + JSON.stringify(record).slice(0, 200);

const anyRecord = (seq: fc.Arbitrary<bigint | undefined>): fc.Arbitrary<Keyed<Band>> =>
  fc.tuple(anyBand, seq).map(([record, version]) => keyed(record, hashOf(record), version));

const version = fc.bigInt({ min: 0n, max: 6n });
const maybeVersion = fc.option(version, { nil: undefined });

const cut = <T>(items: readonly T[], sizes: readonly number[]): T[][] => {
  const batches: T[][] = [];
  for (let from = 0, i = 0; from < items.length; i += 1) {
    const size = sizes[i % sizes.length] ?? 1;
    batches.push(items.slice(from, from + size));
    from += size;
  }
  return batches;
};

/**
 * The same graph, but for what only overtaken versions asserted: a version that another of its key overtakes in the same
 * batch is never written, so its stubs and shared relationships may be missing. Where no key stands twice in a batch,
 * nothing may differ.
 */
function expectSame(got: PlainGraph, want: PlainGraph, batches: readonly (readonly Keyed<Band>[])[]): void {
  if (batches.every((batch) => new Set(batch.map(({ key }) => key)).size === batch.length)) {
    expect(got).toEqual(want);
    return;
  }
  expectSameRecords(got, want);
  expect(want.edges).toEqual(expect.arrayContaining([...got.edges]));
  expect(Object.keys(want.nodes)).toEqual(expect.arrayContaining(Object.keys(got.nodes)));
}

/** The same records and the same relationships of their own; which stubs and shared ones there are is left open. */
function expectSameRecords(got: PlainGraph, want: PlainGraph): void {
  const owned = (edges: readonly string[]) => edges.filter((edge) => !edge.includes(' PART_OF '));
  const filled = (nodes: PlainGraph['nodes']) =>
    Object.fromEntries(Object.entries(nodes).filter(([, { sha256 }]) => sha256 !== undefined));
  expect(owned(got.edges)).toEqual(owned(want.edges));
  expect(filled(got.nodes)).toEqual(filled(want.nodes));
}

const sizes = fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 4 });

type PlainGraph = Awaited<ReturnType<typeof graphOf>>;

describe('the graph does not depend on how records were cut into batches', () => {
  it('equals the graph of one record at a time, with and without versions, replays included', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRecord(maybeVersion), { minLength: 1, maxLength: 25 }),
        sizes,
        fc.boolean(),
        async (records, batchSizes, replay) => {
          await wipe();
          const reference = createReference(labels);
          for (const record of records) reference.apply(record);
          const [sink] = sinks;
          const first = cut(records, batchSizes);
          for (const batch of first) await sink?.write(batchOf(model, batch), never);
          expectSame(await graphOf(neo4j, labels), reference.graph(), first);
          if (!replay) return;
          for (const record of records) reference.apply(record);
          const second = cut(records, [7]);
          for (const batch of second) await sink?.write(batchOf(model, batch), never);
          expectSame(await graphOf(neo4j, labels), reference.graph(), [...first, ...second]);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('versioned records end the same in any order, doubled, over three writers at once', async () => {
    const histories = fc.array(anyRecord(version), { minLength: 1, maxLength: 15 }).chain((records) =>
      fc.tuple(
        fc.constant(records),
        fc.shuffledSubarray([...records, ...records], {
          minLength: 2 * records.length,
          maxLength: 2 * records.length,
        }),
        sizes,
      ),
    );
    await fc.assert(
      fc.asyncProperty(histories, async ([records, arrivals, batchSizes]) => {
        await wipe();
        const inOrder = createReference(labels);
        for (const record of records) inOrder.apply(record);
        const batches = cut(arrivals, batchSizes);
        await Promise.all(
          sinks.map(async (sink, writer) => {
            for (const [i, batch] of batches.entries()) {
              if (i % sinks.length === writer) await sink.write(batchOf(model, batch), never);
            }
          }),
        );
        // An earlier version may be written before it is overtaken, or never: what it shared is there or not.
        expectSameRecords(await graphOf(neo4j, labels), inOrder.graph());
      }),
      { numRuns: 10 },
    );
  });

  it('latest versions in any order of arrival give one graph', async () => {
    const latest = fc.uniqueArray(anyRecord(version), { selector: ({ key }) => key, minLength: 2, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(latest, sizes, async (records, batchSizes) => {
        const graphs = [];
        for (const arrivals of [records, records.toReversed()]) {
          await wipe();
          for (const batch of cut(arrivals, batchSizes)) await sinks[0]?.write(batchOf(model, batch), never);
          graphs.push(await graphOf(neo4j, labels));
        }
        expect(graphs[0]).toEqual(graphs[1]);
      }),
      { numRuns: 8 },
    );
  });

  it('the reference can tell: a graph with one relationship more is not equal', async () => {
    await wipe();
    const reference = createReference(labels);
    const record = keyed(band('b1', { places: ['p1'] }), 'h');
    reference.apply(record);
    await sinks[0]?.write(batchOf(model, [record]), never);
    expect(await graphOf(neo4j, labels)).toEqual(reference.graph());
    await query(neo4j, `MATCH (a:${labels.band} {id: 'b1'}), (p:${labels.place} {id: 'p1'}) CREATE (a)-[:AT]->(p)`);
    expect(await graphOf(neo4j, labels)).not.toEqual(reference.graph());
  });
});
