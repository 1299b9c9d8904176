/**
 * A letter as the message it was, to go back to its queue: body and properties as they came, the version (`x-seq`) with
 * them, so that an old letter never overwrites a newer record; and one replay more on the count.
 *
 * Taken off: the letter's own headers (they speak of a failure that is over), the addresses `CC` and `BCC`, `user_id` and
 * `expiration`, and `x-delivery-count`: as a count of the letter's deliveries it would pass for the record's, and a
 * record that was delivered that often is suspected of ending the process and condemned again unread.
 */
import type { Headers } from '@inator/runtime';
import type { Options } from 'amqplib';
import { createHeaderBudget } from './headers.ts';
import type { KeptLetter } from './kept-letter.ts';
import { addresses, firstSeenHeader, safeProperties } from './letter.ts';

/** Counts how often a letter was sent back; it survives every further failure. */
const replaysHeader = 'x-inator-replays';
/** Kept for the next letter, which would otherwise only know of the default exchange and of its own time. */
const origin = ['x-inator-exchange', 'x-inator-routing-key', firstSeenHeader];
/** Encoded size of all headers: amqplib refuses 64 KiB, and letters of ours have at most a quarter of that. */
const maxHeaderBytes = 48 * 1024;

export function replaysOf({ headers }: { readonly headers?: Headers | undefined }): number {
  const value = headers?.[replaysHeader];
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

/** How the letter is published to its queue again. */
export function replayOptions(letter: KeptLetter): Options.Publish {
  const budget = createHeaderBudget(maxHeaderBytes);
  budget.add(replaysHeader, replaysOf(letter) + 1);
  for (const [name, value] of Object.entries(letter.headers)) {
    if (addresses.test(name) || name === 'x-delivery-count') continue;
    if (name.startsWith('x-inator-') && !origin.includes(name)) continue;
    budget.add(name, value);
  }
  const { messageId, ...properties } = safeProperties(letter.properties);
  // A letter whose original had no id was given its own.
  const isOurs = messageId === undefined || messageId === letter.headers['x-inator-id'];
  return {
    ...properties,
    ...(isOurs ? {} : { messageId }),
    persistent: true,
    mandatory: true,
    headers: budget.headers,
  };
}
