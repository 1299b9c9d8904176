/**
 * Where letters are handed in: one confirm channel for one queue's letters, on a connection that nothing else uses.
 *
 * In an alarm the broker stops reading from connections that publish; on the consumers' connection that would stop their
 * acks as well. A letter is published once however often it is handed in: as long as its confirm may still come, trying
 * again waits for that confirm, so an outage of the broker does not multiply letters. What is under way is bounded by
 * `maxLetters` and `maxBytes`: a place is given back only when the broker has answered or the channel has ended.
 * The broker refuses a letter (one larger than it takes, say) by closing the channel, without naming the letter: all that
 * were under way are suspects, and each goes alone from then on, so one letter cannot take others down with it twice.
 */
import { within } from '@inator/runtime';
import type { Options } from 'amqplib';
import type { Broker } from './broker.ts';
import { type ChannelLoss, type Confirms, openConfirms, type PublishEnd } from './confirms.ts';
import { asSourceError, brokerError, classify } from './faults.ts';
import { createPlaces } from './places.ts';
import { declareDeadLetters, type QueueSpec } from './topology.ts';
import { orAborted } from './waiting.ts';

export interface LetterBox {
  /**
   * Resolves when the broker confirmed the letter and a queue took it; rejects with `SourceError`, at the latest after
   * the confirm's deadline or when `signal` aborts. `about` is what the letter is about: trying again with the same one
   * waits for the letter that is under way instead of publishing another.
   */
  send(about: object, letter: () => OutgoingLetter, signal: AbortSignal): Promise<void>;
}

export interface OutgoingLetter {
  readonly body: Buffer;
  readonly options: Options.Publish;
}

/** Letters under way at a time: pipelined confirms are what makes letters fast; more gains nothing. */
const maxLetters = 256;
/** Bodies under way at a time, in bytes; a single larger one passes alone. */
const maxBytes = 16 * 1024 * 1024;
/** For each wait on the way of one letter, in milliseconds. */
const letterMs = 10_000;

export function createLetterBox(broker: Broker, spec: QueueSpec): LetterBox {
  const { deadLetterExchange: exchange, deadLetterQueue } = spec;
  /** Letters that were published and whose sender has not heard yet. Weak: senders may never ask again. */
  const underWay = new WeakMap<object, Promise<void>>();
  const suspects = new WeakSet<object>();
  const places = createPlaces(maxLetters, maxBytes);
  let opening: Promise<Confirms> | undefined;

  /**
   * The channel, opened when there is none. Opening declares the dead-letter pair again: a pair that was deleted fails
   * one attempt, visibly, and is there for the next.
   */
  function channel(): Promise<Confirms> {
    if (opening === undefined) {
      const mine = openDeclared();
      opening = mine;
      const leave = (): void => {
        if (opening === mine) opening = undefined;
      };
      mine.then((confirms) => confirms.lost.then(leave), leave);
    }
    return opening;
  }

  async function openDeclared(): Promise<Confirms> {
    const confirms = await openConfirms(broker);
    try {
      await declareDeadLetters(broker, confirms.channel, spec);
      return confirms;
    } catch (error) {
      void confirms.close();
      throw error;
    }
  }

  /** A channel with nothing pending is closed, so that the next letter declares the pair again. */
  function renew(confirms: Confirms): void {
    if (confirms.pending > 0) return;
    opening = undefined;
    void confirms.close();
  }

  function verdict(end: PublishEnd, loss: ChannelLoss): Error | undefined {
    if (end === 'confirmed') return undefined;
    if (end === 'unroutable') {
      const why = `no queue is bound to ${exchange}: the letter went nowhere`;
      return brokerError('misconfigured', why, undefined, 'settle');
    }
    if (end === 'nacked') {
      const why = `${deadLetterQueue} refuses letters: it is full, or it failed`;
      return brokerError('misconfigured', why, undefined, 'settle');
    }
    const what = `the letter to ${exchange} was not confirmed`;
    return brokerError(loss === undefined ? 'unavailable' : classify(loss), what, loss, 'settle');
  }

  /** Resolves when the letter is under way. */
  async function publish(about: object, letter: () => OutgoingLetter, signal: AbortSignal): Promise<void> {
    const { blocked } = broker.status();
    if (blocked !== undefined) {
      const why = `${broker.address} takes no messages while in alarm: ${blocked}`;
      throw brokerError('unavailable', why, undefined, 'settle');
    }
    const { body, options } = letter();
    const place = places.ask(suspects.has(about) ? maxBytes : body.length);
    try {
      await wait(place.given, signal, `a place among ${maxLetters} letters to ${exchange}`);
      const confirms = await wait(channel(), signal, `opening a channel for ${exchange}`);
      const answer = new Promise<void>((resolve, reject) => {
        confirms.publish(exchange, '', body, options, (end, loss) => {
          place.leave();
          const error = verdict(end, loss);
          if (end === 'unroutable') renew(confirms);
          if (end === 'lost' && loss !== undefined && classify(loss) === 'misconfigured') suspects.add(about);
          else suspects.delete(about);
          if (error === undefined) resolve();
          else reject(error);
        });
      });
      underWay.set(about, answer);
      // By then the sender may have gone. A letter that failed, or could not even be encoded, is not under way.
      answer.catch(() => {
        place.leave();
        underWay.delete(about);
      });
    } catch (error) {
      place.leave();
      throw error;
    }
  }

  return {
    async send(about, letter, signal) {
      try {
        if (!underWay.has(about)) await publish(about, letter, signal);
        const answer = underWay.get(about);
        if (answer === undefined)
          throw brokerError('unavailable', `the letter to ${exchange} was lost`, undefined, 'settle');
        await wait(answer, signal, `the confirm of a letter to ${exchange}`);
      } catch (error) {
        throw asSourceError(`the letter to ${exchange} could not be handed in`, error, 'settle');
      }
    },
  };
}

function wait<T>(promise: Promise<T>, signal: AbortSignal, what: string): Promise<T> {
  return within(orAborted(promise, signal, what, 'settle'), letterMs, what);
}
