/** A table as a place where batches land. */
import {
  type Batch,
  type Counts,
  type Fault,
  noCounts,
  noPurge,
  type Outcome,
  type PurgeSettings,
  type Receipt,
  type Sink,
  SinkError,
  startClock,
  stored,
  type TableModel,
} from '@inator/runtime';
import { enterLoading, type Loading } from './bulk/loading.ts';
import { createBytesPool } from './encode/bytes.ts';
import { createRowEncoder } from './encode/rows.ts';
import { classify } from './faults/classify.ts';
import { createLedger, dropLedger } from './ledger/ledger.ts';
import type { Postgres } from './pool/pool.ts';
import { misconfigured } from './pool/settings.ts';
import { type CatalogTable, lockAndShapeSql, readTable } from './table/catalog.ts';
import { stagedColumns } from './table/columns.ts';
import { type Gin, ginMemory, withGin } from './table/gin.ts';
import { isAsWanted, prepareTable } from './table/prepare.ts';
import { type StraightWay, writeAnswered } from './write/answered.ts';
import { ask, askSql } from './write/ask.ts';
import { writeNothing } from './write/canary.ts';
import { isDemand, type Judging, judgingOf } from './write/judging.ts';
import { mergeSql } from './write/merge.ts';
import { writeMultirow } from './write/multirow.ts';
import type { TableSql, WritePath } from './write/path.ts';
import { writeByRow } from './write/row.ts';
import { copySql, createStageSql, stage, straightSql } from './write/stage.ts';
import { writeStaged } from './write/staged.ts';

/**
 * `copy`: binary COPY into a stage, and one merge. `straight`: new keys by COPY into the table itself, the others as `copy`.
 * `multirow`: one upsert of array parameters. `row`: one upsert a record.
 */
export const writePathNames = ['copy', 'straight', 'multirow', 'row'] as const;
export type WritePathName = (typeof writePathNames)[number];

export interface TableSinkOptions {
  /** Default `copy`. All paths store, count and refuse the same. */
  readonly writePath?: WritePathName | undefined;
  /** After a batch that the table mostly held, ask what it holds of the next before sending it. Default true. */
  readonly asks?: boolean | undefined;
  /** Keep a ledger of the keys seen, and what to do with what a complete extraction did not bring. Default: off. */
  readonly purge?: PurgeSettings | undefined;
  /** GIN indices of a table that is created. Default: as the model says. */
  readonly gin?: Gin | undefined;
  /** What is lawful but should be said: a table in use without its indices. */
  readonly warn?: ((sentence: string) => void) | undefined;
}

const paths: Readonly<Record<WritePathName, WritePath>> = {
  copy: writeStaged,
  straight: writeStaged,
  multirow: writeMultirow,
  row: writeByRow,
};

/** Batches that go through the stage after one that could not go straight: what stood in the way may stand there again. */
const waryBatches = 64;

/** Encoded batches kept for reuse; with more writers than this the others allocate theirs. */
const keptBuffers = 8;

/**
 * Writes the records of `model` into its table. Each write is one transaction on one connection of `postgres`, which
 * belongs to the caller: closing the sink does not close it.
 *
 * Of a record that only brings a newer version of the same content, the version is stored and it counts as unchanged.
 */
