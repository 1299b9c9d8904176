/**
 * graphinator, queue to commit, against its own statements replayed bare from memory: what the engine, the broker and
 * exactness cost on top of what Neo4j costs anyway. Turn by turn, each on an empty graph.
 */
import { createGraphModels, generateSample } from '@inator/discogs';
import { createGraphSink, createNeo4j, type Neo4j } from '@inator/neo4j';
import type { Batch, Keyed } from '@inator/runtime';
import { type Bench, type Drained, declareQueue, drain, fill, median, removeQueues, uniquePrefix } from './world.ts';

const type = 'releases';
const batchSize = Number(process.env.NEO4J_BATCH_SIZE ?? 500);

export interface GraphinatorResult {
  readonly records: number;
  readonly rounds: number;
  /** Median records a second of graphinator. */
  readonly rate: number;
  readonly floor: number;
  readonly ratio: number;
  readonly runs: { readonly graphinator: readonly Drained[]; readonly floor: readonly number[] };
}

interface Statement {
  readonly text: string;
  readonly parameters: Parameters<Awaited<ReturnType<Neo4j['begin']>>['run']>[1];
}

export async function benchGraphinator(
  { env, say }: Bench,
  records: number,
  rounds: number,
): Promise<GraphinatorResult> {
  const neo4j = createNeo4j({
    uri: env.NEO4J_URI ?? '',
    username: env.NEO4J_USERNAME,
    password: () => env.NEO4J_PASSWORD ?? '',
  });
  try {
    await empty(neo4j);
    const transactions = await record(neo4j, records);
    say(`${transactions.length} transactions recorded`);
    const runs: { graphinator: Drained[]; floor: number[] } = { graphinator: [], floor: [] };
    for (let round = 1; round <= rounds; round += 1) {
      for (const who of round % 2 === 1 ? (['floor', 'graphinator'] as const) : (['graphinator', 'floor'] as const)) {
        await empty(neo4j);
        if (who === 'floor') {
          const rate = await replay(neo4j, transactions, records);
          runs.floor.push(rate);
          say(`round ${round}: floor ${rate} records/s`);
        } else {
          const run = await graphinator(env, records);
          runs.graphinator.push(run);
          say(
            `round ${round}: graphinator ${run.recordsPerSecond} records/s, ${run.cpuSeconds.toFixed(1)} s of CPU, ${run.peakMemoryMiB} MiB at most`,
          );
        }
      }
    }
    const ratios = runs.graphinator.map((run, index) => run.recordsPerSecond / (runs.floor[index] ?? 1));
    return {
      records,
      rounds,
      rate: median(runs.graphinator.map((run) => run.recordsPerSecond)),
      floor: median(runs.floor),
      ratio: Number(median(ratios).toFixed(2)),
      runs,
    };
  } finally {
    await neo4j.close();
  }
}

/** Writes the records through the sink once, from memory, and keeps every statement it sends. */
async function record(neo4j: Neo4j, records: number): Promise<Statement[][]> {
  const transactions: Statement[][] = [];
  const recording: Neo4j = {
    ...neo4j,
    async begin(options) {
      const transaction = await neo4j.begin(options);
      const statements: Statement[] = [];
      return {
        run(text, parameters) {
          statements.push({ text, parameters });
          return transaction.run(text, parameters);
        },
        async commit(sent) {
          await transaction.commit(sent);
          transactions.push(statements);
        },
        rollback: () => transaction.rollback(),
      };
    },
  };
  const model = createGraphModels()[type];
  const sink = createGraphSink(recording, model);
  const signal = new AbortController().signal;
  await sink.open(signal);
  transactions.length = 0;
  type Record = typeof model extends { decode(...args: never[]): infer D }
    ? D extends { record: infer R }
      ? R
      : never
    : never;
  let batch: Keyed<Record>[] = [];
  const flush = async (): Promise<void> => {
    const whole: Batch<Record> = { model, records: batch, bytes: 0, sealedBy: 'records' };
    batch = [];
    await sink.write(whole, signal);
  };
  for (const body of generateSample({ type, count: records })) {
    const decoded = model.decode(body, {});
    if (decoded.is !== 'record') throw new Error('the sample holds something that is no record');
    batch.push({ key: decoded.key, hash: decoded.hash, record: decoded.record, seq: undefined, bytes: body.length });
    if (batch.length === batchSize) await flush();
  }
  if (batch.length > 0) await flush();
  return transactions;
}

/** Sends what was recorded, two transactions side by side, as graphinator has two writers; restarts what deadlocks. */
async function replay(neo4j: Neo4j, transactions: readonly Statement[][], records: number): Promise<number> {
  const writers = Number(process.env.NEO4J_WRITERS ?? 2);
  const began = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: writers }, async () => {
      for (let statements = transactions[next++]; statements !== undefined; statements = transactions[next++]) {
        for (let done = false; !done; ) done = await once(neo4j, statements);
      }
    }),
  );
  return Math.round(records / ((performance.now() - began) / 1000));
}

async function once(neo4j: Neo4j, statements: readonly Statement[]): Promise<boolean> {
  const transaction = await neo4j.begin();
  try {
    for (const { text, parameters } of statements) await transaction.run(text, parameters);
    await transaction.commit();
    return true;
  } catch {
    await transaction.rollback();
    return false;
  }
}

async function graphinator(env: Bench['env'], records: number): Promise<Drained> {
  const prefix = uniquePrefix();
  const queue = await declareQueue(env, prefix, 'graphinator', type);
  await fill(env, prefix, type, records);
  const { RABBITMQ_URL = '', NEO4J_URI = '', NEO4J_USERNAME = '', NEO4J_PASSWORD = '' } = env;
  const overrides = Object.fromEntries(
    ['NEO4J_WRITERS', 'NEO4J_BATCH_SIZE', 'BATCH_MAX_PENDING'].flatMap((name) =>
      process.env[name] === undefined ? [] : [[name, process.env[name]]],
    ),
  );
  try {
    return await drain(
      'services/graphinator/dist/main.js',
      {
        RABBITMQ_URL,
        NEO4J_URI,
        NEO4J_USERNAME,
        NEO4J_PASSWORD,
        RABBITMQ_EXCHANGE_PREFIX: prefix,
        DATA_TYPES: type,
        ...overrides,
      },
      records,
    );
  } finally {
    await removeQueues(env, [queue, `${queue}.dlq`]);
  }
}

async function empty(neo4j: Neo4j): Promise<void> {
  for (let left = 1; left > 0; ) {
    const transaction = await neo4j.begin({ timeoutMs: 120_000 });
    const answer = await transaction.run('MATCH (n) WITH n LIMIT 5000 DETACH DELETE n RETURN count(*) AS n');
    await transaction.commit();
    left = Number(answer.rows[0]?.n ?? 0);
  }
}
