/** Walks over the selected queues, one after the other, and leaves every letter where it is. */
import { type KeptLetter, openLetterReader } from '@inator/rabbitmq';
import { type Filter, matches } from './filter.ts';
import { infoOf, type LetterInfo } from './letter.ts';
import type { LetterQueues, Place, Selection } from './places.ts';

export interface ReadOptions {
  readonly selection: Selection;
  readonly filter: Filter;
  /** Letters that match, in all; then the walk ends. */
  readonly limit: number | undefined;
  readonly anyDeliveryLimit: boolean;
  readonly signal: AbortSignal;
}

export interface Found {
  readonly place: Place;
  readonly letter: KeptLetter;
  readonly info: LetterInfo;
}

/** What a walk has seen; grows while it goes on, for a progress bar. */
export interface Seen {
  /** Letters in the selected queues at the beginning. */
  depth: number;
  seen: number;
  matched: number;
}

export const nothingSeen = (): Seen => ({ depth: 0, seen: 0, matched: 0 });

export async function readLetters(
  queues: LetterQueues,
  { selection, filter, limit, anyDeliveryLimit, signal }: ReadOptions,
  seen: Seen,
  each: (found: Found) => void | Promise<void>,
): Promise<void> {
  const there = await queues.present(selection);
  seen.depth = there.reduce((sum, { depth }) => sum + depth, 0);
  const enough = (): boolean => signal.aborted || (limit !== undefined && seen.matched >= limit);
  for (const { place, depth } of there) {
    if (depth === 0) continue;
    if (enough()) return;
    const expected = limit === undefined ? {} : { expected: limit - seen.matched };
    const reader = await openLetterReader(queues.broker, place.spec, { anyDeliveryLimit, ...expected });
    try {
      while (!enough()) {
        const letter = await reader.next(signal);
        if (letter === undefined) break;
        seen.seen += 1;
        const info = infoOf(letter);
        if (matches(filter, info)) {
          seen.matched += 1;
          await each({ place, letter, info });
        }
        letter.keep();
      }
    } finally {
      await reader.close();
    }
  }
}
