/**
 * Makes sure that the table is there and can be written: creates what is missing, and where something stands in the way
 * says in one sentence what and how to mend it.
 */
import type { IndexSpec, TableSpec } from '@inator/runtime';
import type { Lease } from '../pool/lease.ts';
import type { Postgres } from '../pool/pool.ts';
import { misconfigured } from '../pool/settings.ts';
import { type CatalogTable, readTable } from './catalog.ts';
import { createdColumn, stagedColumns, updatedColumn } from './columns.ts';
import { complaintOf, encodingComplaint, sentenceOf } from './complaint.ts';
import { ginStorage } from './gin.ts';
import { qualified, quoted } from './names.ts';

export interface PrepareOptions {
  /** The COPY path stages in a temporary table. */
  readonly needsTemp: boolean;
  readonly warn: (sentence: string) => void;
}

/**
 * Runs in one transaction of its own. A table that exists is never altered, because whoever made it otherwise had a
 * reason. Missing indices are created while the table is empty; later that would lock a live table for minutes, and
 * their absence may be an initial load on purpose.
 */
export async function prepareTable(
  lease: Lease,
  postgres: Postgres,
  table: TableSpec,
  options: PrepareOptions,
): Promise<CatalogTable> {
  const { schema } = postgres.settings;
  await verifyEncoding(lease);
  await lease.query(postgres.begin);
  let found = await readTable(lease, schema, table.name);
  if (found === undefined || lacking(found, table).length > 0) {
    found = await underLock(lease, schema, table, found, options);
  }
  await lease.query('COMMIT');
  verify(found, schema, table);
  await verifyAccess(lease, schema, options);
  return found;
}

/** One lock a schema: replicas that start together take turns, and creating the schema itself is covered. */
async function underLock(
  lease: Lease,
  schema: string,
  table: TableSpec,
  before: CatalogTable | undefined,
  { warn }: PrepareOptions,
): Promise<CatalogTable> {
  if (before !== undefined) {
    const names = lacking(before, table).map(({ name }) => name);
    const target = qualified(schema, table.name);
    const { rows } = await lease.query<{ filled: boolean }>(`SELECT EXISTS (SELECT FROM ${target}) AS filled`);
    if (rows[0]?.filled !== false || !before.owned) {
      warn(`table ${target} lacks the indices ${names.join(', ')}; they are not created on a table in use`);
      return before;
    }
  }
  await lease.query('SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1, 0))', [
    `inator ${schema}`,
  ]);
  const current = await readTable(lease, schema, table.name);
  const statements = current === undefined ? await creation(lease, schema, table) : [];
  const indices = current === undefined ? table.indexes : lacking(current, table);
  await lease.query([...statements, ...indices.map((index) => indexSql(schema, table, index)), 'SELECT 1'].join(';\n'));
  const created = await readTable(lease, schema, table.name);
  if (created === undefined)
    throw misconfigured(`table ${qualified(schema, table.name)} vanished while it was created`);
  return created;
}

function lacking(found: CatalogTable, table: TableSpec): readonly IndexSpec[] {
  return table.indexes.filter(({ name }) => !found.indexNames.includes(name));
}

async function creation(lease: Lease, schema: string, table: TableSpec): Promise<readonly string[]> {
  // IF NOT EXISTS alone would ask for the right to create schemas even when there is nothing to create.
  const { rowCount } = await lease.query('SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1', [schema]);
  return [...(rowCount === 0 ? [`CREATE SCHEMA ${quoted(schema)}`] : []), tableSql(schema, table)];
}

export function tableSql(schema: string, table: TableSpec): string {
  const [key, hash, seq, ...content] = stagedColumns(table).map(
    ({ name, type, notNull }) => `  ${quoted(name)} ${type}${notNull ? ' NOT NULL' : ''}`,
  );
  const columns = [key, hash, ...content, seq];
  return `CREATE TABLE ${qualified(schema, table.name)} (
${columns.join(',\n')},
  ${quoted(createdColumn)} timestamptz NOT NULL DEFAULT pg_catalog.now(),
  ${quoted(updatedColumn)} timestamptz NOT NULL DEFAULT pg_catalog.now(),
  CONSTRAINT ${quoted(`${table.name}_pkey`)} PRIMARY KEY (${quoted(table.key)})
)`;
}

export function indexSql(schema: string, table: TableSpec, index: IndexSpec): string {
  const operatorClass = index.operatorClass === undefined ? '' : ` ${quoted(index.operatorClass)}`;
  const columns = index.columns.map((column) => quoted(column) + operatorClass).join(', ');
  const method = index.method ?? 'btree';
  const storage = method === 'gin' ? ginStorage : '';
  return `CREATE INDEX ${quoted(index.name)} ON ${qualified(schema, table.name)} USING ${method} (${columns})${storage}`;
}

/** Whether the table, as the catalogue now tells of it, could be opened. */
export function isAsWanted(found: CatalogTable, schema: string, table: TableSpec): boolean {
  return complaintOf(found, schema, table) === undefined;
}

/** Throws `SinkError` `misconfigured`, which says what is wrong and what would mend it. */
function verify(found: CatalogTable, schema: string, table: TableSpec): void {
  const complaint = complaintOf(found, schema, table);
  if (complaint !== undefined) throw misconfigured(sentenceOf(complaint));
}

/** Before anything is created: a table in a database that cannot hold the records would be in nobody's way but the operator's. */
async function verifyEncoding(lease: Lease): Promise<void> {
  const { rows } = await lease.query<{ database: string; encoding: string }>(
    "SELECT current_database() AS database, pg_catalog.current_setting('server_encoding') AS encoding",
  );
  const complaint = encodingComplaint(rows[0]?.database ?? '', rows[0]?.encoding ?? 'unknown');
  if (complaint !== undefined) throw misconfigured(sentenceOf(complaint));
}

async function verifyAccess(lease: Lease, schema: string, { needsTemp }: PrepareOptions): Promise<void> {
  const { rows } = await lease.query<{ usage: boolean; temp: boolean; database: string }>(
    `SELECT pg_catalog.has_schema_privilege($1, 'USAGE') AS usage, current_database() AS database,
            pg_catalog.has_database_privilege(current_database(), 'TEMP') AS temp`,
    [schema],
  );
  const row = rows[0];
  if (row?.usage !== true) throw misconfigured(`the role lacks a right: GRANT USAGE ON SCHEMA ${quoted(schema)} TO it`);
  if (needsTemp && !row.temp) {
    throw misconfigured(
      `the role lacks a right: GRANT TEMPORARY ON DATABASE ${quoted(row.database)} TO it; without it only the write ` +
        'paths multirow and row work',
    );
  }
}
