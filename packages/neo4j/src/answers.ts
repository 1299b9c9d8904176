/** What the statements of a write answer, and what is made of it: held relationships, the receipt, and what cannot be. */
import { type Batch, type Clock, type Counts, fault, type Receipt, SinkError, stored } from '@inator/runtime';
import type { HeldEdge } from './read-record.ts';
import type { Answer } from './transaction.ts';
import type { Verdict } from './version.ts';

/** A relationship of a locked node: its other end, and which ends assert it where both may. */
type EdgeAnswer = string | readonly [key: string, from: boolean | null, to: boolean | null];
/** A locked node, as the lock's statement gives it; relationships by group of the shape. */
export type LockedRow = readonly [
  key: string,
  hash: string | null,
  seq: bigint | null,
  groups: readonly EdgeAnswer[][],
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
