/**
 * Neo4j alone, in one of two forms: `statements` replays, bare from memory, what our own sink sent for the same records on
 * the same graph; `foreach` sends the one statement that one would write by hand, UNWIND over the records with a FOREACH
 * for each kind of relationship. Deadlocked transactions start over in both.
 *
 * The one statement does less: of a changed record it takes nothing back, and it rewrites what is unchanged.
 */
import type { GraphRecord } from '@inator/discogs';
import { createGraphSink, type Neo4j } from '@inator/neo4j';
import type { Batch, Later } from '@inator/runtime';
import { graphBatches, graphModel, openGraph, openGraphSink, prepareGraph } from '../stores/graph.ts';
import { fillingGiven } from './filling.ts';
import { consuming, given, processed } from './report.ts';

type Parameters = Parameters_<Awaited<ReturnType<Neo4j['begin']>>['run']>[1];
type Parameters_<F extends (...args: never[]) => unknown> = F extends (...args: infer A) => unknown ? A : never;
interface Statement {
  readonly text: string;
  readonly parameters: Parameters;
}
interface Work {
  readonly records: number;
  readonly statements: readonly Statement[];
}

const filling = fillingGiven();
const preload = process.env.BENCH_PRELOAD === undefined ? undefined : fillingGiven('BENCH_PRELOAD');
const batchSize = Number(given('BENCH_BATCH_SIZE'));
const neo4j = openGraph(process.env);
await openGraphSink(neo4j, filling.type);

const works = given('BENCH_FORM') === 'foreach' ? byHand() : await recorded();
let next = 0;
consuming();
await Promise.all(
  Array.from({ length: Number(given('BENCH_WRITERS')) }, async () => {
    for (let work = works[next++]; work !== undefined; work = works[next++]) {
      const began = performance.now();
      while (!(await wasDone(work.statements))) {
        // Deadlocked: once more.
      }
      processed(work.records, began);
    }
  }),
);
// The harness reads what this process used, and then stops it.
setInterval(() => {}, 60_000);

async function wasDone(statements: readonly Statement[]): Promise<boolean> {
  const transaction = await neo4j.begin();
  try {
    for (const { text, parameters } of statements) await transaction.run(text, parameters);
    await transaction.commit();
    return true;
  } catch (error) {
    await transaction.rollback();
    if ((error as { readonly is?: string }).is === 'unavailable') return false;
    throw error;
  }
}

/** Writes the records once through the sink, keeps what it sends, and puts the graph back to what it was. */
async function recorded(): Promise<Work[]> {
  const sent: (readonly Statement[])[] = [];
  const recording: Neo4j = {
    ...neo4j,
    async begin(options) {
      const transaction = await neo4j.begin(options);
      const statements: Statement[] = [];
      let isKept = false;
      const keep = (): void => {
        if (!isKept) sent.push(statements);
        isKept = true;
      };
      return {
        run(text, parameters) {
          statements.push({ text, parameters });
          return transaction.run(text, parameters);
        },
        async commit(onSent) {
          await transaction.commit(onSent);
          keep();
        },
        // A batch that brings nothing new ends without a commit.
        async rollback() {
          await transaction.rollback();
          keep();
        },
      };
    },
  };
  const sink = createGraphSink(recording, graphModel(filling.type));
  const signal = new AbortController().signal;
  await sink.open(signal);
  sent.length = 0;
  const found: Work[] = [];
  for (const batch of graphBatches(filling, batchSize)) {
    await sink.write(batch, signal);
    // One writer, so that nothing deadlocks: of several transactions the last is the one that went through.
    found.push({ records: batch.records.length, statements: sent.at(-1) ?? [] });
    sent.length = 0;
  }
  await prepareGraph(neo4j, preload);
  return found;
}

function byHand(): Work[] {
  const text = `UNWIND $rows AS row
MERGE (r:Release {id: row.id})
SET r += row.properties, r.sha256 = row.hash
FOREACH (a IN row.artists | MERGE (x:Artist {id: a.id}) ON CREATE SET x.name = a.name MERGE (r)-[:BY]->(x))
FOREACH (l IN row.labels | MERGE (x:Label {id: l.id}) ON CREATE SET x.name = l.name MERGE (r)-[:ON]->(x))
FOREACH (m IN row.masters | MERGE (x:Master {id: m.id}) MERGE (r)-[:DERIVED_FROM]->(x))
FOREACH (g IN row.genres | MERGE (x:Genre {name: g}) MERGE (r)-[:IS]->(x))
FOREACH (s IN row.styles | MERGE (x:Style {name: s}) MERGE (r)-[:IS]->(x))
FOREACH (s IN row.partOf | MERGE (x:Style {name: s}) MERGE (g:Genre {name: row.genres[0]}) MERGE (x)-[:PART_OF]->(g))`;
  const work = (batch: Batch<Later<GraphRecord>>): Work => ({
    records: batch.records.length,
    statements: [{ text, parameters: { rows: batch.records.map(row) } }],
  });
  return [...graphBatches(filling, batchSize)].map(work);
}

function row({ key, hash, record }: Batch<Later<GraphRecord>>['records'][number]): Readonly<Record<string, unknown>> {
  const { properties, artists, labels, masters, genres, styles } = record();
  return {
    id: key,
    hash,
    properties,
    artists,
    labels,
    masters,
    genres,
    styles,
    partOf: genres.length === 1 ? styles : [],
  };
}
