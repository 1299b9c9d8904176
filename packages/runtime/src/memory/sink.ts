/**
 * A sink in memory with the semantics of the real ones: last arrival per key wins, equal hashes are unchanged, a later
 * version is never overwritten. For tests, benches of the engine alone, and as the shortest example of the contract.
 */
import type { Batch } from '../batch.ts';
import type { Fault } from '../fault.ts';
import type { Keyed, Signal } from '../model.ts';
import { type Counts, noCounts, type Outcome, type Receipt, type Sink, stored } from '../sink.ts';

export interface MemorySink<R> extends Sink<R> {
  readonly rows: ReadonlyMap<string, Keyed<R>>;
  readonly marks: readonly Signal[];
  readonly batches: readonly Batch<R>[];
  readonly opened: boolean;
  /** Called before a batch is stored: throw to fail it, return a promise to slow it. */
  before: (batch: Batch<R>, signal: AbortSignal) => void | Promise<void>;
  /** What a record is refused for, its neighbours being stored all the same. */
  refuses: (record: Keyed<R>) => Fault | undefined;
  /** Called by `check`: throw to be unreachable. */
  canary: () => void | Promise<void>;
}

/**
 * Keeps one record per key: the highest seq, then the last arrival; versioned beats unversioned. Two contents under one
 * version are decided by the greater hash, whatever their order, so that every replica decides alike.
 */
export function reduceByKey<R>(records: readonly Keyed<R>[]): Map<string, Keyed<R>> {
  const kept = new Map<string, Keyed<R>>();
  for (const record of records) {
    const before = kept.get(record.key);
    if (before === undefined || !outranks(before, record)) kept.set(record.key, record);
  }
  return kept;
}

/** True when what is stored as `a` must not be overwritten by `b`, which arrived later. */
export function outranks(
  a: { readonly seq: bigint | undefined; readonly hash: string },
  b: { readonly seq: bigint | undefined; readonly hash: string },
): boolean {
  if (a.seq === undefined) return false;
  return b.seq === undefined || a.seq > b.seq || (a.seq === b.seq && a.hash > b.hash);
}

export function createMemorySink<R>(): MemorySink<R> {
  const rows = new Map<string, Keyed<R>>();
  const marks: Signal[] = [];
  const batches: Batch<R>[] = [];
  let opened = false;

  const store = (record: Keyed<R>): Exclude<keyof Counts, 'tied'> => {
    const before = rows.get(record.key);
    if (before === undefined) {
      rows.set(record.key, record);
      return 'created';
    }
    if (before.hash === record.hash) {
      if (record.seq !== undefined && (before.seq === undefined || record.seq > before.seq))
        rows.set(record.key, { ...before, seq: record.seq });
      return 'unchanged';
    }
    if (outranks(before, record)) return 'stale';
    rows.set(record.key, record);
    return 'updated';
  };

  const sink: MemorySink<R> = {
    rows,
    marks,
    batches,
    get opened() {
      return opened;
    },
    before: () => {},
    refuses: () => undefined,
    canary: () => {},
    async open() {
      opened = true;
    },
    async write(batch, signal): Promise<Receipt> {
      await sink.before(batch, signal);
      batches.push(batch);
      const outcomes = batch.records.map((record): Outcome => {
        const found = sink.refuses(record);
        return found === undefined ? stored : { is: 'refused', fault: found, attempts: 1 };
      });
      const taken = batch.records.filter((_, index) => outcomes[index] === stored);
      const kept = reduceByKey(taken);
      const counts = { ...noCounts, collapsed: taken.length - kept.size };
      let tied = 0;
      for (const record of kept.values()) {
        const before = rows.get(record.key);
        if (record.seq !== undefined && before?.seq === record.seq && before.hash !== record.hash) tied += 1;
        counts[store(record)] += 1;
      }
      return { outcomes, counts: tied > 0 ? { ...counts, tied } : counts, phases: {} };
    },
    async mark(signal) {
      marks.push(signal);
      return undefined;
    },
    async check() {
      await sink.canary();
    },
    async close() {
      opened = false;
    },
  };
  return sink;
}
