/**
 * What a batch begins with. To ask the store first what it holds is right for any mix of records, and costs a look-up and an
 * answer for each. Where the batches before leave little doubt of the answer, the question is left out.
 */

/**
 * `ask`: read what the store holds, without locks. `create`: take all records for new ones; should one of them exist, the
 * store refuses to make it twice, nothing is written, and the batch begins anew with `ask`. `lock`: lock and read what
 * exists, as changed records need anyway; those that turn out unchanged were locked in vain.
 */
export type FirstLook = 'ask' | 'create' | 'lock';

/** What was found of a batch's keys. */
export interface Found {
  readonly keys: number;
  /** The store had no node of that key. */
  readonly absent: number;
  /** It had one, and that was written. */
  readonly changed: number;
}

export interface Outlook {
  next(): FirstLook;
  /** After a batch that was written, or found to need no writing. */
  found(found: Found): void;
  /** After a batch that began with `create` met a node. */
  wrong(): void;
}

/** Batches of nothing but new keys after which the next is taken for one: as in a first load. */
const newInARow = 3;

/** Batches that are asked about after one was taken for new and was not: of those that come, one in so many is written in vain. */
const waryBatches = 64;

/** Share of a batch that was changed records, from which the next is locked at once. */
const mostlyChanged = 3 / 4;

export function createOutlook(): Outlook {
  let allNew = 0;
  let wary = 0;
  let changed = false;
  return {
    next() {
      if (allNew >= newInARow && wary === 0) return 'create';
      return changed ? 'lock' : 'ask';
    },
    found(found) {
      allNew = found.absent === found.keys ? allNew + 1 : 0;
      changed = found.changed >= mostlyChanged * found.keys;
      wary = Math.max(0, wary - 1);
    },
    wrong() {
      allNew = 0;
      wary = waryBatches;
    },
  };
}
