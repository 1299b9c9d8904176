/**
 * The merge: one statement that brings the table to the winners of a batch and counts what happened to them.
 *
 * What must stay true, whoever else writes the table at the same time:
 * - One row a key reaches the INSERT: the highest version, then (equal versions) the greater hash, then the last arrival.
 * - Keys go in byte order in every statement of ours, so that two merges meet in the same order and cannot deadlock.
 * - A row with a version yields only to a higher version, or to the same version with a greater hash (an arbitrary
 *   choice, but the same one everywhere). Without versions the last commit wins.
 * - An equal hash never rewrites the row's content, but still advances its version: else an older version arriving
 *   later would win. This counts as unchanged.
 * - What changes nothing is neither written nor locked: a replay leaves the rows' `xmin` and `xmax` alone.
 */
import type { TableSpec } from '@inator/runtime';
import { arrivalColumn, seqColumn, stagedColumns, updatedColumn } from '../table/columns.ts';
import { qualified, quoted } from '../table/names.ts';

export interface MergeRow {
  /** Keys in the batch; the other four add up to it, with the contested ones. */
  readonly keys: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly stale: number;
  /** Of those updated or stale: their version is the stored one's, their content is not. Contested keys are not looked at. */
  readonly tied: number;
  /** Keys and hashes that lost to a commit made after this statement began; what they met is asked separately. */
  readonly contested: readonly string[] | null;
  readonly contested_hashes: readonly string[] | null;
  /**
   * Of a partitioned table: keys written, and whether their content is another than the stored one's; created and updated
   * are 0, and these keys are in no count. Which rows are new is asked separately.
   */
  readonly written?: readonly string[] | null;
  readonly written_changed?: readonly boolean[] | null;
}

export interface MergeOptions {
  /** The ledger, where one is kept: the keys of the batch go into it in the same statement, whatever becomes of their rows. */
  readonly seen?: string | undefined;
  /** RETURNING cannot tell a new row from an updated one: of a partitioned table it has no system columns. */
  readonly partitioned?: boolean | undefined;
}

/** May the incoming row replace the stored one? Null, where a version is missing on a side, means no. */
function yields(stored: string, incoming: string, hash: string): string {
  const [was, is] = [`${stored}.${quoted(seqColumn)}`, `${incoming}.${quoted(seqColumn)}`];
  const [old, now] = [`${stored}.${hash}`, `${incoming}.${hash}`];
  return (
    `(${is} > ${was} OR (${was} IS NULL AND (${is} IS NOT NULL OR ${old} <> ${now}))` +
    ` OR (${is} = ${was} AND ${now} > ${old} COLLATE "C"))`
  );
}

