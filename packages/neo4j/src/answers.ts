/** What the statements of a write answer, and what is made of it: held relationships, the receipt, and what cannot be. */
import { type Batch, type Clock, type Counts, fault, type Receipt, SinkError, stored } from '@inator/runtime';
import type { HeldEdge } from './read-record.ts';
import type { Answer } from './transaction.ts';
import { type Candidate, judge, type Stored, ties, type Verdict } from './version.ts';

/** A relationship of a locked node: its other end, and which ends assert it where both may. */
type EdgeAnswer = string | readonly [key: string, from: boolean | null, to: boolean | null];
/** A locked node, as the lock's statement gives it; relationships by group of the shape. */
export type LockedRow = readonly [
  key: string,
  hash: string | null,
  seq: bigint | null,
  groups: readonly EdgeAnswer[][],
];

/** Of how many keys this part tells, which of them have no node, and what is stored where it is something else. */
type ReadPart = readonly [
  size: bigint,
  absent: readonly bigint[],
  found: readonly (readonly [at: bigint, hash: string | null, seq: bigint | null])[],
];

/** The relationship as the side sees it that owns it. */
export function heldEdge(edge: EdgeAnswer, owner: 'from' | 'to', twoSided: boolean): HeldEdge {
  if (typeof edge === 'string' || !twoSided) return { key: edge as string, mine: true, theirs: false };
  const [key, from, to] = edge;
  return owner === 'from'
    ? { key, mine: from === true, theirs: to === true }
    : { key, mine: to === true, theirs: from === true };
}

/** The row of a statement that aggregates: taking none for "nothing found" would lose records. */
export function onlyRow({ rows }: Answer): Readonly<Record<string, unknown>> {
  const [row] = rows;
  if (row !== undefined && rows.length === 1) return row;
  const reason = `a Neo4j statement gave ${rows.length} rows instead of 1`;
  throw new SinkError('suspect', fault('defect', 'graph', reason));
}

export const racedCause = new Error('raced');

/** Another writer was faster: the same transaction, started over, usually passes. */
export function raced(what: string): never {
  throw new SinkError('unavailable', fault('store-busy', 'graph', `${what} in between`), { cause: racedCause });
}

/** Fewer relationships than were sent: a defect of ours, and none of the batch is written. */
export function lost(expected: number, created: number): SinkError {
  const reason = `${created} relationships created, ${expected} were to be: the transaction was taken back`;
  return new SinkError('suspect', fault('defect', 'graph', reason));
}

/** What an unlocked look found of a candidate. */
export interface Sighting<R> extends Judged {
  readonly candidate: Candidate<R>;
  readonly exists: boolean;
}

export interface Sightings<R> {
  readonly sightings: readonly Sighting<R>[];
  /** Existing nodes are to be locked even where nothing is to be written: see the ledger. */
  readonly careful: boolean;
}

/** Judges every candidate by what the store holds, unlocked. What this finds unchanged or stale stays so. */
export function sighted<R>(candidates: readonly Candidate<R>[], { rows }: Answer): Sightings<R> {
  const sightings = candidates.map(
    (candidate): Sighting<R> => ({ candidate, exists: true, verdict: 'unchanged', tied: false }),
  );
  const see = (at: bigint, stored: Stored | undefined): void => {
    const candidate = candidates[Number(at)];
    if (candidate === undefined) return;
    const tied = stored !== undefined && ties(stored, candidate);
    sightings[Number(at)] = { candidate, exists: stored !== undefined, verdict: judge(stored, candidate), tied };
  };
  let told = 0n;
  for (const { part } of rows as readonly { readonly part: ReadPart }[]) {
    const [size, absent, found] = part;
    told += size;
    for (const at of absent) see(at, undefined);
    for (const [at, hash, seq] of found) see(at, { hash, seq });
  }
  // What the answer does not name counts as unchanged, so none of it may be missing.
  if (told !== BigInt(candidates.length)) {
    const reason = `a Neo4j statement told of ${told} of ${candidates.length} keys`;
    throw new SinkError('suspect', fault('defect', 'graph', reason));
  }
  return { sightings, careful: rows[0]?.careful === true };
}

/** Without a look: all new, or all to be locked, which tells. */
export function assumed<R>(candidates: readonly Candidate<R>[], exists: boolean): Sightings<R> {
  const sightings = candidates.map((candidate): Sighting<R> => ({ candidate, exists, verdict: 'create', tied: false }));
  return { sightings, careful: false };
}

/** What became of one key of the batch. */
export interface Judged {
  readonly verdict: Verdict;
  readonly tied: boolean;
}

/** `judged`: one a distinct key. */
export function receipt<R>(
  batch: Batch<R>,
  judged: readonly Judged[],
  clock: Clock,
  answers: readonly Answer[],
): Receipt {
  const tally = (...which: readonly Verdict[]): number =>
    judged.filter(({ verdict }) => which.includes(verdict)).length;
  const tied = judged.filter((each) => each.tied).length;
  const counts: Counts = {
    created: tally('create'),
    updated: tally('update'),
    unchanged: tally('unchanged', 'advance'),
    stale: tally('stale'),
    collapsed: batch.records.length - judged.length,
    ...(tied === 0 ? {} : { tied }),
  };
  const sum = (of: (answer: Answer) => number): number => answers.reduce((total, answer) => total + of(answer), 0);
  return {
    outcomes: batch.records.map(() => stored),
    counts,
    phases: clock.phases,
    graph: {
      nodesCreated: sum(({ nodesCreated }) => nodesCreated),
      relationshipsCreated: sum(({ relationshipsCreated }) => relationshipsCreated),
      relationshipsDeleted: sum(({ relationshipsDeleted }) => relationshipsDeleted),
    },
  };
}
