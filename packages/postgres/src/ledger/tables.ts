/**
 * The tables of the ledger. All are logged: an unlogged one is emptied by a crash of the server. (A purge would then be
 * skipped, because fewer keys were seen than declared; but hours of bookkeeping would be gone for a restart.)
 */
import type { TableSpec } from '@inator/runtime';
import type { Lease } from '../pool/lease.ts';
import type { Postgres } from '../pool/pool.ts';
import { misconfigured } from '../pool/settings.ts';
import { qualified, quoted } from '../table/names.ts';

/** Qualified names. */
export interface LedgerTables {
  /** The keys of the run under way, appended by every batch in its own transaction; a key may stand several times. */
  readonly seen: string;
  /** The keys that a purge under way still has to delete. */
  readonly vanished: string;
  /** One row a type: what else is known of the run under way. */
  readonly runs: string;
  /** One row an extraction: for operators, and the memory that makes a repeated signal harmless. */
  readonly extractions: string;
}

export function ledgerTables(schema: string, table: TableSpec): LedgerTables {
  return {
    seen: qualified(schema, `inator_seen_${table.name}`),
    vanished: qualified(schema, `inator_vanished_${table.name}`),
    runs: qualified(schema, 'inator_runs'),
    extractions: qualified(schema, 'inator_extractions'),
  };
}

/**
 * Creates what is missing, under the lock that creating tables has. `seen` has no index on purpose: appending takes no
 * lock that another replica could wait for, and the one question asked of it, at the end of a run, reads all of it.
 */
export async function prepareLedger(
  lease: Lease,
  postgres: Postgres,
  schema: string,
  table: TableSpec,
  deletes: boolean,
): Promise<void> {
  const names = ledgerTables(schema, table);
  const all = Object.values(names);
  const present = await lease.query<{ missing: boolean }>(
    'SELECT bool_or(pg_catalog.to_regclass(t) IS NULL) AS missing FROM pg_catalog.unnest($1::text[]) AS t',
    [all],
  );
  if (present.rows[0]?.missing !== false) {
    await lease.query(postgres.begin);
    await lease.query('SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1, 0))', [
      `inator ${schema}`,
    ]);
    await lease.query(creation(names));
    await lease.query('COMMIT');
  }
  const { lacking } = await ledgerRights(lease, schema, table, deletes);
  const missing = lacking.flatMap((on) => on.rights.map((right) => `${right} ON ${on.table}`));
  if (missing.length > 0) throw misconfigured(`the role lacks rights for the purge: GRANT ${missing.join(', ')} TO it`);
}

/** What stands between a role and the bookkeeping of a purge. */
export interface LedgerRights {
  /** Qualified names of the ledger's tables that are not there: whoever opens a sink must be able to create them. */
  readonly absent: readonly string[];
  /** Rights that the role lacks on the tables that are there, the table of the records among them. */
  readonly lacking: readonly { readonly table: string; readonly rights: readonly string[] }[];
}

/** Asks the catalogue, and changes nothing. `deletes`: whether vanished records go, or are only counted. */
export async function ledgerRights(
  on: Pick<Lease, 'query'>,
  schema: string,
  table: TableSpec,
  deletes: boolean,
): Promise<LedgerRights> {
  const names = ledgerTables(schema, table);
  const target = qualified(schema, table.name);
  const { rows } = await on.query<{ table: string; absent: boolean; rights: string[] | null }>(
    `SELECT t AS "table", pg_catalog.to_regclass(t) IS NULL AS "absent",
            pg_catalog.array_agg(p) FILTER (WHERE NOT pg_catalog.has_table_privilege(pg_catalog.to_regclass(t), p)) AS "rights"
     FROM (VALUES ($1, 'INSERT'), ($1, 'SELECT'), ($1, 'TRUNCATE'), ($2, 'INSERT'), ($2, 'SELECT'), ($2, 'DELETE'),
                  ($2, 'TRUNCATE'), ($3, 'INSERT'), ($3, 'SELECT'), ($3, 'UPDATE'), ($3, 'DELETE'), ($4, 'INSERT'),
                  ($4, 'SELECT'), ($4, 'UPDATE'), ($5, 'SELECT'), ($5, $6)) AS wanted (t, p)
     GROUP BY t ORDER BY t`,
    [names.seen, names.vanished, names.runs, names.extractions, target, deletes ? 'DELETE' : 'SELECT'],
  );
  return {
    absent: rows.filter((row) => row.absent && row.table !== target).map((row) => row.table),
    lacking: rows.flatMap(({ table: name, rights }) => (rights ? [{ table: name, rights: [...new Set(rights)] }] : [])),
  };
}

function creation({ seen, vanished, runs, extractions }: LedgerTables): string {
  const key = quoted('key');
  return `
CREATE TABLE IF NOT EXISTS ${seen} (${key} varchar NOT NULL);
CREATE TABLE IF NOT EXISTS ${vanished} (${key} varchar PRIMARY KEY);
CREATE TABLE IF NOT EXISTS ${runs} (
  type text PRIMARY KEY,
  dead_lettered bigint NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS ${extractions} (
  type text NOT NULL,
  version text NOT NULL,
  started_at timestamptz NOT NULL,
  state text NOT NULL CHECK (state IN ('purging', 'purged', 'reported', 'skipped')),
  why text,
  reason text,
  declared bigint,
  seen bigint NOT NULL,
  stored bigint NOT NULL,
  vanished bigint NOT NULL,
  purged bigint NOT NULL DEFAULT 0,
  closed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  finished_at timestamptz,
  PRIMARY KEY (type, version, started_at)
)`;
}
