/** A place of its own for a test: a random schema on the test server, a pool, and models to write there. */
import { randomBytes } from 'node:crypto';
import {
  type Batch,
  type Cell,
  type ColumnSpec,
  type Counts,
  type IndexSpec,
  type Keyed,
  noCounts,
  SinkError,
  type TableModel,
} from '@inator/runtime';
import { createPostgres, type Postgres, type PostgresSettings, quoted } from '../../src/index.ts';

export const serverUrl = process.env.TEST_POSTGRES_URL ?? '';

export const never = new AbortController().signal;

export interface Place {
  readonly schema: string;
  readonly postgres: Postgres;
  /** Another pool on the same schema, closed with the place. */
  pool(settings?: PostgresSettings): Postgres;
  /** Rows of a statement, with `%s` replaced by the quoted schema. */
  rows<Row extends Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  dispose(): Promise<void>;
}

export function newPlace(settings: PostgresSettings = {}): Place {
  const schema = `t_${randomBytes(6).toString('hex')}`;
  const pools: Postgres[] = [];
  const pool: Place['pool'] = (more = {}) => {
    const made = createPostgres({ url: serverUrl, schema, poolMax: 8, poolMin: 0, ...settings, ...more });
    pools.push(made);
    return made;
  };
  const postgres = pool();
  // The test looks and cleans up over a pool that no test hurts.
  const own = createPostgres({ url: serverUrl, schema, poolMax: 4, poolMin: 0, applicationName: 'onlooker' });
  pools.push(own);
  return {
    schema,
    postgres,
    pool,
    async rows<Row extends Record<string, unknown>>(text: string, values?: readonly unknown[]) {
      return (await own.query<Row>(text.replaceAll('%s', quoted(schema)), values)).rows;
    },
    async dispose() {
      await own.query(`DROP SCHEMA IF EXISTS ${quoted(schema)} CASCADE`);
      await Promise.all(pools.map((each) => each.close()));
    },
  };
}

export interface TableParts {
  readonly name?: string;
  readonly columns?: readonly ColumnSpec[];
  readonly indexes?: readonly IndexSpec[];
}

/** A model whose records are the cells themselves; by default one jsonb column `data`. */
export function cellsModel({ name = 'things', columns, indexes }: TableParts = {}): TableModel<readonly Cell[]> {
  return {
    name,
    decode() {
      throw new Error('the sink does not decode');
    },
    table: {
      name,
      key: 'data_id',
      hash: 'hash',
      columns: columns ?? [{ name: 'data', type: 'jsonb' }],
      indexes: indexes ?? [],
    },
    row: (cells) => cells,
  };
}

export function keyed(
  key: string,
  hash: string,
  cells: readonly Cell[],
  seq?: number | bigint,
): Keyed<readonly Cell[]> {
  return { key, hash, record: cells, seq: seq === undefined ? undefined : BigInt(seq), bytes: 0 };
}

/** A record of the default model with a small document. */
export function doc(key: string, hash = `hash of ${key}`, seq?: number | bigint): Keyed<readonly Cell[]> {
  return keyed(key, hash, [Buffer.from(JSON.stringify({ id: key, hash }))], seq);
}

export function batchOf<R>(model: TableModel<R>, records: readonly Keyed<R>[]): Batch<R> {
  return { model, records, bytes: 0, sealedBy: 'records' };
}

/** Counts of a receipt, nought where nothing is said. */
export const counts = (some: Partial<Counts>): Counts => ({ ...noCounts, ...some });

/** The refusal that `promise` is to end with; anything else fails the test. */
export async function refusal(promise: Promise<unknown>): Promise<SinkError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SinkError)) throw new Error(`no SinkError but ${String(error)}`);
  return error;
}
