/** What the catalogue says about a table: read with plain SELECTs, so that the least privileged role can. */
import pg from 'pg';
import type { Lease } from '../pool/lease.ts';
import { qualified } from './names.ts';

export interface CatalogColumn {
  readonly name: string;
  /** As declared: `character varying(64)`. */
  readonly declared: string;
  /** Of a domain, its base type; without length: `character varying`. */
  readonly base: string;
  readonly notNull: boolean;
  /** The table fills it when an INSERT does not. */
  readonly filled: boolean;
  /** Filled from a sequence of its own. */
  readonly identity: boolean;
}

export interface CatalogCheck {
  readonly name: string;
  readonly expression: string;
  readonly columns: readonly string[];
}

export interface CatalogTable {
  readonly oid: number;
  /** `r` table, `p` partitioned table; others (views) take no merge. */
  readonly kind: string;
  readonly columns: readonly CatalogColumn[];
  readonly checks: readonly CatalogCheck[];
  readonly indexNames: readonly string[];
  /** Some index is a GIN index: it takes new rows through a pending list. */
  readonly gin: boolean;
  /** No rules, triggers of users or row security in force: what COPY writes is what INSERT would have written. */
  readonly plain: boolean;
  /** Changes whenever its columns do, or their types, or `plain` may have. */
  readonly shape: string;
  /** Columns that alone have a valid, immediate, unconditional unique index. */
  readonly uniqueColumns: readonly string[];
  /** Privileges that are missing, of those that writing needs. */
  readonly missing: readonly string[];
  /** The role may create indices on it. */
  readonly owned: boolean;
}

export async function readTable(lease: Lease, schema: string, name: string): Promise<CatalogTable | undefined> {
  const found = await lease.query<{ table: CatalogTable }>(tableSql, [schema, name]);
  return found.rows[0]?.table;
}

/** For `c`, the table's row in `pg_class`. */
const shape = `(
  SELECT pg_catalog.concat_ws(' ', c.oid, c.relkind, c.relhasrules, c.relhastriggers, c.relrowsecurity,
    pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.attname, a.atttypid, a.atttypmod), ',' ORDER BY a.attnum))
  FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)`;

/** Locks the table as an INSERT does and tells its shape, which then stays until the transaction ends. */
export function lockAndShapeSql(schema: string, name: string): string {
  const target = qualified(schema, name);
  return `LOCK TABLE ONLY ${target} IN ROW EXCLUSIVE MODE;
SELECT ${shape} AS shape FROM pg_catalog.pg_class c WHERE c.oid = ${pg.escapeLiteral(target)}::pg_catalog.regclass`;
}

const tableSql = `
SELECT pg_catalog.json_build_object(
  'oid', c.oid::bigint,
  'kind', c.relkind,
  'columns', (
    SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', a.attname,
      'declared', pg_catalog.format_type(a.atttypid, a.atttypmod),
      'base', pg_catalog.format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL),
      'notNull', a.attnotnull,
      'filled', a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '' OR t.typdefault IS NOT NULL,
      'identity', a.attidentity <> '') ORDER BY a.attnum), '[]')
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  'checks', (
    SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', k.conname,
      'expression', pg_catalog.pg_get_expr(k.conbin, k.conrelid),
      'columns', (
        SELECT coalesce(pg_catalog.json_agg(coalesce(a.attname, '')), '[]')
        FROM pg_catalog.unnest(k.conkey) AS number
        LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = number)) ORDER BY k.conname), '[]')
    FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c'
      -- NOT ENFORCED, from PostgreSQL 18 on; before, there is no such column.
      AND coalesce((pg_catalog.to_jsonb(k) ->> 'conenforced')::boolean, true)),
  'indexNames', (
    SELECT coalesce(pg_catalog.json_agg(i.relname ORDER BY i.relname), '[]')
    FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid),
  'gin', EXISTS (
    SELECT FROM pg_catalog.pg_index x
    JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid JOIN pg_catalog.pg_am m ON m.oid = i.relam
    WHERE x.indrelid = c.oid AND m.amname = 'gin'),
  'plain', NOT c.relhasrules AND NOT pg_catalog.row_security_active(c.oid) AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal),
  'shape', ${shape},
  'uniqueColumns', (
    SELECT coalesce(pg_catalog.json_agg(a.attname), '[]')
    FROM pg_catalog.pg_index x
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
    WHERE x.indrelid = c.oid AND x.indisunique AND x.indisvalid AND x.indimmediate AND x.indnkeyatts = 1
      AND x.indpred IS NULL AND x.indexprs IS NULL),
  'missing', (
    SELECT coalesce(pg_catalog.json_agg(p), '[]')
    FROM pg_catalog.unnest(ARRAY['INSERT', 'UPDATE', 'SELECT']) AS p
    WHERE NOT pg_catalog.has_table_privilege(c.oid, p)),
  'owned', pg_catalog.pg_has_role(c.relowner, 'USAGE')
) AS "table"
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2`;
