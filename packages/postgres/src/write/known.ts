/**
 * Which records of a batch the table already holds, asked before anything is sent: a replay then costs the database one
 * look-up a key instead of taking, parsing and throwing away every document.
 *
 * What must stay true:
 * - A record is left out only when a committed row has its hash and no older version: storing it would change nothing at
 *   the moment of the question. What others commit after that comes later than this record, as if it had been merged then.
 * - A key that stands twice in the batch is never left out: which of its records is the last is the merge's to decide.
 */
import { type Batch, type Counts, type Keyed, noCounts, SinkError, type TableSpec } from '@inator/runtime';
import type { Lease } from '../pool/lease.ts';
import { seqColumn } from '../table/columns.ts';
import { qualified, quoted } from '../table/names.ts';

/** `seen` is the ledger, where one is kept: what is left out was seen all the same. */
export function knownSql(schema: string, table: TableSpec, seen: string | undefined): string {
  const [key, hash, seq] = [table.key, table.hash, seqColumn].map((name) => `t.${quoted(name)}`);
  const judged = `
WITH judged AS (
  SELECT a.key, a.n::int AS n, coalesce(${hash} = a.hash AND (a.seq IS NULL OR a.seq <= ${seq}), false) AS known
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::bigint[]))
    WITH ORDINALITY AS a (key, hash, seq, n)
  LEFT JOIN ${qualified(schema, table.name)} AS t ON ${key} = a.key
)`;
  const ledger = `, ledger AS (INSERT INTO ${seen} ("key") SELECT j.key FROM judged AS j WHERE j.known)`;
  return `${judged}${seen === undefined ? '' : ledger}
SELECT pg_catalog.array_agg(j.n) FILTER (WHERE j.known) AS known FROM judged AS j`;
}

/** The indices of the records that the table already holds. */
export async function askKnown<R>(lease: Lease, sql: string, batch: Batch<R>): Promise<ReadonlySet<number>> {
  const once = singles(batch.records);
  const { rows } = await lease.query<{ known: readonly number[] | null }>(sql, [
    once.map((i) => batch.records[i]?.key),
    once.map((i) => batch.records[i]?.hash),
    once.map((i) => batch.records[i]?.seq?.toString()),
  ]);
  const known = rows[0]?.known ?? [];
  return new Set(known.map((n) => once[n - 1] as number));
}

function singles<R>(records: readonly Keyed<R>[]): readonly number[] {
  const times = new Map<string, number>();
  for (const { key } of records) times.set(key, (times.get(key) ?? 0) + 1);
  return records.flatMap(({ key }, index) => (times.get(key) === 1 ? [index] : []));
}

/** Sends what is not known, and answers for the whole batch: counts and culprits are those of the batch as it was given. */
export async function withoutKnown<R>(
  batch: Batch<R>,
  known: ReadonlySet<number>,
  send: (rest: Batch<R>) => Promise<Counts>,
): Promise<Counts> {
  if (known.size === 0) return send(batch);
  const sent = batch.records.flatMap((_, index) => (known.has(index) ? [] : [index]));
  if (sent.length === 0) return { ...noCounts, unchanged: known.size };
  try {
    const counts = await send({ ...batch, records: sent.map((index) => batch.records[index] as Keyed<R>) });
    return { ...counts, unchanged: counts.unchanged + known.size };
  } catch (error) {
    if (!(error instanceof SinkError) || error.culprit === undefined) throw error;
    const { is, fault, halve, slow, cause } = error;
    throw new SinkError(is, fault, { culprit: sent[error.culprit], halve, slow, cause });
  }
}