/** `source` is a relation with the stage's columns, given without an alias. */
export function mergeSql(
  schema: string,
  table: TableSpec,
  source: string,
  { seen, partitioned = false }: MergeOptions = {},
): string {
  const target = qualified(schema, table.name);
  const key = quoted(table.key);
  const hash = quoted(table.hash);
  const seq = quoted(seqColumn);
  const staged = stagedColumns(table).map(({ name }) => quoted(name));
  const content = table.columns.map(({ name }) => quoted(name));
  // Columns of the judgement start with #, so that no column of a model is in the way.
  const changed = `j."#hash" IS DISTINCT FROM j.${hash}`;
  const keep = (column: string, value: string): string =>
    `${column} = CASE WHEN t.${hash} = excluded.${hash} THEN t.${column} ELSE ${value} END`;
  const told = `pg_catalog.count(*) FILTER (WHERE m.created)::int AS created,
  pg_catalog.count(*) FILTER (WHERE NOT m.created AND ${changed})::int AS updated,
  pg_catalog.count(*) FILTER (WHERE NOT ${changed} AND (NOT m.created OR NOT j."#write"))::int AS unchanged,`;
  const written = `0 AS created, 0 AS updated,
  pg_catalog.count(*) FILTER (WHERE NOT ${changed} AND NOT j."#write")::int AS unchanged,
  pg_catalog.array_agg(j.${key}::text) FILTER (WHERE m.key IS NOT NULL) AS written,
  pg_catalog.array_agg(${changed}) FILTER (WHERE m.key IS NOT NULL) AS written_changed,`;
  return `
WITH latest AS (
  SELECT DISTINCT ON (s.${key} COLLATE "C") ${staged.map((name) => `s.${name}`).join(', ')}
  FROM ${source} AS s (${[quoted(arrivalColumn(table)), ...staged].join(', ')})
  ORDER BY s.${key} COLLATE "C", s.${seq} DESC NULLS LAST,
    CASE WHEN s.${seq} IS NOT NULL THEN s.${hash} END COLLATE "C" DESC, s.${quoted(arrivalColumn(table))} DESC
), judged AS (
  SELECT l.*, o.${hash} AS "#hash", o.${seq} AS "#seq",
    o.${key} IS NULL OR coalesce(${yields('o', 'l', hash)}, false) AS "#write"
  FROM latest AS l LEFT JOIN ${target} AS o ON o.${key} = l.${key}
), merged AS (
  INSERT INTO ${target} AS t (${staged.join(', ')})
  SELECT ${staged.map((name) => `j.${name}`).join(', ')} FROM judged AS j WHERE j."#write"
  ORDER BY j.${key} COLLATE "C"
  ON CONFLICT (${key}) DO UPDATE SET ${seq} = excluded.${seq}, ${hash} = excluded.${hash},
    ${[...content.map((name) => keep(name, `excluded.${name}`)), keep(quoted(updatedColumn), 'pg_catalog.now()')].join(', ')}
  WHERE ${yields('t', 'excluded', hash)}
  RETURNING t.${key} AS key${partitioned ? '' : ', t.xmax = 0 AS created'}
)${seen === undefined ? '' : `, ledger AS (INSERT INTO ${seen} ("key") SELECT l.${key} FROM latest AS l)`}
SELECT pg_catalog.count(*)::int AS keys,
  ${partitioned ? written : told}
  pg_catalog.count(*) FILTER (WHERE NOT j."#write" AND ${changed})::int AS stale,
  pg_catalog.count(*) FILTER (WHERE j."#seq" = j.${seq} AND ${changed})::int AS tied,
  pg_catalog.array_agg(j.${key}::text) FILTER (WHERE m.key IS NULL AND j."#write") AS contested,
  pg_catalog.array_agg(j.${hash}::text) FILTER (WHERE m.key IS NULL AND j."#write") AS contested_hashes
FROM judged AS j LEFT JOIN merged AS m ON m.key = j.${key}`;
}

/** What contested rows met: they are locked by our transaction now, so the answer stays true until it commits. */
export function contestedSql(schema: string, table: TableSpec): string {
  return `
SELECT pg_catalog.count(*)::int AS found,
  pg_catalog.count(*) FILTER (WHERE t.${quoted(table.hash)} = c.hash)::int AS unchanged
FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) AS c (key, hash)
JOIN ${qualified(schema, table.name)} AS t ON t.${quoted(table.key)} = c.key`;
}

/**
 * Which of the rows that a merge has just written it made, and which it changed: a row that ON CONFLICT updated was locked
 * before, and carries its locker's mark. To be asked in the merge's own transaction, which alone sees these rows as it left
 * them.
 */
export function writtenSql(schema: string, table: TableSpec): string {
  return `
SELECT pg_catalog.count(*)::int AS found,
  pg_catalog.count(*) FILTER (WHERE t.xmax = 0)::int AS created,
  pg_catalog.count(*) FILTER (WHERE t.xmax <> 0 AND w.changed)::int AS updated
FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::boolean[])) AS w (key, changed)
JOIN ${qualified(schema, table.name)} AS t ON t.${quoted(table.key)} = w.key`;
}
