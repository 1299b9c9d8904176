/**
 * One input through one outlet: reads, sends, settles, and keeps the saved position honest.
 *
 * What must stay true: a position is saved only when every item before it is confirmed by the broker or stands, on disk,
 * in the reject file.
 */
import { CliError } from '../exit.ts';
import { orAborted } from './interruption.ts';
import type { Item, Items, Position } from './item.ts';
import type { Outlet } from './outlet.ts';
import type { Rate } from './rate.ts';
import type { Rejects } from './rejects.ts';
import type { Progress } from './state.ts';
import { createWatermark, type Ticket } from './watermark.ts';

/** What became of the items of this run, earlier runs not counted. */
export interface Tally {
  /** Items read. */
  read: number;
  published: number;
  refused: number;
  signals: number;
  /** Published to an exchange without a queue: gone. Counted only where that is allowed. */
  unroutable: number;
}

export interface PumpOptions {
  readonly items: Items;
  readonly outlet: Outlet;
  readonly rejects: Rejects;
  /** How the input is called in rejects and errors. */
  readonly name: string;
  readonly exchange: string;
  /** Where reading starts, with the counts of earlier runs. */
  readonly from: Progress;
  /** Items of the input to publish, from its beginning. */
  readonly limit: number | undefined;
  readonly rate: Rate | undefined;
  readonly allowUnroutable: boolean;
  readonly signal: AbortSignal;
  /** Counts as they grow: what a progress bar reads. */
  readonly tally: Tally;
  /** Called at most every half second with what may be saved; undefined where there is nothing to resume. */
  readonly save: ((progress: Progress) => Promise<void>) | undefined;
}

export interface Pumped {
  readonly ended: 'complete' | 'limit' | 'interrupted';
  readonly progress: Progress;
}

/** Between two saves: what a kill -9 can make a resumed run publish again, besides the unconfirmed ones. */
const saveEveryMs = 500;
/** After an interruption, how long the broker may take for the confirms that are due. */
const confirmMs = 15_000;
/** Bytes of rejects that may wait in memory. */
const maxRejectBacklog = 4 * 1024 * 1024;

function noQueue(exchange: string): CliError {
  return new CliError(`no queue is bound to the exchange "${exchange}": the broker would drop the records`, {
    next: 'start the service once, it binds its queue; or accept the loss with --allow-unroutable',
  });
}

export async function pump(options: PumpOptions): Promise<Pumped> {
  const { outlet, rejects, name, from, limit, rate, signal, tally } = options;
  let position: Position = from.position;
  let { published, refused, signals } = from;
  let failed: { readonly error: unknown } | undefined;
  let flushed = rejects.length;

  const watermark = createWatermark<Item>((item) => {
    position = item.next;
    if (item.is === 'refused') {
      refused += 1;
      rejects.add(name, item);
    } else if (item.is === 'record') published += 1;
    else signals += 1;
  });
  const stopped = new AbortController();
  const stop = AbortSignal.any([signal, stopped.signal]);
  function fail(error: unknown): void {
    failed ??= { error };
    stopped.abort();
  }

  function progress(complete: boolean): Progress {
    return { position, published, refused, signals, rejectsBytes: rejects.length, complete };
  }
  let saved = from.position.items;
  let saving: Promise<void> = Promise.resolve();
  /** One save after the other; the reject file first, for the position speaks for it. */
  function save(): Promise<void> {
    saving = saving.then(async () => {
      const now = progress(false);
      await rejects.flush();
      flushed = now.rejectsBytes;
      if (options.save !== undefined && now.position.items !== saved) {
        await options.save(now);
        saved = now.position.items;
      }
    });
    return saving;
  }

  let inFlight = 0;
  let idle: (() => void) | undefined;
  function landed(item: Item, outcome: 'routed' | 'unroutable', ticket: Ticket<Item>): void {
    if (outcome === 'unroutable' && !options.allowUnroutable) {
      // Not settled: a run after the queue was bound publishes it again.
      fail(noQueue(options.exchange));
      return;
    }
    if (outcome === 'unroutable') tally.unroutable += 1;
    if (item.is === 'record') tally.published += 1;
    else tally.signals += 1;
    watermark.settle(ticket);
  }
  function send(item: Extract<Item, { is: 'record' | 'signal' }>): void {
    const ticket = watermark.open(item);
    inFlight += 1;
    outlet
      .send(item.body)
      .then((outcome) => landed(item, outcome, ticket), fail)
      .finally(() => {
        inFlight -= 1;
        if (inFlight === 0) idle?.();
      });
  }

  /** Waits for what is in flight: for as long as it takes, but only a while once the run was stopped. */
  function confirmed(): Promise<void> {
    if (inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const hurry = (): void => void setTimeout(resolve, confirmMs).unref();
      idle = () => {
        stop.removeEventListener('abort', hurry);
        resolve();
      };
      if (stop.aborted) hurry();
      else stop.addEventListener('abort', hurry, { once: true });
    });
  }

  async function read(): Promise<'complete' | 'limit' | 'interrupted'> {
    for await (const group of options.items) {
      for (const item of group) {
        if (limit !== undefined && item.next.items > limit) return 'limit';
        if (item.is !== 'refused') {
          await rate?.take(stop);
          const ready = outlet.ready(stop);
          if (ready !== undefined) await ready;
        }
        if (stop.aborted) return 'interrupted';
        tally.read += 1;
        if (item.is === 'refused') {
          tally.refused += 1;
          watermark.settle(watermark.open(item));
        } else {
          send(item);
        }
      }
      if (rejects.length - flushed > maxRejectBacklog) await save();
    }
    return signal.aborted ? 'interrupted' : 'complete';
  }

  const timer = setInterval(() => void save().catch(fail), saveEveryMs);
  let ended: Pumped['ended'] = 'interrupted';
  try {
    ended = await read();
  } catch (error) {
    // An aborted input ends with an error of its own; the interruption is the news.
    if (!signal.aborted) fail(error);
  }
  // Also after a failure: what the broker still confirms need not be published again.
  await confirmed();
  clearInterval(timer);
  // Whatever went wrong, what is confirmed stays confirmed.
  await save().catch(fail);
  if (failed !== undefined) throw failed.error;
  return { ended, progress: progress(ended === 'complete') };
}

/** Publishes the signal that ends a file or a run; false when it was interrupted before the broker confirmed it. */
export async function announce(
  outlet: Outlet,
  exchange: string,
  body: Uint8Array,
  allowUnroutable: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  await outlet.ready(signal);
  const outcome = await orAborted(outlet.send(body), signal);
  if (outcome === 'unroutable' && !allowUnroutable) throw noQueue(exchange);
  return outcome !== undefined;
}
