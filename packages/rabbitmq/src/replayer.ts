/**
 * Sends letters back to the queue they came from, and to it alone: through the default exchange, because the producers'
 * exchange would give the record to every other service as well. Needs the right to write to `amq.default`.
 *
 * It has a channel of its own, best on a connection of its own: one that publishes is not read in an alarm, and acks on
 * it would stop.
 */
import type { Broker } from './broker.ts';
import { openConfirms } from './confirms.ts';
import { asSourceError, brokerError, classify } from './faults.ts';
import type { KeptLetter } from './kept-letter.ts';
import { createPlaces } from './places.ts';
import { replayOptions } from './replay.ts';
import { orAborted } from './waiting.ts';

export interface Replayer {
  /**
   * Resolves when there is room for the letter and it was given to the connection, with a promise of its confirm: only
   * when that resolves may the letter be removed. Both reject with `SourceError`.
   */
  send(queue: string, letter: KeptLetter, signal: AbortSignal): Promise<{ readonly confirmed: Promise<void> }>;
  close(): Promise<void>;
}

/** Letters under way at a time, and bytes of them; a single larger one passes alone. */
const maxUnderWay = 256;
const maxBytes = 16 * 1024 * 1024;
/** For the confirm of one letter, in milliseconds. */
const confirmMs = 30_000;

export async function openReplayer(broker: Broker): Promise<Replayer> {
  const confirms = await openConfirms(broker);
  const places = createPlaces(maxUnderWay, maxBytes);

  function publish(queue: string, { body, ...letter }: KeptLetter, left: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = (is: 'unavailable' | 'misconfigured', why: string, thrown?: unknown): void =>
        reject(brokerError(is, why, thrown, 'settle'));
      confirms.publish('', queue, body, replayOptions({ body, ...letter }), (end, loss) => {
        left();
        if (end === 'confirmed') resolve();
        else if (end === 'unroutable') refuse('misconfigured', `there is no queue ${queue} to send letters back to`);
        else if (end === 'nacked')
          refuse('misconfigured', `the queue ${queue} refuses messages: it is full, or it failed`);
        else
          refuse(loss === undefined ? 'unavailable' : classify(loss), `a letter to ${queue} was not confirmed`, loss);
      });
    });
  }

  return {
    async send(queue, letter, signal) {
      const place = places.ask(letter.body.length);
      try {
        await orAborted(place.given, signal, `a place among ${maxUnderWay} letters to ${queue}`, 'settle');
        if (confirms.isBehind) await orAborted(confirms.drained(), signal, `sending letters to ${queue}`, 'settle');
        const publishing = publish(queue, letter, () => place.leave());
        const confirmed = broker
          .within(publishing, confirmMs, `the confirm of a letter to ${queue}`)
          .catch((error: unknown) => {
            // Unless it never got its confirm, it has left already.
            place.leave();
            const { blocked } = broker.status();
            const why = blocked === undefined ? `a letter to ${queue}` : `the broker takes no messages (${blocked})`;
            throw asSourceError(why, error, 'settle');
          });
        return { confirmed };
      } catch (error) {
        place.leave();
        throw asSourceError(`a letter to ${queue} could not be sent`, error, 'settle');
      }
    },
    close: () => confirms.close(),
  };
}
