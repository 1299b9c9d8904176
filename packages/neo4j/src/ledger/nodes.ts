/**
 * The ledger's nodes. They stand beside the domain's, have no relationships, and say in `of` which label they are about.
 *
 * `InatorSeen` is one node a *batch* with the batch's keys in a list: a property on every record's node would cost a
 * write for each unchanged one, and a node for each key an index to write. Nobody waits for a lock to append one.
 */
import type { Closing, Extraction, SkipReason } from '@inator/runtime';
import type { ShapeLabel } from '../shape.ts';
import { asParameters } from '../statements.ts';
import type { Parameters, Transaction } from '../transaction.ts';

/** Labels of the ledger. `InatorRun` and `InatorExtraction` are unique by their keys. */
export const ledgerLabels: readonly ShapeLabel[] = [
  { label: 'InatorRun', key: 'of' },
  { label: 'InatorExtraction', key: 'id' },
];

/**
 * `judging`: the run is closed, what vanished is being found · `purging` · then the three ends.
 */
export type State = 'judging' | 'purging' | 'purged' | 'reported' | 'skipped';

export interface Known {
  readonly extraction: Extraction;
  readonly state: State;
  /** Number of the run that it ended. */
  readonly run: bigint;
  readonly deadLettered: number;
  readonly closing: Closing;
}

export function idOf(of: string, { version, startedAt }: Extraction): string {
  return JSON.stringify([of, version, startedAt.toISOString()]);
}

interface Properties {
  readonly version: string;
  readonly startedAt: string;
  readonly state: State;
  readonly run: bigint;
  readonly deadLettered?: bigint;
  readonly why?: SkipReason;
  readonly reason?: string;
  readonly declared?: bigint;
  readonly seen?: bigint;
  readonly stored?: bigint;
  readonly vanished?: bigint;
  readonly purged?: bigint;
}

function knownOf(found: Properties): Known {
  const { state, declared } = found;
  return {
    extraction: { version: found.version, startedAt: new Date(found.startedAt) },
    state,
    run: found.run,
    deadLettered: Number(found.deadLettered ?? 0n),
    closing: {
      is: state === 'reported' || state === 'skipped' ? state : 'purged',
      why: found.why,
      reason: found.reason,
      declared: declared === undefined ? undefined : Number(declared),
      seen: Number(found.seen ?? 0n),
      stored: Number(found.stored ?? 0n),
      vanished: Number(found.vanished ?? 0n),
      purged: Number(found.purged ?? 0n),
      repeated: true,
    },
  };
}

async function all(transaction: Transaction, text: string, parameters: Parameters): Promise<readonly Known[]> {
  const { rows } = await transaction.run(text, parameters);
  return rows.map(({ found }) => knownOf(found as Properties));
}

export async function readExtraction(
  transaction: Transaction,
  of: string,
  which: Extraction,
): Promise<Known | undefined> {
  const text = 'MATCH (x:InatorExtraction {id: $id}) RETURN properties(x) AS found';
  return (await all(transaction, text, { id: idOf(of, which) }))[0];
}

/** Extractions that did not come to their end, the oldest first. */
export function readUnfinished(transaction: Transaction, of: string): Promise<readonly Known[]> {
  const text = `MATCH (x:InatorExtraction {of: $of}) WHERE x.state IN ['judging', 'purging']
RETURN properties(x) AS found ORDER BY x.startedAt`;
  return all(transaction, text, { of });
}

/** Times as ISO 8601 in UTC sort as text. */
export async function isSuperseded(transaction: Transaction, of: string, { startedAt }: Extraction): Promise<boolean> {
  const { rows } = await transaction.run(
    'MATCH (x:InatorExtraction {of: $of}) WHERE x.startedAt > $startedAt RETURN x.id AS id LIMIT 1',
    { of, startedAt: startedAt.toISOString() },
  );
  return rows.length > 0;
}

