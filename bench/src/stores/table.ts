/** The table of a run: in a schema of its own, the same for every contestant. */
import { createTableModels, type RecordType } from '@inator/discogs';
import { createPostgres, createTableSink, type Postgres, type WritePathName } from '@inator/postgres';
import type { Batch, Keyed, TableModel } from '@inator/runtime';
import pg from 'pg';
import { bodies, type Filling } from '../queues.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Which secondary indices a table has: the shipped ones, all but the GIN index on the body, or none. */
export type Indices = 'all' | 'hash' | 'none';

export interface TableShape {
  readonly indices: Indices;
  /** A CHECK constraint on `data`. */
  readonly check?: string | undefined;
}

/** Longest a statement of the harness may take; building an index on millions of rows takes minutes. */
const statementMs = 900_000;
const connectMs = 10_000;

export async function sql<T extends pg.QueryResultRow>(env: Environment, text: string): Promise<readonly T[]> {
  const client = new pg.Client({
    connectionString: env.POSTGRES_URL,
    statement_timeout: statementMs,
    connectionTimeoutMillis: connectMs,
  });
  client.on('error', () => {});
  await client.connect();
  try {
    const result = (await client.query<T>(text)) as pg.QueryResult<T> | readonly pg.QueryResult<T>[];
    return (Array.isArray(result) ? result.at(-1) : (result as pg.QueryResult<T>)).rows;
  } finally {
    await client.end();
  }
}

/** Secondary indices, as the product names them. */
export function indexStatements(schema: string, type: RecordType, indices: Indices): readonly string[] {
  const table = `"${schema}"."${type}"`;
  return [
    ...(indices === 'none' ? [] : [`CREATE INDEX idx_${type}_hash ON ${table} (hash)`]),
    ...(indices === 'all' ? [`CREATE INDEX idx_${type}_gin ON ${table} USING gin (data jsonb_path_ops)`] : []),
  ];
}

/** Schema and table as tableinator would create them, but for the indices. */
export async function createTable(
  env: Environment,
  schema: string,
  type: RecordType,
  { indices, check }: TableShape,
): Promise<void> {
  await sql(
    env,
    [
      `CREATE SCHEMA "${schema}"`,
      `CREATE TABLE "${schema}"."${type}" (
         data_id varchar CONSTRAINT ${type}_pkey PRIMARY KEY, hash varchar NOT NULL,
         data jsonb NOT NULL${check === undefined ? '' : ` CHECK (${check})`}, seq bigint,
         created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now())`,
      ...indexStatements(schema, type, indices),
    ].join(';\n'),
  );
}

/** A key that no sample has, for the row that keeps a table from counting as empty. */
export const placeholderKey = '(bench)';

/** tableinator creates missing indices on an empty table only: with this row in it, it stays without. */
export async function addPlaceholder(env: Environment, schema: string, type: RecordType): Promise<void> {
  await sql(env, `INSERT INTO "${schema}"."${type}" (data_id, hash, data) VALUES ('${placeholderKey}', '-', '{}')`);
}

export async function dropSchema(env: Environment, schema: string): Promise<void> {
  await sql(env, `DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
}

/**
 * Writes out what earlier runs left to be written, so that no run pays for another's: a checkpoint where the role may ask
 * for one, and fresh statistics for what was preloaded.
 */
export async function settle(env: Environment, analyse?: string): Promise<void> {
  if (analyse !== undefined) await sql(env, `ANALYZE ${analyse}`);
  await sql(env, 'CHECKPOINT').catch(() => undefined);
}

export function tableModel(type: RecordType, indices: Indices): TableModel<Uint8Array> {
  const model = createTableModels()[type];
  const kept =
    indices === 'none' ? [] : model.table.indexes.filter(({ method }) => indices === 'all' || method !== 'gin');
  return { ...model, table: { ...model.table, indexes: kept } };
}

/** Batches of decoded records, as a lane would hand them to the sink. */
export function* tableBatches(
  model: TableModel<Uint8Array>,
  filling: Filling,
  size: number,
): Generator<Batch<Uint8Array>> {
  let records: Keyed<Uint8Array>[] = [];
  let bytes = 0;
  for (const body of bodies(filling)) {
    const decoded = model.decode(body, {});
    if (decoded.is !== 'record') throw new Error('the sample holds something that is no record');
    records.push({ key: decoded.key, hash: decoded.hash, record: body, seq: undefined, bytes: body.length });
    bytes += body.length;
    if (records.length < size) continue;
    yield { model, records, bytes, sealedBy: 'records' };
    records = [];
    bytes = 0;
  }
  if (records.length > 0) yield { model, records, bytes, sealedBy: 'drain' };
}

export function openPostgres(env: Environment, schema: string): Postgres {
  return createPostgres({ url: env.POSTGRES_URL, schema });
}

/** Fills the table through the sink, without a broker: the state that an update or a replay begins with. */
export async function preloadTable(
  env: Environment,
  schema: string,
  filling: Filling,
  indices: Indices,
  writePath?: WritePathName,
): Promise<void> {
  const postgres = openPostgres(env, schema);
  const model = tableModel(filling.type, indices);
  const sink = createTableSink(postgres, model, { writePath });
  const signal = new AbortController().signal;
  try {
    await sink.open(signal);
    for (const batch of tableBatches(model, filling, 1_000)) await sink.write(batch, signal);
  } finally {
    await sink.close();
    await postgres.close();
  }
  await settle(env, `"${schema}"."${filling.type}"`);
}
