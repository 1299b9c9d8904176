/**
 * What the table holds of a batch, asked before anything is sent. A replay then costs the database one look-up a key
 * instead of taking, parsing and throwing away every document, and new keys can go straight into the table.
 *
 * What must stay true:
 * - A record is left out only when a committed row has its hash and no older version: storing it would change nothing at
 *   the moment of the question. What others commit after that comes later than this record, as if it had been merged then.
 * - That a key is absent is only a hint: somebody may store it in the next moment, and the unique index then says so.
 * - A key that stands twice in the batch is neither: which of its records is the last is the merge's to decide.
 */
import type { Keyed, TableSpec } from '@inator/runtime';
import type { QueryResult } from 'pg';
import { seqColumn } from '../table/columns.ts';
import { qualified, quoted } from '../table/names.ts';
import type { WriteContext } from './path.ts';

/** Indices of a batch's records. */
export interface Answer {
  /** The table is what it was when the sink was opened, and stays so until the transaction ends. */
  readonly sameShape: boolean;
  /** The table holds them as they are. */
  readonly known: readonly number[];
  /** The table did not have their keys; in key order. */
  readonly absent: readonly number[];
  /** All others, in the batch's order. */
  readonly others: readonly number[];
}

/** `seen` is the ledger, where one is kept: what is left out was seen all the same. */
export function askSql(schema: string, table: TableSpec, seen: string | undefined): string {
  const [key, hash, seq] = [table.key, table.hash, seqColumn].map((name) => `t.${quoted(name)}`);
  const judged = `
WITH judged AS (
  SELECT a.key, a.n::int AS n, ${key} IS NOT NULL AS held,
    coalesce(${hash} = a.hash AND (a.seq IS NULL OR a.seq <= ${seq}), false) AS known
  FROM ROWS FROM (pg_catalog.unnest($1::varchar[]), pg_catalog.unnest($2::varchar[]), pg_catalog.unnest($3::bigint[]))
    WITH ORDINALITY AS a (key, hash, seq, n)
  LEFT JOIN ${qualified(schema, table.name)} AS t ON ${key} = a.key
)`;
  const ledger = `, ledger AS (INSERT INTO ${seen} ("key") SELECT j.key FROM judged AS j WHERE j.known)`;
  return `${judged}${seen === undefined ? '' : ledger}
SELECT pg_catalog.array_agg(j.n) FILTER (WHERE j.known) AS known,
  pg_catalog.array_agg(j.n) FILTER (WHERE j.held AND NOT j.known) AS differing
FROM judged AS j`;
}

/**
 * Begins a transaction. True when the table is what it was when the sink was opened; a lock keeps it so until the end.
 */
export async function beginAlike<R>({ lease, sql }: WriteContext<R>): Promise<boolean> {
  // Of several statements in one message the driver gives an array of results, which its types do not say.
  const results: unknown = await lease.query(`${sql.begin}; ${sql.lockAndShape}`);
  const last = (Array.isArray(results) ? results.at(-1) : undefined) as QueryResult<{ shape: string }> | undefined;
  return last?.rows[0]?.shape === sql.shape;
}

/** Begins the transaction, and asks in it. */
export async function ask<R>(context: WriteContext<R>): Promise<Answer> {
  const { lease, batch, sql, encoder, bytes } = context;
  const { records } = batch;
  const sameShape = await beginAlike(context);
  const states = statesOf(records);
  const asked = indicesIn(states, absent);
  bytes.at = 0;
  const { rows } = await lease.query<{ known: readonly number[] | null; differing: readonly number[] | null }>(
    sql.ask,
    encoder.keys(bytes, records, asked),
  );
  for (const n of rows[0]?.known ?? []) states[asked[n - 1] as number] = known;
  for (const n of rows[0]?.differing ?? []) states[asked[n - 1] as number] = other;
  return {
    sameShape,
    known: indicesIn(states, known),
    absent: sortedByKey(indicesIn(states, absent), records),
    others: indicesIn(states, other),
  };
}

/** What is known of a record. Absent is what the table has not said otherwise of. */
const other = 0;
const absent = 1;
const known = 2;

/** Before the question: absent the keys that stand once in the batch, other those that stand twice. */
function statesOf<R>(records: readonly Keyed<R>[]): Uint8Array {
  const last = new Map<string, number>();
  const states = new Uint8Array(records.length).fill(absent);
  records.forEach(({ key }, index) => {
    const before = last.get(key);
    if (before !== undefined) states[before] = states[index] = other;
    last.set(key, index);
  });
  return states;
}

function indicesIn(states: Uint8Array, wanted: number): number[] {
  const indices: number[] = [];
  states.forEach((state, index) => {
    if (state === wanted) indices.push(index);
  });
  return indices;
}

/** UTF-16 units from here on stand in another order than their bytes. */
const astral = /[\ud800-\uffff]/;

/** By the bytes of the keys, which differ: the order of the merge, so that whoever meets there meets in one order. */
function sortedByKey<R>(indices: number[], records: readonly Keyed<R>[]): number[] {
  const keyOf = (index: number): string => (records[index] as Keyed<R>).key;
  if (indices.some((index) => astral.test(keyOf(index)))) {
    return indices.sort((a, b) => Buffer.compare(Buffer.from(keyOf(a)), Buffer.from(keyOf(b))));
  }
  return indices.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
