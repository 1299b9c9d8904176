/** What outlives a crash of a load: which tables are being loaded, and the definitions of the indices they lack. */
import type { Lease } from '../pool/lease.ts';
import type { Postgres } from '../pool/pool.ts';
import { qualified } from '../table/names.ts';
import type { IndexDefinition } from './indexes.ts';

/** `loading`: begun and not ended. `restoring`: ending began, and something is not restored yet. */
export type LoadState = 'loading' | 'restoring';

export interface Load {
  readonly table: string;
  readonly state: LoadState;
  readonly since: Date;
}

export interface LoadMemory {
  /** Creates the tables of the memory where they are missing. */
  prepare(lease: Lease): Promise<void>;
  /** All loads, or none where nothing was ever loaded. */
  loads(lease: Lease): Promise<readonly Load[]>;
  dropped(lease: Lease, table: string): Promise<readonly IndexDefinition[]>;
  begin(lease: Lease, table: string): Promise<void>;
  restoring(lease: Lease, table: string): Promise<void>;
  end(lease: Lease, table: string): Promise<void>;
  keep(lease: Lease, table: string, index: IndexDefinition): Promise<void>;
  forget(lease: Lease, table: string, index: string): Promise<void>;
}

export function createLoadMemory(postgres: Postgres): LoadMemory {
  const { schema } = postgres.settings;
  const loads = qualified(schema, 'inator_bulk_loads');
  const indexes = qualified(schema, 'inator_dropped_indexes');

  const exists = async (lease: Lease): Promise<boolean> => {
    const { rows } = await lease.query<{ there: boolean }>(
      'SELECT pg_catalog.to_regclass($1) IS NOT NULL AND pg_catalog.to_regclass($2) IS NOT NULL AS there',
      [loads, indexes],
    );
    return rows[0]?.there === true;
  };

  return {
    async prepare(lease) {
      if (await exists(lease)) return;
      await lease.query(postgres.begin);
      await lease.query('SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1, 0))', [
        `inator ${schema}`,
      ]);
      await lease.query(`
CREATE TABLE IF NOT EXISTS ${loads} (
  table_name text PRIMARY KEY,
  state text NOT NULL CHECK (state IN ('loading', 'restoring')),
  since timestamptz NOT NULL DEFAULT pg_catalog.now()
);
CREATE TABLE IF NOT EXISTS ${indexes} (
  table_name text NOT NULL,
  index_name text NOT NULL,
  position integer GENERATED ALWAYS AS IDENTITY,
  definition jsonb NOT NULL,
  PRIMARY KEY (table_name, index_name)
)`);
      await lease.query('COMMIT');
    },
    async loads(lease) {
      if (!(await exists(lease))) return [];
      const { rows } = await lease.query<{ table: string; state: LoadState; since: Date }>(
        `SELECT table_name AS "table", state, since FROM ${loads} ORDER BY table_name`,
      );
      return rows;
    },
    async dropped(lease, table) {
      const { rows } = await lease.query<{ definition: IndexDefinition }>(
        `SELECT definition FROM ${indexes} WHERE table_name = $1 ORDER BY position`,
        [table],
      );
      return rows.map(({ definition }) => definition);
    },
    async begin(lease, table) {
      await lease.query(`INSERT INTO ${loads} (table_name, state) VALUES ($1, 'loading')`, [table]);
    },
    async restoring(lease, table) {
      await lease.query(`UPDATE ${loads} SET state = 'restoring' WHERE table_name = $1`, [table]);
    },
    async end(lease, table) {
      await lease.query(`DELETE FROM ${loads} WHERE table_name = $1`, [table]);
    },
    async keep(lease, table, index) {
      await lease.query(`INSERT INTO ${indexes} (table_name, index_name, definition) VALUES ($1, $2, $3)`, [
        table,
        index.name,
        JSON.stringify(index),
      ]);
    },
    async forget(lease, table, index) {
      await lease.query(`DELETE FROM ${indexes} WHERE table_name = $1 AND index_name = $2`, [table, index]);
    },
  };
}