/** At least as many keys as this were seen, a key that came twice counted twice; and whether there are dead letters. */
export async function readRun(
  transaction: Transaction,
  of: string,
): Promise<{ readonly seen: number; readonly deadLettered: number }> {
  const { rows } = await transaction.run(
    `OPTIONAL MATCH (run:InatorRun {of: $of})
OPTIONAL MATCH (s:InatorSeen {of: $of}) WHERE s.run = coalesce(run.number, 0)
RETURN coalesce(run.deadLettered, 0) AS deadLettered, coalesce(sum(size(s.keys)), 0) AS seen`,
    { of },
  );
  return { seen: Number(rows[0]?.seen ?? 0), deadLettered: Number(rows[0]?.deadLettered ?? 0) };
}

export async function condemn(transaction: Transaction, of: string): Promise<void> {
  const text = 'MERGE (run:InatorRun {of: $of}) SET run.deadLettered = coalesce(run.deadLettered, 0) + 1';
  await transaction.run(text, { of });
}

/**
 * Ends the run under way: what is written from now on belongs to the next. From now on, too, writers lock before they
 * judge (`careful`), so that what the purge deletes and what they find unchanged cannot be the same node.
 */
export async function closeRun(
  transaction: Transaction,
  of: string,
  extraction: Extraction,
  declared: number | undefined,
): Promise<Known> {
  const { rows } = await transaction.run(
    `MERGE (run:InatorRun {of: $of})
SET run.number = coalesce(run.number, 0) + 1, run.careful = true
WITH run, coalesce(run.deadLettered, 0) AS deadLettered
REMOVE run.deadLettered
MERGE (x:InatorExtraction {id: $id})
ON CREATE SET x.of = $of, x.version = $version, x.startedAt = $startedAt, x.state = 'judging', x.run = run.number - 1,
  x.deadLettered = deadLettered, x.declared = $declared, x.closedAt = datetime()
RETURN properties(x) AS found`,
    {
      of,
      id: idOf(of, extraction),
      version: extraction.version,
      startedAt: extraction.startedAt.toISOString(),
      declared: declared === undefined ? null : BigInt(declared),
    },
  );
  return knownOf(rows[0]?.found as Properties);
}

/** Notes an extraction that closes nothing, because a later one was completed. */
export async function noteOlder(transaction: Transaction, of: string, extraction: Extraction, closing: Closing) {
  await transaction.run(
    `MERGE (x:InatorExtraction {id: $id}) ON CREATE SET x.of = $of, x.version = $version, x.startedAt = $startedAt, x.run = -1`,
    { of, id: idOf(of, extraction), version: extraction.version, startedAt: extraction.startedAt.toISOString() },
  );
  await settle(transaction, of, extraction, 'skipped', closing);
}

/** Writes down what became of the extraction, and lets writers go back to their short way when it is over. */
export async function settle(
  transaction: Transaction,
  of: string,
  extraction: Extraction,
  state: State,
  { why, reason, seen, stored, vanished }: Closing,
): Promise<void> {
  await transaction.run(
    `MATCH (x:InatorExtraction {id: $id})
SET x.state = $state, x.why = $why, x.reason = $reason, x.seen = $seen, x.stored = $stored, x.vanished = $vanished
${state === 'purging' ? '' : 'SET x.finishedAt = datetime()\nWITH x OPTIONAL MATCH (run:InatorRun {of: $of}) SET run.careful = false'}`,
    {
      of,
      id: idOf(of, extraction),
      state,
      why: why ?? null,
      reason: reason ?? null,
      seen: BigInt(seen),
      stored: BigInt(stored),
      vanished: BigInt(vanished),
    },
  );
}

/** Keys of entries, by the batch that wrote them; those read are marked, so that what comes later can be told. */
export async function countEntries(transaction: Transaction, ids: readonly string[]): Promise<readonly string[][]> {
  const { rows } = await transaction.run(
    'UNWIND $p.ids AS id MATCH (s:InatorSeen) WHERE elementId(s) = id SET s.counted = true RETURN s.keys AS keys',
    asParameters({ ids }),
  );
  return rows.map(({ keys }) => keys as string[]);
}
