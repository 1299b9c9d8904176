/**
 * The ledger of one table: which keys the run under way brought, and the purge of what a completed run did not bring.
 *
 *     run under way ── extraction_complete ──▶ closed ──▶ purging, chunk by chunk ──▶ purged
 *                                                └──▶ reported · skipped
 *
 * Each arrow is one transaction, so a crash leaves one of these states, and the signal, delivered again, goes on there.
 * What must stay true: a key is in the ledger when its record is committed, and not sooner; nothing is deleted that the
 * ledger has; an extraction is closed once.
 */
import {
  type Closing,
  completeRun,
  type Extraction,
  failpoint,
  failpointsArmed,
  type MarkContext,
  MarkInterrupted,
  noPurge,
  type PurgeSettings,
  type RunLedger,
  type RunSteps,
  skipReasons,
  type TableSpec,
} from '@inator/runtime';
import { classify } from '../faults/classify.ts';
import type { Lease } from '../pool/lease.ts';
import type { LeaseOptions, Postgres } from '../pool/pool.ts';
import {
  abandon,
  closeRun,
  finishExtraction,
  forgetRunSql,
  isSuperseded,
  type Known,
  type LedgerParts,
  purgeChunk,
  readExtraction,
  readRun,
  readUnfinished,
  remember,
} from './extractions.ts';
import { ledgerTables, prepareLedger } from './tables.ts';

export interface Ledger extends RunLedger {
  /** Relation that merges append the keys of their batch to. */
  readonly seen: string;
  /** Creates the ledger's tables and checks the rights on them. */
  prepare(lease: Lease): Promise<void>;
}

/** Rows of one deletion: a few milliseconds each, so that writers of other replicas hardly notice. */
const chunkRows = 500;
/** Counting and comparing the keys of 20 million records took well under this; the broker's patience is twice it. */
const slow: LeaseOptions = { statementTimeoutMs: 900_000 };

/** `type` is what the producer calls the records in its counts. */
export function createLedger(postgres: Postgres, table: TableSpec, type: string, settings: PurgeSettings): Ledger {
  const { schema } = postgres.settings;
  const tables = ledgerTables(schema, table);
  const parts: LedgerParts = { schema, table, tables, settings };

  const transact = async <T>(
    work: (lease: Lease) => Promise<T>,
    abort: AbortSignal,
    options: LeaseOptions = {},
  ): Promise<T> => {
    const { statementTimeoutMs } = options;
    const begin = [
      postgres.begin,
      ...(statementTimeoutMs === undefined ? [] : [`SET LOCAL statement_timeout = ${statementTimeoutMs}`]),
    ].join('; ');
    const inside = async (lease: Lease): Promise<T> => {
      await lease.query(begin);
      const result = await work(lease);
      await lease.query('COMMIT');
      return result;
    };
    try {
      return await postgres.lease(inside, abort, options);
    } catch (error) {
      throw classify(error);
    }
  };

  /** Deletes chunk by chunk until nothing is left. */
  const purge = async ({ extraction, closing }: Known, { abort, draining }: MarkContext): Promise<Closing> => {
    let { purged } = closing;
    for (;;) {
      if (failpointsArmed) await failpoint('purge-chunk');
      try {
        const { keys, deleted } = await transact((lease) => purgeChunk(lease, parts, extraction, chunkRows), abort);
        purged += deleted;
        if (keys < chunkRows) break;
      } catch (error) {
        // A foreign key, a trigger or a missing right: trying again would block the lane for ever.
        const refusal = classify(error);
        if (refusal.is !== 'refused' && !/^(23|42|P0)/.test(refusal.fault.native ?? '')) throw refusal;
        const reason = `${skipReasons['store-refused']}: ${refusal.fault.reason}`;
        await transact((lease) => finishExtraction(lease, parts, extraction, reason), abort);
        return { ...closing, is: 'skipped', why: 'store-refused', reason, purged, repeated: false };
      }
      if (draining.aborted) throw new MarkInterrupted();
    }
    await transact((lease) => finishExtraction(lease, parts, extraction), abort);
    return { ...closing, purged, repeated: false };
  };

  const close = (extraction: Extraction, declared: number | undefined, abort: AbortSignal): Promise<Known> =>
    transact(
      async (lease) => {
        // Two replicas may hold the same signal for a moment, when one has lost its session and does not know yet.
        await lease.query('SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1, 0))', [
          `inator extraction ${schema} ${table.name}`,
        ]);
        const known = await readExtraction(lease, parts, extraction);
        if (known !== undefined) return known;
        const closing = await closeRun(lease, parts, extraction, declared);
        return { extraction, purging: closing.is === 'purged' && closing.vanished > 0, closing };
      },
      abort,
      slow,
    );

  const steps: RunSteps<Known> = {
    abandon: (abort) => transact((lease) => abandon(lease, parts), abort),
    unfinished: (abort) => transact((lease) => readUnfinished(lease, parts), abort),
    find: (extraction, abort) => transact((lease) => readExtraction(lease, parts, extraction), abort),
    isSuperseded: (extraction, abort) => transact((lease) => isSuperseded(lease, parts, extraction), abort),
    noteOlder: (extraction, closing, abort) =>
      transact((lease) => remember(lease, parts, extraction, { ...closing, state: 'skipped' }), abort),
    async startOver(abort) {
      await transact((lease) => lease.query(forgetRunSql(parts)), abort);
    },
    readRun: (abort) => transact((lease) => readRun(lease, parts), abort, slow),
    closeRun: close,
    goOn: (known, context) => (known.purging ? purge(known, context) : Promise.resolve(known.closing)),
  };

  return {
    seen: tables.seen,

    prepare: (lease) => prepareLedger(lease, postgres, schema, table, settings.mode === 'purge'),

    async condemn(abort) {
      const text = `INSERT INTO ${tables.runs} AS r (type, dead_lettered) VALUES ($1, 1)
        ON CONFLICT (type) DO UPDATE SET dead_lettered = r.dead_lettered + 1`;
      await transact((lease) => lease.query(text, [table.name]), abort);
    },

    complete: (signal, context) => completeRun(steps, signal, type, settings, context),
  };
}

/**
 * What must be done where a ledger was once kept and is not any more: a list of keys to purge, or half a ledger, must not
 * be there when it is switched on again, because nobody knows what came meanwhile.
 */
export async function dropLedger(lease: Lease, postgres: Postgres, table: TableSpec): Promise<void> {
  const { schema } = postgres.settings;
  const tables = ledgerTables(schema, table);
  const { rows } = await lease.query<{ there: boolean }>('SELECT pg_catalog.to_regclass($1) IS NOT NULL AS there', [
    tables.seen,
  ]);
  if (rows[0]?.there !== true) return;
  const parts: LedgerParts = { schema, table, tables, settings: noPurge };
  await lease.query(postgres.begin);
  await abandon(lease, parts);
  await lease.query(forgetRunSql(parts));
  await lease.query('COMMIT');
}
