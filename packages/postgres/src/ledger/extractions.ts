/** The table of completed extractions: what is known of one, and how a run is closed in one transaction. */
import {
  type Closing,
  type Extraction,
  judgeRun,
  type PurgeSettings,
  skipReasons,
  type TableSpec,
} from '@inator/runtime';
import type { Lease } from '../pool/lease.ts';
import { qualified, quoted } from '../table/names.ts';
import type { LedgerTables } from './tables.ts';

/** Everything the statements of one type need. */
export interface LedgerParts {
  readonly schema: string;
  readonly table: TableSpec;
  readonly tables: LedgerTables;
  readonly settings: PurgeSettings;
}

export interface Known {
  readonly extraction: Extraction;
  readonly purging: boolean;
  readonly closing: Closing;
}

interface Row {
  readonly version: string;
  readonly started_at: Date;
  readonly state: string;
  readonly why: string | null;
  readonly reason: string | null;
  readonly declared: string | null;
  readonly seen: string;
  readonly stored: string;
  readonly vanished: string;
  readonly purged: string;
  readonly [column: string]: unknown;
}

function knownOf(row: Row): Known {
  const { state } = row;
  return {
    extraction: { version: row.version, startedAt: row.started_at },
    purging: state === 'purging',
    closing: {
      is: state === 'reported' || state === 'skipped' ? state : 'purged',
      why: row.why !== null && row.why in skipReasons ? (row.why as keyof typeof skipReasons) : undefined,
      reason: row.reason ?? undefined,
      declared: row.declared === null ? undefined : Number(row.declared),
      seen: Number(row.seen),
      stored: Number(row.stored),
      vanished: Number(row.vanished),
      purged: Number(row.purged),
      repeated: true,
    },
  };
}

const identity = 'type = $1 AND version = $2 AND started_at = $3';
const idOf = ({ table }: LedgerParts, { version, startedAt }: Extraction): readonly unknown[] => [
  table.name,
  version,
  startedAt,
];

export async function readExtraction(lease: Lease, parts: LedgerParts, which: Extraction): Promise<Known | undefined> {
  const text = `SELECT * FROM ${parts.tables.extractions} WHERE ${identity}`;
  const { rows } = await lease.query<Row>(text, idOf(parts, which));
  return rows[0] === undefined ? undefined : knownOf(rows[0]);
}

/** Extractions of this type whose purge did not come to its end, the oldest first. */
export async function readUnfinished(lease: Lease, parts: LedgerParts): Promise<readonly Known[]> {
  const text = `SELECT * FROM ${parts.tables.extractions} WHERE type = $1 AND state = 'purging' ORDER BY started_at`;
  const { rows } = await lease.query<Row>(text, [parts.table.name]);
  return rows.map(knownOf);
}

export async function isSuperseded(lease: Lease, parts: LedgerParts, { startedAt }: Extraction): Promise<boolean> {
  const text = `SELECT EXISTS (SELECT FROM ${parts.tables.extractions} WHERE type = $1 AND started_at > $2) AS later`;
  const { rows } = await lease.query<{ later: boolean }>(text, [parts.table.name, startedAt]);
  return rows[0]?.later === true;
}

/** Distinct keys seen so far, and whether the run has dead letters. */
export async function readRun(
  lease: Lease,
  { table, tables }: LedgerParts,
): Promise<{ readonly seen: number; readonly deadLettered: number }> {
  const { rows } = await lease.query<{ seen: string; dead_lettered: string }>(
    `SELECT (SELECT pg_catalog.count(*) FROM (SELECT DISTINCT key FROM ${tables.seen}) AS d) AS seen,
            coalesce((SELECT dead_lettered FROM ${tables.runs} WHERE type = $1), 0) AS dead_lettered`,
    [table.name],
  );
  return { seen: Number(rows[0]?.seen ?? 0), deadLettered: Number(rows[0]?.dead_lettered ?? 0) };
}

/** Ends a run whose extraction cannot be named: the next one starts with an empty ledger. */
export function forgetRunSql({ table, tables }: LedgerParts): string {
  return `TRUNCATE ${tables.seen}; DELETE FROM ${tables.runs} WHERE type = ${literal(table.name)}`;
}

/**
 * Judges the run and ends it, inside the caller's transaction: counts, writes down what shall be purged, remembers the
 * extraction and empties the ledger for the next run. Either all of it is durable or nothing.
 *
 * The ledger is locked against writers of other replicas from the first count to the commit: a key that arrived in
 * between would belong to neither run.
 */
