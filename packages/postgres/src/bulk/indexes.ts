/** The indices of one table as the catalogue has them: which may be dropped for a load, and all that makes them again. */
import type { Lease } from '../pool/lease.ts';

/** Everything an index is, besides its rows. */
export interface IndexDefinition {
  readonly name: string;
  /** `CREATE INDEX …` in full: method, columns, operator classes, collations, INCLUDE, WITH, WHERE. */
  readonly definition: string;
  /** Null is the database's own; the definition does not say it. */
  readonly tablespace: string | null;
  readonly comment: string | null;
  /** The table is clustered on it. */
  readonly clustered: boolean;
  /** Statistics targets of its expressions, by column number from 1. */
  readonly statistics: Readonly<Record<string, number>>;
  /** Extensions that it goes with. */
  readonly extensions: readonly string[];
}

export interface FoundIndex extends IndexDefinition {
  readonly valid: boolean;
  /** Why it must stay; null when it may be dropped. */
  readonly kept: string | null;
}

/**
 * All indices of exactly this table, in the order they were made. To be read, and made again, under `searchPath`: names
 * in a definition are qualified unless the path finds them.
 */
export async function readIndexes(lease: Lease, oid: number): Promise<readonly FoundIndex[]> {
  const { rows } = await lease.query<{ index: FoundIndex }>(indexesSql, [oid]);
  return rows.map(({ index }) => index);
}

export const searchPath = 'pg_catalog, pg_temp';

const indexesSql = `
SELECT pg_catalog.json_build_object(
  'name', i.relname,
  'definition', pg_catalog.pg_get_indexdef(i.oid),
  'tablespace', s.spcname,
  'comment', pg_catalog.obj_description(i.oid, 'pg_class'),
  'clustered', x.indisclustered,
  'statistics', (
    SELECT coalesce(pg_catalog.json_object_agg(a.attnum, a.attstattarget), '{}')
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.oid AND a.attstattarget >= 0),
  'extensions', (
    SELECT coalesce(pg_catalog.json_agg(e.extname ORDER BY e.extname), '[]')
    FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.oid AND d.deptype = 'x'),
  'valid', x.indisvalid,
  'kept', CASE
    WHEN x.indisprimary THEN 'it is the primary key'
    WHEN x.indisunique THEN 'it is unique'
    WHEN x.indisexclusion THEN 'it belongs to an exclusion constraint'
    WHEN EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.oid) THEN 'it belongs to a constraint'
    WHEN x.indisreplident THEN 'it is the replica identity'
    WHEN i.relispartition THEN 'it belongs to an index of the partitioned table'
    WHEN NOT x.indisvalid THEN 'it is invalid'
  END) AS "index"
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = i.reltablespace
WHERE x.indrelid = $1
ORDER BY i.oid`;
