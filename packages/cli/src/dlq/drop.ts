/**
 * Letters deleted for good: exactly those that were counted, and only after somebody said their number.
 *
 * All of them are held, unacked, while the person reads the number; what the answer is about can therefore not change.
 */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type LetterReader, openLetterReader } from '@inator/rabbitmq';
import { matches } from './filter.ts';
import type { Groups } from './groups.ts';
import { infoOf } from './letter.ts';
import type { LetterQueues, Place } from './places.ts';
import { nothingSeen, type ReadOptions, type Seen } from './read.ts';

export interface DropResult {
  readonly seen: Seen;
  /** Gone for certain. */
  readonly dropped: number;
  /** Asked to go, and perhaps gone: the broker was lost before it could say. */
  readonly uncertain: number;
  /** Why not all of them are gone. */
  readonly failure: { readonly error: unknown } | undefined;
}

/** One queue's letters, held. */
interface Held {
  readonly reader: LetterReader;
  readonly removals: (() => void)[];
}

/** `confirm` is asked with the number of letters that match, and resolves true when they shall go. */
export async function dropLetters(
  queues: LetterQueues,
  { selection, filter, limit, anyDeliveryLimit, signal }: ReadOptions,
  groups: Groups,
  confirm: (found: number) => Promise<boolean>,
): Promise<DropResult> {
  const holds: Held[] = [];
  const seen = nothingSeen();
  const enough = (): boolean => signal.aborted || (limit !== undefined && seen.matched >= limit);

  async function hold(place: Place): Promise<void> {
    const reader = await openLetterReader(queues.broker, place.spec, { anyDeliveryLimit });
    const removals: (() => void)[] = [];
    holds.push({ reader, removals });
    while (!enough()) {
      const letter = await reader.next(signal);
      if (letter === undefined) return;
      seen.seen += 1;
      letter.keep();
      const info = infoOf(letter);
      if (!matches(filter, info)) continue;
      seen.matched += 1;
      groups.add(place, info);
      // The function alone: it does not hold the body.
      removals.push(letter.remove);
    }
  }

  let dropped = 0;
  let uncertain = 0;
  let failure: DropResult['failure'];

  /** Only what was asked to go before a loss, and closed after it without one, is gone. */
  async function dropHeld({ reader, removals }: Held): Promise<void> {
    let asked = 0;
    try {
      for (const remove of removals) {
        remove();
        asked += 1;
      }
      await reader.close();
      dropped += asked;
    } catch (error) {
      failure ??= { error };
      uncertain += asked;
    }
  }

  try {
    for (const { place, depth } of await queues.present(selection)) {
      seen.depth += depth;
      if (depth > 0 && !enough()) await hold(place);
    }
    if (!signal.aborted && seen.matched > 0 && (await confirm(seen.matched)) && !signal.aborted) {
      for (const held of holds) await dropHeld(held);
    }
  } finally {
    // Nothing is removed in those that are still open, and what is only kept comes back whatever happens.
    await Promise.all(holds.map(({ reader }) => reader.close().catch(() => {})));
  }
  return { seen, dropped, uncertain, failure };
}

/** The first line of the input, without blanks; undefined at its end, or when `signal` aborts first. */
export function readAnswer(input: Readable, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const lines = createInterface({ input });
    const abort = (): void => lines.close();
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    lines.once('line', (line) => {
      resolve(line.trim());
      lines.close();
    });
    lines.once('close', () => {
      signal.removeEventListener('abort', abort);
      resolve(undefined);
    });
  });
}
