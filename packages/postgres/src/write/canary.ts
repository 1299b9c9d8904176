/** A write of nothing: what a server that answers, but takes no writes, refuses like a batch. */
import type { Lease } from '../pool/lease.ts';
import { stagedColumns } from '../table/columns.ts';
import type { TableSql } from './path.ts';

/**
 * Runs the merge on no rows, which needs the table, its columns with their types, and the rights that a batch needs; and
 * where temporary tables are made (`stages`), writes a row into one, which needs room on the disk. Leaves nothing behind.
 * Goes through the table's locks, so a table that is locked fails it after the lock timeout.
 */
export async function writeNothing(lease: Lease, sql: TableSql, stages: boolean): Promise<void> {
  const room = stages ? '; CREATE TEMP TABLE "inator_canary" ON COMMIT DROP AS SELECT 1 AS written' : '';
  await lease.query(sql.begin + room);
  // The arrival number comes before the columns.
  const nothing = ['{}', ...stagedColumns(sql.table).map(() => '{}')];
  await lease.query(sql.mergeArrays, nothing);
  await lease.query('COMMIT');
}
