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
  readonly dropped: number;
}

/** `confirm` is asked with the number of letters that match, and resolves true when they shall go. */
export async function dropLetters(
  queues: LetterQueues,
  { selection, filter, limit, anyDeliveryLimit, signal }: ReadOptions,
  groups: Groups,
  confirm: (found: number) => Promise<boolean>,
): Promise<DropResult> {
  const readers: LetterReader[] = [];
  const removals: (() => void)[] = [];
  const seen = nothingSeen();
  const enough = (): boolean => signal.aborted || (limit !== undefined && seen.matched >= limit);

  async function hold(place: Place): Promise<void> {
    const reader = await openLetterReader(queues.broker, place.spec, { anyDeliveryLimit });
    readers.push(reader);
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

  /** Rejects when it is not sure that what was removed is gone. */
  async function giveBack(): Promise<void> {
    const closed = await Promise.allSettled(readers.map((reader) => reader.close()));
    const failed = closed.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  let dropped = 0;
  try {
    for (const { place, depth } of await queues.present(selection)) {
      seen.depth += depth;
      if (depth > 0 && !enough()) await hold(place);
    }
    if (!signal.aborted && removals.length > 0 && (await confirm(removals.length)) && !signal.aborted) {
      for (const remove of removals) remove();
      dropped = removals.length;
    }
  } catch (error) {
    await giveBack();
    throw error;
  }
  await giveBack();
  return { seen, dropped };
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
