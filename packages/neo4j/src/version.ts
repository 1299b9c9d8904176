/**
 * Which of two versions of a record stays. A record's state is the greatest (seq, hash) ever seen, no version being less
 * than any; among records without versions the last to arrive wins. So whatever the order of arrival, however it was
 * cut into batches and by however many replicas, versioned records end the same.
 */
import type { Keyed } from '@inator/runtime';

export interface Stored {
  /** Null on a stub. */
  readonly hash: string | null;
  readonly seq: bigint | null;
}

/**
 * `create`: no record stood there yet, at most a stub. `advance`: the same content under a later version, which must be
 * noted, or a version in between could still win.
 */
export type Verdict = 'create' | 'update' | 'unchanged' | 'advance' | 'stale';

export function judge(stored: Stored | undefined, { hash, seq }: Pick<Keyed<unknown>, 'hash' | 'seq'>): Verdict {
  if (stored === undefined || stored.hash === null) return 'create';
  const later = seq !== undefined && (stored.seq === null || seq > stored.seq);
  if (stored.hash === hash) return later ? 'advance' : 'unchanged';
  if (later) return 'update';
  if (seq === undefined) return stored.seq === null ? 'update' : 'stale';
  return seq === stored.seq && hash > stored.hash ? 'update' : 'stale';
}

/** Whether the version leaves open which of the two stays: it is the same, and the content is not. */
export function ties({ hash, seq }: Stored, incoming: Pick<Keyed<unknown>, 'hash' | 'seq'>): boolean {
  return seq !== null && seq === incoming.seq && hash !== null && hash !== incoming.hash;
}

/** A record that stands for its key in the batch. */
export interface Candidate<R> extends Keyed<R> {
  /** Index into `batch.records`. */
  readonly at: number;
}

/** One candidate a key, sorted by key: the order in which locks are taken. */
export function reduce<R>(records: readonly Keyed<R>[]): Candidate<R>[] {
  const winners = new Map<string, number>();
  records.forEach(({ key, hash, seq }, at) => {
    const standing = records[winners.get(key) ?? -1];
    if (standing === undefined || wins(standing, { hash, seq })) winners.set(key, at);
  });
  const candidates: Candidate<R>[] = [];
  for (const at of winners.values()) {
    const record = records[at];
    if (record !== undefined) candidates.push({ ...record, at });
  }
  return candidates.sort((a, b) => (a.key < b.key ? -1 : 1));
}

function wins(standing: Pick<Keyed<unknown>, 'hash' | 'seq'>, next: Pick<Keyed<unknown>, 'hash' | 'seq'>): boolean {
  const verdict = judge({ hash: standing.hash, seq: standing.seq ?? null }, next);
  // The same content again is the same record; only a later version of it counts as the winner.
  return verdict === 'update' || verdict === 'advance';
}
