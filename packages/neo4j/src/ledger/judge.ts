/**
 * Finds what a closed run did not bring. Page by page, so that no transaction grows with the graph: the ledger into a set
 * of keys in our memory, then the nodes against it; once to count, and once more, when they may go, to write them down.
 */
import { judgeRun, type PurgeSettings } from '@inator/runtime';
import type { GraphShape } from '../shape.ts';
import { asParameters } from '../statements.ts';
import type { Answer, Transaction } from '../transaction.ts';
import { createKeySet, type KeySet } from './key-set.ts';
import { countEntries, type Known, settle } from './nodes.ts';
import { pageStatement } from './statements.ts';

export interface JudgeParts<R> {
  readonly of: string;
  readonly shape: GraphShape<R>;
  readonly settings: PurgeSettings;
  /** One transaction. */
  transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /** Throws when the lane drains: between any two pages. */
  pause(): void;
}

/** Entries of the ledger a transaction: some ten thousand keys. */
const entriesAtOnce = 20;
const pageSize = 5_000;
/** Keys of one purging transaction: each may have hundreds of relationships. */
export const chunkKeys = 200;

interface Sighted {
  readonly vanished: readonly string[];
  readonly orphans: readonly string[];
  readonly records: number;
}

export async function judge<R>(parts: JudgeParts<R>, known: Known): Promise<Known> {
  const { of, settings, transact } = parts;
  const seen = await readSeen(parts, known.run);
  const tally = { vanished: 0, stored: 0, orphans: 0 };
  await eachPage(parts, seen, async ({ vanished, orphans, records }) => {
    tally.vanished += vanished.length;
    tally.orphans += orphans.length;
    tally.stored += records;
  });
  const { declared } = known.closing;
  const { vanished, stored } = tally;
  const judgement = judgeRun(
    { declared, seen: seen.size, stored, vanished, deadLettered: known.deadLettered },
    settings,
  );
  const skipped = judgement.is === 'skip';
  const something = vanished + tally.orphans > 0;
  const state = skipped ? 'skipped' : judgement.is === 'report' ? 'reported' : something ? 'purging' : 'purged';
  const closing = {
    ...known.closing,
    is: state === 'skipped' || state === 'reported' ? state : 'purged',
    why: skipped ? judgement.why : undefined,
    reason: skipped ? judgement.reason : undefined,
    seen: seen.size,
    stored,
    vanished,
    repeated: false,
  } as const;
  if (state === 'purging') await writeDown(parts, seen);
  await transact((transaction) => settle(transaction, of, known.extraction, state, closing));
  return { ...known, state, closing };
}

async function readSeen<R>({ of, transact, pause }: JudgeParts<R>, run: bigint): Promise<KeySet> {
  const seen = createKeySet();
  const ids = await transact(async (transaction) => {
    const text = 'MATCH (s:InatorSeen {of: $of}) WHERE s.run <= $run RETURN collect(elementId(s)) AS ids';
    const { rows } = await transaction.run(text, { of, run });
    return (rows[0]?.ids ?? []) as readonly string[];
  });
  for (let at = 0; at < ids.length; at += entriesAtOnce) {
    pause();
    const lists = await transact((transaction) => countEntries(transaction, ids.slice(at, at + entriesAtOnce)));
    for (const keys of lists) for (const key of keys) seen.add(key);
  }
  return seen;
}

async function eachPage<R>(
  { shape, transact, pause }: JudgeParts<R>,
  seen: KeySet,
  take: (page: Sighted) => Promise<void>,
): Promise<void> {
  const text = pageStatement(shape);
  for (let after = ''; ; ) {
    pause();
    const page = asParameters({ after, limit: pageSize });
    const { rows }: Answer = await transact((transaction) => transaction.run(text, page));
    const keys = rows as unknown as readonly {
      readonly key: string;
      readonly record: boolean;
      readonly orphan: boolean;
    }[];
    await take({
      vanished: keys.filter(({ key, record }) => record && !seen.has(key)).map(({ key }) => key),
      orphans: keys.filter(({ orphan }) => orphan).map(({ key }) => key),
      records: keys.filter(({ record }) => record).length,
    });
    const last = keys.at(-1);
    if (last === undefined || keys.length < pageSize) return;
    after = last.key;
  }
}

/** The list of what shall go, as nodes: so that a crash in the middle of the purge does not lose it. */
async function writeDown<R>(parts: JudgeParts<R>, seen: KeySet): Promise<void> {
  const { of, transact } = parts;
  await transact((transaction) => transaction.run('MATCH (v:InatorVanished {of: $of}) DELETE v', { of }));
  await eachPage(parts, seen, async ({ vanished, orphans }) => {
    const lists = [...inChunks(vanished, true), ...inChunks(orphans, false)];
    if (lists.length === 0) return;
    await transact((transaction) =>
      transaction.run(
        'UNWIND $p.lists AS list CREATE (:InatorVanished {of: $p.of, records: list[0], keys: list[1]})',
        asParameters({ of, lists }),
      ),
    );
  });
}

function inChunks(keys: readonly string[], records: boolean): readonly (readonly [boolean, readonly string[]])[] {
  const chunks: (readonly [boolean, readonly string[]])[] = [];
  for (let at = 0; at < keys.length; at += chunkKeys) chunks.push([records, keys.slice(at, at + chunkKeys)]);
  return chunks;
}
