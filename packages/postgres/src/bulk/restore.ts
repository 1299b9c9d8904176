/** Makes one dropped index again, exactly: inside the caller's transaction, under the search path it was read with. */
import type { Lease } from '../pool/lease.ts';
import { qualified, quoted } from '../table/names.ts';
import { type IndexDefinition, readIndexes } from './indexes.ts';
import { BulkLoadRefused } from './refused.ts';

/** `repaired`: an invalid index of that name, left by a build that failed, was in its place. */
export type Restored = 'restored' | 'repaired';

/** Throws when something else stands in its place, or when what was made is not what was dropped. */
export async function restoreIndex(
  lease: Lease,
  schema: string,
  table: string,
  index: IndexDefinition,
): Promise<Restored> {
  const target = qualified(schema, table);
  const { rows } = await lease.query<{ oid: string; there: boolean }>(
    `SELECT c.oid, EXISTS (
       SELECT FROM pg_catalog.pg_class i WHERE i.relnamespace = c.relnamespace AND i.relname = $3) AS there
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = $2`,
    [schema, table, index.name],
  );
  const [found] = rows;
  if (found === undefined) throw new BulkLoadRefused(table, `it is gone, and index ${quoted(index.name)} with it`);
  const oid = Number(found.oid);
  const present = (await readIndexes(lease, oid)).find(({ name }) => name === index.name);
  if (present === undefined && found.there) {
    throw new BulkLoadRefused(table, `something else is called ${qualified(schema, index.name)}: rename it`);
  }
  if (present?.valid === true) {
    if (differences(present, index).length === 0) return 'restored';
    throw new BulkLoadRefused(table, `another index is called ${quoted(index.name)}: drop or rename it`);
  }
  const name = qualified(schema, index.name);
  if (present !== undefined) await lease.query(`DROP INDEX ${name}`);
  // Empty is the database's own, whatever the role's default.
  await lease.query(`SET LOCAL default_tablespace = ${index.tablespace === null ? "''" : quoted(index.tablespace)}`);
  await lease.query(index.definition);
  if (index.comment !== null) {
    const { rows: text } = await lease.query<{ literal: string }>('SELECT pg_catalog.quote_literal($1) AS literal', [
      index.comment,
    ]);
    await lease.query(`COMMENT ON INDEX ${name} IS ${text[0]?.literal}`);
  }
  for (const [column, target_] of Object.entries(index.statistics)) {
    await lease.query(`ALTER INDEX ${name} ALTER COLUMN ${Number(column)} SET STATISTICS ${Number(target_)}`);
  }
  for (const extension of index.extensions) {
    await lease.query(`ALTER INDEX ${name} DEPENDS ON EXTENSION ${quoted(extension)}`);
  }
  if (index.clustered) await lease.query(`ALTER TABLE ${target} CLUSTER ON ${quoted(index.name)}`);
  const made = (await readIndexes(lease, oid)).find((each) => each.name === index.name);
  const wrong = made === undefined ? ['name'] : differences(made, index);
  if (wrong.length > 0)
    throw new BulkLoadRefused(table, `index ${name} was made with another ${wrong.join(', ')}; it was taken back`);
  return present === undefined ? 'restored' : 'repaired';
}

function differences(a: IndexDefinition, b: IndexDefinition): readonly string[] {
  const of = (which: keyof IndexDefinition, index: IndexDefinition): string => {
    const value = index[which];
    return JSON.stringify(typeof value === 'object' && value !== null ? Object.entries(value).sort() : value);
  };
  const parts = ['definition', 'tablespace', 'comment', 'clustered', 'statistics', 'extensions'] as const;
  return parts.filter((part) => of(part, a) !== of(part, b));
}
