/** tableinator, queue to commit, against the naive loop: same messages, same queue type, same table, turn by turn. */
import pg from 'pg';
import { type Bench, type Drained, declareQueue, drain, fill, median, removeQueues, uniquePrefix } from './world.ts';

const type = 'releases';

export interface TableinatorResult {
  readonly records: number;
  readonly rounds: number;
  /** Median records a second of tableinator. */
  readonly rate: number;
  readonly naive: number;
  /** Median over the rounds of the ratio within a round. */
  readonly ratio: number;
  readonly cpuRatio: number;
  readonly runs: { readonly tableinator: readonly Drained[]; readonly naive: readonly Drained[] };
}

export async function benchTableinator(
  { env, say }: Bench,
  records: number,
  rounds: number,
): Promise<TableinatorResult> {
  const runs: { tableinator: Drained[]; naive: Drained[] } = { tableinator: [], naive: [] };
  for (let round = 1; round <= rounds; round += 1) {
    // Turns are swapped, so that neither always meets the warmer caches.
    const order = round % 2 === 1 ? (['naive', 'tableinator'] as const) : (['tableinator', 'naive'] as const);
    for (const who of order) {
      const result = who === 'naive' ? await naive(env, records) : await tableinator(env, records);
      runs[who].push(result);
      say(
        `round ${round}: ${who} ${result.recordsPerSecond} records/s, ${result.cpuSeconds.toFixed(1)} s of CPU, ${result.peakMemoryMiB} MiB at most`,
      );
    }
  }
  const ratios = runs.tableinator.map(
    (run, index) => run.recordsPerSecond / (runs.naive[index]?.recordsPerSecond ?? 1),
  );
  const cpu = runs.tableinator.map(
    (run, index) =>
      run.cpuSeconds / run.records / ((runs.naive[index]?.cpuSeconds ?? 1) / (runs.naive[index]?.records ?? 1)),
  );
  return {
    records,
    rounds,
    rate: median(runs.tableinator.map((run) => run.recordsPerSecond)),
    naive: median(runs.naive.map((run) => run.recordsPerSecond)),
    ratio: Number(median(ratios).toFixed(2)),
    cpuRatio: Number(median(cpu).toFixed(2)),
    runs,
  };
}

async function tableinator(env: Bench['env'], records: number): Promise<Drained> {
  const prefix = uniquePrefix();
  const queue = await declareQueue(env, prefix, 'tableinator', type);
  await fill(env, prefix, type, records);
  try {
    return await drain(
      'services/tableinator/dist/main.js',
      { ...pick(env), RABBITMQ_EXCHANGE_PREFIX: prefix, POSTGRES_SCHEMA: prefix, DATA_TYPES: type, ...overrides() },
      records,
    );
  } finally {
    await removeQueues(env, [queue, `${queue}.dlq`]);
    await sql(env, `DROP SCHEMA IF EXISTS ${prefix} CASCADE`);
  }
}

async function naive(env: Bench['env'], records: number): Promise<Drained> {
  const prefix = uniquePrefix();
  const queue = await declareQueue(env, prefix, 'naive', type);
  await sql(
    env,
    `CREATE SCHEMA ${prefix};
     CREATE TABLE ${prefix}.${type} (data_id varchar CONSTRAINT ${type}_pkey PRIMARY KEY, hash varchar NOT NULL, data jsonb NOT NULL, seq bigint,
       created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
     CREATE INDEX idx_${type}_hash ON ${prefix}.${type} (hash);
     CREATE INDEX idx_${type}_gin ON ${prefix}.${type} USING gin (data jsonb_path_ops)`,
  );
  await fill(env, prefix, type, records);
  try {
    return await drain(
      'bench/dist/naive.js',
      { ...pick(env), NAIVE_QUEUE: queue, NAIVE_TABLE: `${prefix}.${type}` },
      records,
    );
  } finally {
    await removeQueues(env, [queue]);
    await sql(env, `DROP SCHEMA ${prefix} CASCADE`);
  }
}

const pick = (env: Bench['env']): Record<string, string> => ({
  RABBITMQ_URL: env.RABBITMQ_URL ?? '',
  POSTGRES_URL: env.POSTGRES_URL ?? '',
});

/** Settings of tableinator given to this run: `POSTGRES_WRITERS=1 npm run bench -- tableinator`. */
function overrides(): Record<string, string> {
  const names = [
    'POSTGRES_WRITERS',
    'POSTGRES_BATCH_SIZE',
    'BATCH_MAX_PENDING',
    'RABBITMQ_PREFETCH',
    'POSTGRES_WRITE_PATH',
  ];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

async function sql(env: Bench['env'], text: string): Promise<void> {
  const client = new pg.Client(env.POSTGRES_URL);
  await client.connect();
  await client.query(text);
  await client.end();
}
