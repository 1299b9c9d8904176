/**
 * The letters of one dead-letter queue, oldest first, lent to a person's command: each is looked at and then kept or
 * removed; what is kept, or never decided, is in the queue afterwards as before, in the order it was.
 *
 * Letters are consumed and left unacked, and closing the channel gives them back: nothing is published to walk past a
 * letter, so a walk that is killed leaves every letter where it is. What the broker lends without an ack is bounded per
 * consumer (2,000 is what one may count on with a quorum queue), so a long walk takes several pages: a channel whose
 * consumer takes exactly a window and is cancelled before the next page is taken. Ours is therefore the only consumer,
 * one at a time, and all letters of a page are older than those of the next.
 *
 * Pages are given back by closing their channels, first page first, each awaited: a quorum queue puts what one closed
 * channel held back in the order of delivery (seen with RabbitMQ 3.10); of a `nack` of many, or of channels that end
 * together, nothing is known.
 * Held here are only bodies of one page's letters that nobody has decided on yet.
 */
import { delay, type SourceError } from '@inator/runtime';
import type { ConsumeMessage } from 'amqplib';
import type { Broker } from './broker.ts';
import { asSourceError, brokerError } from './faults.ts';
import { type KeptLetter, keptLetter } from './kept-letter.ts';
import { surelyUnlimited, tooOften } from './letter-limit.ts';
import { closePages, type Page, takePage } from './letter-pages.ts';
import type { QueueSpec } from './topology.ts';

/**
 * A letter on loan. One of the two is called before long, since the broker's patience
 * with unacked messages is finite; after `close` was called neither does anything.
 */
export interface LentLetter extends KeptLetter {
  /** It stays in the queue, unless it is removed later. Not allowed with `renewAfterMs`: there it stays. */
  keep(): void;
  /**
   * It leaves the queue: for good, when `close` of the reader has resolved. Throws `SourceError` when the connection was
   * lost before: then it is in the queue, whoever saw it go.
   */
  remove(): void;
}

export interface LetterReader {
  readonly queue: string;
  /** Letters waiting when the reader was opened: as many are lent, later ones are left alone. */
  readonly depth: number;
  /** Times the walk has begun anew, see `renewAfterMs`. Letters kept before are then lent a second time. */
  readonly renewals: number;
  /**
   * The next letter; undefined at the end, and when `signal` aborts. Rejects with `SourceError` when the connection was
   * lost: everything not removed is then back in the queue.
   */
  next(signal: AbortSignal): Promise<LentLetter | undefined>;
  /**
   * Gives back what was not removed, in order. Rejects when it could not be assured that what was removed is gone: then
   * some of it may come again. Never loses a letter.
   */
  close(): Promise<void>;
}

export interface LetterReaderOptions {
  /** Letters that will be asked for, where it is known: not many more are then touched. */
  readonly expected?: number;
  /**
   * A walk that lasts longer gives everything back and begins anew, behind nothing that was removed. For walks slower
   * than the broker's patience with unacked messages (`consumer_timeout`, 30 minutes by default). Default: never.
   */
  readonly renewAfterMs?: number;
  /** Read on, although the broker may drop letters that were returned too often. Default false. */
  readonly anyDeliveryLimit?: boolean;
}

/** For one exchange of frames that the broker answers at once, in milliseconds. */
const answerMs = 10_000;
/** First window: before anything is known about the letters' sizes. */
const firstWindow = 200;
/** Largest window: what a quorum queue lends one consumer that asks for no limit. */
const maxWindow = 2_000;
const minWindow = 50;
/** Bytes of bodies that a window should not exceed, judged by the mean size seen. */
const windowBytes = 64 * 1024 * 1024;
/** While others decide, how often it is looked whether all is decided, in milliseconds. */
const undecidedMs = 20;

/** Letters ready in the queue and who consumes it; undefined when there is no such queue. */
export async function letterQueue(
  broker: Broker,
  queue: string,
): Promise<{ readonly depth: number; readonly consumers: number } | undefined> {
  const channel = await broker.channel();
  try {
    const found = await broker.within(channel.checkQueue(queue), answerMs, `asking for the queue ${queue}`);
    return { depth: found.messageCount, consumers: found.consumerCount };
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 404) return undefined;
    throw asSourceError(`the queue ${queue} cannot be asked for`, error);
  } finally {
    channel.close().catch(() => {});
  }
}

