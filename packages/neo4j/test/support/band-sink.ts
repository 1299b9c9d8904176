/** A sink of bands with labels of its own, for the tests of one file. */
import { afterAll, beforeAll } from '@jest/globals';
import { createGraphSink, type GraphSink, type Neo4j } from '../../src/index.ts';
import { type Band, bandModel, batchOf, graphOf, labelList, labelsOf } from './bands.ts';
import { connect, drop, never, query, unique } from './server.ts';

/** `neo4j` and `sink` are there from the first test on. */
export function useBandSink() {
  const labels = labelsOf(unique());
  const model = bandModel(labels);
  let neo4j: Neo4j;
  let sink: GraphSink<Band>;

  beforeAll(async () => {
    neo4j = connect();
    sink = createGraphSink(neo4j, model);
    await sink.open(never);
  });

  afterAll(async () => {
    await drop(neo4j, labelList(labels));
    await neo4j.close();
  });

  return {
    labels,
    model,
    neo4j: () => neo4j,
    sink: () => sink,
    write: (...records: Parameters<typeof batchOf>[1]) => sink.write(batchOf(model, records), never),
    nodeOf: async (id: string): Promise<Record<string, unknown> | undefined> => {
      const rows = await query(neo4j, `MATCH (n:${labels.band} {id: $id}) RETURN properties(n) AS p`, { id });
      return rows[0]?.p as Record<string, unknown> | undefined;
    },
    edgesOf: async (id: string): Promise<string[]> =>
      (await graphOf(neo4j, labels)).edges.filter((edge) => edge.split(' ').includes(id)),
  };
}
