/** What the three write paths share: what they are given, what they return, and how a merge's counts are settled. */
import {
  type Batch,
  type Clock,
  type Counts,
  type Fault,
  failpoint,
  failpointsArmed,
  fault,
  SinkError,
  type Stage,
  type TableSpec,
} from '@inator/runtime';
import type { Bytes } from '../encode/bytes.ts';
import type { RowEncoder } from '../encode/rows.ts';
import type { Lease } from '../pool/lease.ts';
import type { Judging } from './judging.ts';
import { contestedSql, type MergeRow, writtenSql } from './merge.ts';

/** All SQL of a table, made once when the sink opens. */
export interface TableSql {
  readonly schema: string;
  readonly table: TableSpec;
  readonly begin: string;
  /** Stage and COPY into it, in one message. */
  readonly stageAndCopy: string;
  /** For a batch in which more than one may break what the table demands of a row. */
  readonly judging: Judging | undefined;
  /** COPY into the table itself; undefined where COPY would bypass what INSERT obeys. */
  readonly straight: string | undefined;
  /** What a transaction that asks begins with, and what it must answer for `straight`. */
  readonly lockAndShape: string;
  readonly shape: string;
  /** Enters keys, an array parameter, into the ledger; undefined where none is kept. */
  readonly enterSeen: string | undefined;
  readonly mergeStage: string;
  /** The same merge over array parameters, and over the parameters of one row. */
  readonly mergeArrays: string;
  readonly mergeRow: string;
  /** What the table holds of the keys in array parameters. */
  readonly ask: string;
}

export interface WriteContext<R> {
  readonly lease: Lease;
  readonly batch: Batch<R>;
  readonly sql: TableSql;
  readonly encoder: RowEncoder<R>;
  readonly bytes: Bytes;
  readonly clock: Clock;
  /** The transaction has begun. */
  readonly begun?: boolean;
  /** Given when the batch was refused for breaking a demand of the table: whoever else does is to be found at once. */
  readonly judging?: Judging | undefined;
  /** Leaves the record at `index` unwritten. */
  refuse(index: number, fault: Fault): void;
}

/** Writes a batch in one transaction and returns after the commit was acknowledged. */
export type WritePath = <R>(context: WriteContext<R>) => Promise<Counts>;

/**
 * The counts of one merge, with the contested keys settled, and checked: before the commit is the last moment at which a
 * row that the table did not take can still be noticed.
 */
export async function countsOf(
  { lease, sql }: Pick<WriteContext<unknown>, 'lease' | 'sql'>,
  row: MergeRow | undefined,
  records: number,
): Promise<Counts> {
  if (row === undefined) throw defect('the merge returned no row');
  let { created, updated, unchanged, stale } = row;
  if (row.written != null) {
    const { rows } = await lease.query<{ found: number; created: number; updated: number }>(
      writtenSql(sql.schema, sql.table),
      [row.written, row.written_changed],
    );
    const met = rows[0] ?? { found: 0, created: 0, updated: 0 };
    if (met.found !== row.written.length) throw swallowed(sql.table, 'merge', row.written.length - met.found, records);
    created += met.created;
    updated += met.updated;
    unchanged += met.found - met.created - met.updated;
  }
  if (row.contested !== null) {
    const { rows } = await lease.query<{ found: number; unchanged: number }>(contestedSql(sql.schema, sql.table), [
      row.contested,
      row.contested_hashes,
    ]);
    const met = rows[0] ?? { found: 0, unchanged: 0 };
    if (met.found !== row.contested.length) {
      throw swallowed(sql.table, 'merge', row.contested.length - met.found, records);
    }
    unchanged += met.unchanged;
    stale += met.found - met.unchanged;
  }
  const { keys, tied } = row;
  if (created + updated + unchanged + stale !== keys) {
    throw defect(`the merge counts ${created} + ${updated} + ${unchanged} + ${stale} for ${keys} keys`);
  }
  return { created, updated, unchanged, stale, collapsed: records - keys, ...(tied > 0 ? { tied } : {}) };
}

/** The table took records that are not in it. */
export function swallowed({ name }: TableSpec, stage: Stage, lost: number, records: number): SinkError {
  const reason = `table "${name}" took ${lost} of ${records} records without storing them: a trigger or rule`;
  return new SinkError('misconfigured', fault('store-misconfigured', stage, reason));
}

/** COMMIT, and the certainty that it was one: a transaction that failed earlier answers COMMIT with ROLLBACK. */
export async function commit({ lease, clock }: Pick<WriteContext<unknown>, 'lease' | 'clock'>): Promise<void> {
  if (failpointsArmed) await failpoint('before-commit');
  const committing = lease.query('COMMIT');
  if (failpointsArmed) {
    committing.catch(() => undefined);
    await failpoint('commit-sent');
  }
  const { command } = await committing;
  if (command !== 'COMMIT') throw defect(`COMMIT was answered with ${command}`);
  clock.mark('commit');
  if (failpointsArmed) await failpoint('after-commit');
}

function defect(reason: string): SinkError {
  return new SinkError('suspect', fault('defect', 'merge', reason));
}