/** Opens a walk over the letters of `spec`'s dead-letter queue. Rejects with `SourceError`. */
export async function openLetterReader(
  broker: Broker,
  spec: QueueSpec,
  options: LetterReaderOptions = {},
): Promise<LetterReader> {
  const queue = spec.deadLetterQueue;
  const found = await letterQueue(broker, queue);
  if (found === undefined) throw brokerError('misconfigured', `there is no queue ${queue}`);
  if (found.consumers > 0) {
    const why = `the queue ${queue} is being read by somebody else (${found.consumers} consumers): each would see a part`;
    throw brokerError('unavailable', why);
  }
  const guarded = options.anyDeliveryLimit !== true && !(await surelyUnlimited(broker, spec));
  /** For questions about the queue while the pages are busy. */
  const side = await broker.channel();

  let pages: Page[] = [];
  let goal = found.depth;
  let taken = 0;
  let kept = 0;
  let undecided = 0;
  let renewals = 0;
  /** Since the walk began, or began anew. */
  let removals = 0;
  let begun = performance.now();
  let arrivals = 0;
  let bytes = 0;
  let loss: SourceError | undefined;
  let closed = false;
  let removedAny = false;
  /** The last letter taken had been returned before, so that more of that kind may follow. */
  let endsReturned = false;

  function lost(why: string, error?: unknown): void {
    if (!closed) loss ??= brokerError('unavailable', why, error);
  }

  function throwLoss(): void {
    if (loss !== undefined) throw loss;
  }

  async function ready(): Promise<number> {
    const asked = broker.within(side.checkQueue(queue), answerMs, `asking for the queue ${queue}`);
    return (await asked).messageCount;
  }

  function windowOf(left: number): number {
    // The first page touches no more than it must; if it does not suffice, the walk is a long one.
    if (arrivals === 0) return Math.max(1, Math.min(left, options.expected ?? firstWindow, firstWindow));
    const fitting = Math.floor(windowBytes / Math.max(1, bytes / arrivals));
    return Math.min(left, maxWindow, Math.max(minWindow, fitting));
  }

  async function turnPage(left: number): Promise<Page> {
    // A page with nothing left to give back needs no channel any more.
    for (const page of pages.filter(({ lent }) => lent === 0)) {
      pages = pages.filter((other) => other !== page);
      await page.close();
    }
    const page = await takePage({ broker, queue, ready, lost }, windowOf(left));
    pages.push(page);
    arrivals += page.messages.length;
    for (const { content } of page.messages) bytes += content.length;
    const last = page.messages.at(-1);
    if (last !== undefined) endsReturned = last.fields.redelivered && keptLetter(last).returns > 0;
    return page;
  }

  function lend(message: ConsumeMessage, page: Page): LentLetter {
    // What outlives the decision must not hold the body: a caller may hold many letters' `remove`.
    const { deliveryTag } = message.fields;
    let is: 'undecided' | 'kept' | 'removed' = 'undecided';
    undecided += 1;
    function become(next: typeof is): boolean {
      if (closed || loss !== undefined) return false;
      if (is === 'undecided') undecided -= 1;
      kept += (next === 'kept' ? 1 : 0) - (is === 'kept' ? 1 : 0);
      is = next;
      return true;
    }
    return {
      ...keptLetter(message),
      keep() {
        if (is === 'undecided') become('kept');
      },
      remove() {
        if (is === 'removed' || closed) return;
        throwLoss();
        become('removed');
        removedAny = true;
        removals += 1;
        page.remove(deliveryTag);
        // The ack itself may show the loss.
        throwLoss();
      },
    };
  }

  /**
   * A quorum queue lends what was returned to it before all else, and puts what returns behind that: a walk that ends
   * among letters returned earlier would put its own behind them. So these are taken along, up to the first letter that
   * was never returned. They pass by, nothing of them is kept here.
   */
  async function takeReturned(): Promise<void> {
    while (endsReturned) {
      const waiting = await ready();
      if (waiting === 0) return;
      (await turnPage(waiting)).messages.length = 0;
    }
  }

  async function giveBack(): Promise<void> {
    await takeReturned();
    const giving = pages;
    pages = [];
    await closePages(giving, ready);
  }

  async function renew(signal: AbortSignal): Promise<void> {
    while (undecided > 0 && !signal.aborted && loss === undefined) await delay(undecidedMs, signal);
    if (undecided > 0) return;
    const left = kept + (goal - taken);
    await giveBack();
    goal = left;
    taken = 0;
    endsReturned = false;
    kept = 0;
    removals = 0;
    renewals += 1;
    begun = performance.now();
  }

  /** The next arrival, undefined at the end. */
  async function nextArrival(signal: AbortSignal): Promise<LentLetter | undefined> {
    throwLoss();
    // A walk that removed nothing would only see the same letters again, for ever.
    const isDue = removals > 0 && performance.now() - begun > (options.renewAfterMs ?? Number.POSITIVE_INFINITY);
    if (isDue) await renew(signal);
    throwLoss();
    if (signal.aborted || taken >= goal) return undefined;
    const last = pages.at(-1);
    const page = last === undefined || last.messages.length === 0 ? await turnPage(goal - taken) : last;
    const message = page.messages.shift();
    if (message === undefined) return undefined;
    taken += 1;
    return lend(message, page);
  }

  let closing: Promise<void> | undefined;
  async function shut(): Promise<void> {
    closed = true;
    if (loss !== undefined) {
      for (const page of pages.splice(0)) page.abandon();
      side.close().catch(() => {});
      if (removedAny) throw loss;
      return;
    }
    try {
      await giveBack();
      await broker.within(side.close(), answerMs, 'closing a channel');
    } catch (error) {
      // Nobody can tell then; whatever was only kept is in the queue either way.
      if (removedAny) throw asSourceError(`letters taken out of ${queue} may still be there`, error);
    }
  }

  return {
    queue,
    depth: found.depth,
    get renewals() {
      return renewals;
    },
    async next(signal) {
      try {
        const letter = await nextArrival(signal);
        if (letter === undefined) return undefined;
        if (guarded && tooOften(letter)) {
          letter.keep();
          const why = `letters of ${queue} were returned ${letter.returns} times, and the queue was not declared with inator's x-delivery-limit: from its limit on (20 by default since RabbitMQ 4) the broker drops a letter that is returned`;
          throw brokerError('misconfigured', why);
        }
        return letter;
      } catch (error) {
        throw asSourceError(`${queue} cannot be read`, error);
      }
    },
    close() {
      closing ??= shut();
      return closing;
    },
  };
}
