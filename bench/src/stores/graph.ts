/** The graph of a run: emptied before, filled for what updates and replays. */
import { createGraphModels, type GraphRecord, labelOf, type RecordType, recordTypes } from '@inator/discogs';
import { createGraphSink, createNeo4j, type GraphSink, type Neo4j } from '@inator/neo4j';
import type { Batch, GraphModel, Keyed, Later } from '@inator/runtime';
import { bodies, type Filling } from '../queues.ts';
import { UsageError } from '../scenario.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export function openGraph(env: Environment): Neo4j {
  return createNeo4j({
    uri: env.NEO4J_URI ?? '',
    username: env.NEO4J_USERNAME,
    password: () => env.NEO4J_PASSWORD ?? '',
    database: env.NEO4J_DATABASE,
  });
}

export const graphModel = (type: RecordType): GraphModel<Later<GraphRecord>> => createGraphModels()[type];

const labels = [...recordTypes.map((type) => labelOf[type]), 'Genre', 'Style'];
/** Nodes deleted in one transaction: with their relationships they must fit into the memory of a small server. */
const slice = 5_000;
const deleteMs = 120_000;

/** Deletes the nodes of the domain, and only those. */
export async function emptyGraph(neo4j: Neo4j): Promise<void> {
  for (const label of labels) {
    for (let left = 1; left > 0; ) {
      const transaction = await neo4j.begin({ timeoutMs: deleteMs });
      try {
        const text = `MATCH (n:${label}) WITH n LIMIT ${slice} DETACH DELETE n RETURN count(*) AS n`;
        left = Number((await transaction.run(text)).rows[0]?.n ?? 0);
        await transaction.commit();
      } catch (error) {
        await transaction.rollback();
        throw error;
      }
    }
  }
}

/** Rounds begin with an empty graph; somebody else's data must not be what is emptied. */
export async function refuseFilledGraph(env: Environment): Promise<void> {
  const neo4j = openGraph(env);
  try {
    const transaction = await neo4j.begin();
    const { rows } = await transaction.run('MATCH (n) RETURN count(n) AS n');
    await transaction.rollback();
    const nodes = Number(rows[0]?.n ?? 0);
    if (nodes === 0) return;
    throw new UsageError(
      `the graph that NEO4J_URI names holds ${nodes} nodes, and rounds begin with an empty one: name no graph, so that a ` +
        'private one is started, or give --empty-graph to have its Artist, Label, Master, Release, Genre and Style deleted',
    );
  } finally {
    await neo4j.close();
  }
}

/** What the last round left goes as well. */
export async function leaveEmpty(env: Environment): Promise<void> {
  const neo4j = openGraph(env);
  try {
    await emptyGraph(neo4j);
  } finally {
    await neo4j.close();
  }
}

/** Batches of decoded records, as a lane would hand them to the sink. */
export function* graphBatches(filling: Filling, size: number): Generator<Batch<Later<GraphRecord>>> {
  const model = graphModel(filling.type);
  let records: Keyed<Later<GraphRecord>>[] = [];
  for (const body of bodies(filling)) {
    const decoded = model.decode(body, {});
    if (decoded.is !== 'record') throw new Error('the sample holds something that is no record');
    const { key, hash, record } = decoded;
    records.push({ key, hash, record, seq: undefined, bytes: body.length });
    if (records.length < size) continue;
    yield { model, records, bytes: 0, sealedBy: 'records' };
    records = [];
  }
  if (records.length > 0) yield { model, records, bytes: 0, sealedBy: 'drain' };
}

/** The sink, opened: its constraints are there. */
export async function openGraphSink(neo4j: Neo4j, type: RecordType): Promise<GraphSink<Later<GraphRecord>>> {
  const sink = createGraphSink(neo4j, graphModel(type));
  await sink.open(new AbortController().signal);
  return sink;
}

/** An empty graph, or one that holds `preload`. */
export async function prepareGraph(neo4j: Neo4j, preload: Filling | undefined): Promise<void> {
  await emptyGraph(neo4j);
  if (preload === undefined) return;
  const sink = await openGraphSink(neo4j, preload.type);
  const signal = new AbortController().signal;
  for (const batch of graphBatches(preload, 1_000)) await sink.write(batch, signal);
}