export function createTableSink<R>(postgres: Postgres, model: TableModel<R>, options: TableSinkOptions = {}): Sink<R> {
  const table = withGin(model.table, options.gin);
  const { schema } = postgres.settings;
  const writePath = options.writePath ?? 'copy';
  const write = paths[writePath];
  const encoder = createRowEncoder(model);
  const buffers = createBytesPool(keptBuffers);
  const purge = options.purge ?? noPurge;
  const ledger = purge.mode === 'off' ? undefined : createLedger(postgres, table, model.name, purge);
  let sql: TableSql | undefined;
  let loading: Loading | undefined;
  const asks = options.asks ?? true;
  const stages = writePath === 'copy' || writePath === 'straight';
  /** Of the next batch it is asked what the table holds: of the last, most would have gained by it. */
  let asking = writePath === 'straight';
  /** Batches until new keys may go straight into the table again. */
  let wary = 0;
  /** The table is no longer what it was when it was last looked at. */
  let altered = false;

  const sqlFor = (found: CatalogTable): TableSql => {
    const columns = [{ type: 'integer' as const }, ...stagedColumns(table)];
    const arrays = columns.map(({ type }, i) => `pg_catalog.unnest($${i + 1}::${type}[])`).join(', ');
    const values = columns.map(({ type }, i) => `$${i + 1}::${type}`).join(', ');
    const merging = { seen: ledger?.seen, partitioned: found.kind === 'p' };
    const begin = found.gin ? `${postgres.begin}; ${ginMemory}` : postgres.begin;
    return {
      schema,
      table,
      begin,
      stageAndCopy: [createStageSql(table, found), copySql(table)].join('; '),
      judging: stages ? judgingOf(table, found) : undefined,
      straight: writePath === 'straight' && found.plain ? straightSql(schema, table) : undefined,
      lockAndShape: lockAndShapeSql(schema, table.name),
      shape: found.shape,
      enterSeen: ledger && `INSERT INTO ${ledger.seen} ("key") SELECT pg_catalog.unnest($1::text[])`,
      mergeStage: mergeSql(schema, table, stage, merging),
      mergeArrays: mergeSql(schema, table, `ROWS FROM (${arrays})`, merging),
      mergeRow: mergeSql(schema, table, `(VALUES (${values}))`, merging),
      ask: askSql(schema, table, ledger?.seen),
    };
  };

  const wayOf = ({ straight }: TableSql): StraightWay | undefined => {
    if (straight === undefined || wary > 0) return undefined;
    const refused = (): void => {
      wary = waryBatches;
    };
    return { sql: straight, refused };
  };

  const writeOnce = async (
    batch: Batch<R>,
    current: TableSql,
    signal: AbortSignal,
    judging?: Judging,
  ): Promise<Receipt> => {
    const clock = startClock();
    const bytes = buffers.take();
    const outcomes = batch.records.map((): Outcome => stored);
    const refuse = (index: number, found: Fault): void => {
      outcomes[index] = { is: 'refused', fault: found, attempts: 1 };
    };
    let counts: Counts;
    try {
      counts = await postgres.lease(async (lease) => {
        clock.mark('acquire');
        const context = { lease, batch, sql: current, encoder, bytes, clock, judging, refuse };
        if (!asking) return write(context);
        const answer = await ask(context);
        if (!answer.sameShape && wary === 0) altered = true;
        clock.mark('read');
        return writeAnswered(context, answer, write, wayOf(current));
      }, signal);
    } catch (error) {
      throw classify(error);
    }
    wary = Math.max(0, wary - 1);
    const gained = counts.unchanged + (current.straight === undefined ? 0 : counts.created);
    asking = asks && gained * 2 > batch.records.length;
    buffers.giveBack(bytes);
    return { outcomes, counts, phases: clock.phases };
  };

  /** Undefined when it could not be opened as it is: bytes meant for one type would be taken by another. */
  const lookAgain = async (signal: AbortSignal): Promise<TableSql | undefined> => {
    const found = await postgres.lease((lease) => readTable(lease, schema, table.name), signal).catch(() => undefined);
    return found !== undefined && isAsWanted(found, schema, table) ? sqlFor(found) : undefined;
  };

  /** What stands may still be written to through the stage, so this is not done for every batch. */
  const afterAlteration = async (signal: AbortSignal): Promise<void> => {
    altered = false;
    wary = waryBatches;
    sql = (await lookAgain(signal)) ?? sql;
  };

  /**
   * The stage mirrors the table as it was when the sink opened. When the mirror refuses a record, it is compared with
   * the table as it is now: a constraint dropped meanwhile must not condemn anybody, and one added meanwhile shall name
   * who breaks it.
   */
  const mirrorChanged = async (error: unknown, signal: AbortSignal): Promise<TableSql | undefined> => {
    if (!(error instanceof SinkError) || error.is !== 'refused' || error.fault.proven) return undefined;
    if (!stages || (error.culprit === undefined && !isDemand(error))) return undefined;
    const fresh = await lookAgain(signal);
    return fresh?.stageAndCopy === sql?.stageAndCopy ? undefined : fresh;
  };

  /** A record broke what the table demands: all that do are found in one pass. Else the error stands. */
  const judge = async (batch: Batch<R>, current: TableSql, error: SinkError, signal: AbortSignal): Promise<Receipt> => {
    const { judging } = current;
    // By its words, so that a domain's own CHECK, which any stage repeats, is not taken for one of these.
    const isOurs = judging?.faults.some(({ reason }) => reason === error.fault.reason) === true;
    if (!isOurs || error.culprit === undefined || batch.records.length === 1) throw error;
    try {
      return await writeOnce(batch, current, signal, judging);
    } catch (thrown) {
      const again = classify(thrown);
      const says = again.culprit !== undefined || again.is === 'unavailable' || again.is === 'misconfigured';
      throw says ? again : error;
    }
  };

  return {
    async open(signal) {
      const warn = options.warn ?? (() => undefined);
      await loading?.release();
      try {
        loading = await enterLoading(postgres, table.name, warn, signal);
        // In a load the indices are missing on purpose, and an empty table shall not get them back.
        const wanted = loading.on ? { ...table, indexes: [] } : table;
        const found = await postgres.lease(async (lease) => {
          const prepared = await prepareTable(lease, postgres, wanted, { needsTemp: stages, warn });
          await (ledger === undefined ? dropLedger(lease, postgres, table) : ledger.prepare(lease));
          return prepared;
        }, signal);
        sql = sqlFor(found);
      } catch (error) {
        throw classify(error);
      }
    },

    async write(batch, signal) {
      if (altered) await afterAlteration(signal);
      if (sql === undefined) throw misconfigured(`the sink of table "${table.name}" was written to before it was open`);
      if (batch.records.length === 0) return { outcomes: [], counts: noCounts, phases: {} };
      try {
        return await writeOnce(batch, sql, signal);
      } catch (error) {
        const fresh = await mirrorChanged(error, signal);
        if (fresh === undefined) return judge(batch, sql, classify(error), signal);
        sql = fresh;
        return writeOnce(batch, fresh, signal).catch((again) => judge(batch, fresh, classify(again), signal));
      }
    },

    /** Without a ledger nothing is to be done: everything before the signal is durable, the lane waited for the commits. */
    async mark(signal, _model, context) {
      return signal.is === 'extraction_complete' ? ledger?.complete(signal, context) : undefined;
    },

    ...(ledger === undefined ? {} : { condemn: (abort: AbortSignal) => ledger.condemn(abort) }),

    async check(signal) {
      await postgres.check(signal);
      // Before it was open, nothing is known of the table.
      const current = sql;
      if (current === undefined) return;
      try {
        await postgres.lease((lease) => writeNothing(lease, current, stages), signal);
      } catch (error) {
        throw classify(error);
      }
    },

    async close() {
      sql = undefined;
      await loading?.release();
      loading = undefined;
    },
  };
}
