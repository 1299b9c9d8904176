/**
 * The stage: a temporary table that takes a batch as it comes, so that the merge sees it whole. It mirrors what the
 * table demands of a row by itself (types, NOT NULL, CHECK), so that COPY names the line that breaks it.
 */
import type { TableSpec } from '@inator/runtime';
import { stageName } from '../faults/classify.ts';
import type { CatalogCheck, CatalogTable } from '../table/catalog.ts';
import { arrivalColumn, stagedColumns } from '../table/columns.ts';
import { qualified, quoted } from '../table/names.ts';

export const stage = `pg_temp.${quoted(stageName)}`;

/**
 * Created and dropped inside one transaction: nothing to collide with, nothing left behind, and a transaction pooler
 * may hand every batch another session.
 */
export function createStageSql(table: TableSpec, found: CatalogTable, { demanding = true } = {}): string {
  const notNulls = new Set(demanding ? notNullsOf(table, found) : []);
  const columns = stagedColumns(table).map(({ name, type }) => {
    const real = found.columns.find((column) => column.name === name);
    return `${quoted(name)} ${real?.declared ?? type}${notNulls.has(name) ? ' NOT NULL' : ''}`;
  });
  const checks = (demanding ? checksOf(table, found) : []).map(
    ({ name, expression }) => `CONSTRAINT ${quoted(name)} CHECK (${expression})`,
  );
  const arrival = `${quoted(arrivalColumn(table))} integer`;
  return `CREATE TEMP TABLE ${quoted(stageName)} (${[arrival, ...columns, ...checks].join(', ')}) ON COMMIT DROP`;
}

/** Staged columns that must not be null. */
export function notNullsOf(table: TableSpec, found: CatalogTable): readonly string[] {
  return stagedColumns(table)
    .filter(({ name, notNull }) => notNull || found.columns.some((column) => column.name === name && column.notNull))
    .map(({ name }) => name);
}

/** CHECK constraints that staged columns alone decide. */
export function checksOf(table: TableSpec, found: CatalogTable): readonly CatalogCheck[] {
  const staged = new Set(stagedColumns(table).map(({ name }) => name));
  return found.checks.filter(({ columns }) => columns.length > 0 && columns.every((column) => staged.has(column)));
}

/** Straight into the table, without arrival numbers. */
export function straightSql(schema: string, table: TableSpec): string {
  const columns = stagedColumns(table).map(({ name }) => quoted(name));
  return `COPY ${qualified(schema, table.name)} (${columns.join(', ')}) FROM STDIN (FORMAT binary)`;
}

export function copySql(table: TableSpec): string {
  const columns = [arrivalColumn(table), ...stagedColumns(table).map(({ name }) => name)].map(quoted);
  return `COPY ${stage} (${columns.join(', ')}) FROM STDIN (FORMAT binary)`;
}