export async function closeRun(
  lease: Lease,
  parts: LedgerParts,
  extraction: Extraction,
  declared: number | undefined,
): Promise<Closing> {
  const { schema, table, tables, settings } = parts;
  await lease.query(`LOCK TABLE ${tables.seen} IN ACCESS EXCLUSIVE MODE`);
  const { seen, deadLettered } = await readRun(lease, parts);
  const target = qualified(schema, table.name);
  const key = quoted(table.key);
  const missing = `FROM ${target} AS t WHERE NOT EXISTS (SELECT FROM ${tables.seen} AS s WHERE s.key = t.${key})`;
  const { rows } = await lease.query<{ stored: string; vanished: string }>(
    `SELECT (SELECT pg_catalog.count(*) FROM ${target}) AS stored, (SELECT pg_catalog.count(*) ${missing}) AS vanished`,
  );
  const stored = Number(rows[0]?.stored ?? 0);
  const vanished = Number(rows[0]?.vanished ?? 0);
  const judgement = judgeRun({ declared, seen, stored, vanished, deadLettered }, settings);
  if (judgement.is === 'purge') {
    await lease.query(`TRUNCATE ${tables.vanished}`);
    await lease.query(`INSERT INTO ${tables.vanished} (key) SELECT t.${key} ${missing}`);
  }
  const skipped = judgement.is === 'skip';
  const state = skipped ? 'skipped' : judgement.is === 'report' ? 'reported' : vanished > 0 ? 'purging' : 'purged';
  const why = skipped ? judgement.why : undefined;
  const reason = skipped ? judgement.reason : undefined;
  await remember(lease, parts, extraction, { state, why, reason, declared, seen, stored, vanished });
  await lease.query(forgetRunSql(parts));
  const is = skipped ? 'skipped' : judgement.is === 'report' ? 'reported' : 'purged';
  return { is, why, reason, declared, seen, stored, vanished, purged: 0, repeated: false };
}

export async function remember(
  lease: Lease,
  parts: LedgerParts,
  extraction: Extraction,
  found: Pick<Closing, 'why' | 'reason' | 'declared' | 'seen' | 'stored' | 'vanished'> & { readonly state: string },
): Promise<void> {
  const { state, why, reason, declared, seen, stored, vanished } = found;
  await lease.query(
    `INSERT INTO ${parts.tables.extractions}
       (type, version, started_at, state, why, reason, declared, seen, stored, vanished, finished_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, CASE WHEN $4 = 'purging' THEN NULL ELSE pg_catalog.now() END)`,
    [...idOf(parts, extraction), state, why ?? null, reason ?? null, declared ?? null, seen, stored, vanished],
  );
}

/** Ends a purge: with `why` when the store refused to go on. */
export async function finishExtraction(
  lease: Lease,
  parts: LedgerParts,
  extraction: Extraction,
  refused?: string,
): Promise<void> {
  const { tables } = parts;
  await lease.query(
    `UPDATE ${tables.extractions} SET state = $4, why = $5, reason = $6, finished_at = pg_catalog.now() WHERE ${identity}`,
    [
      ...idOf(parts, extraction),
      refused === undefined ? 'purged' : 'skipped',
      refused === undefined ? null : 'store-refused',
      refused ?? null,
    ],
  );
}

/** Gives up purges of this type that were not finished. */
export async function abandon(lease: Lease, { table, tables }: LedgerParts): Promise<void> {
  await lease.query(
    `UPDATE ${tables.extractions} SET state = 'skipped', why = 'switched-off', reason = $2, finished_at = pg_catalog.now()
     WHERE type = $1 AND state = 'purging'`,
    [table.name, skipReasons['switched-off']],
  );
}

/**
 * Deletes up to `limit` of what vanished, inside the caller's transaction; resolves with how many keys are done and how
 * many rows went. A key that came back since the run ended is spared: the ledger of the next run is locked against its
 * writers first, so each of them has either committed its keys or will look at the table after us.
 */
export async function purgeChunk(
  lease: Lease,
  parts: LedgerParts,
  extraction: Extraction,
  limit: number,
): Promise<{ readonly keys: number; readonly deleted: number }> {
  const { schema, table, tables } = parts;
  const key = quoted(table.key);
  await lease.query(`LOCK TABLE ${tables.seen} IN SHARE MODE`);
  const { rows } = await lease.query<{ keys: number; deleted: number }>(
    `WITH chunk AS (
       DELETE FROM ${tables.vanished} WHERE key IN (SELECT key FROM ${tables.vanished} ORDER BY key LIMIT $1) RETURNING key
     ), gone AS (
       DELETE FROM ${qualified(schema, table.name)} AS t USING chunk AS c
       WHERE t.${key} = c.key AND NOT EXISTS (SELECT FROM ${tables.seen} AS s WHERE s.key = c.key)
       RETURNING 1
     )
     SELECT (SELECT pg_catalog.count(*)::int FROM chunk) AS keys, (SELECT pg_catalog.count(*)::int FROM gone) AS deleted`,
    [limit],
  );
  const { keys, deleted } = rows[0] ?? { keys: 0, deleted: 0 };
  await lease.query(`UPDATE ${tables.extractions} SET purged = purged + $4 WHERE ${identity}`, [
    ...idOf(parts, extraction),
    deleted,
  ]);
  return { keys, deleted };
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
