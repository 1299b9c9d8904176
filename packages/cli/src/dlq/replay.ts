/**
 * Letters back to the queues they came from.
 *
 * What must stay true: a letter is removed only after the broker has confirmed its copy in the queue. Wherever this is
 * interrupted, a letter is in the dead-letter queue, in the queue, or in both; a record that comes twice is recognised
 * by its hash or its version.
 */
import { openLetterReader, type Replayer } from '@inator/rabbitmq';
import { orAborted } from '../publish/interruption.ts';
import type { Rate } from '../publish/rate.ts';
import { type Filter, matches } from './filter.ts';
import { infoOf } from './letter.ts';
import type { LetterQueues, Place, Selection } from './places.ts';

export interface ReplayOptions {
  readonly selection: Selection;
  readonly filter: Filter;
  readonly limit: number | undefined;
  readonly maxReplays: number;
  readonly rate: Rate | undefined;
  readonly anyDeliveryLimit: boolean;
  readonly signal: AbortSignal;
}

export interface PlaceTally {
  readonly service: string;
  readonly type: string;
  readonly queue: string;
  /** Letters there at the beginning. */
  readonly depth: number;
  seen: number;
  /** Confirmed in their queue, and taken from the letters. */
  replayed: number;
  /** They match, but were replayed as often as is allowed. */
  skipped: number;
}

export interface ReplayResult {
  readonly ended: 'complete' | 'limit' | 'interrupted' | 'failed';
  readonly failure: { readonly error: unknown } | undefined;
}

/** A third of RabbitMQ's default patience with unacked messages (`consumer_timeout`, 30 minutes). */
const renewAfterMs = 600_000;
/** After an interruption, how long the broker may take for the confirms that are due. */
const confirmMs = 15_000;

/** Replays until done, or until something fails; `tallies` holds what was done in either case. */
export async function replayAll(
  queues: LetterQueues,
  options: ReplayOptions,
  tallies: PlaceTally[],
): Promise<ReplayResult> {
  const { signal, limit } = options;
  let failure: ReplayResult['failure'];
  let sent = 0;
  let replayer: Replayer | undefined;
  const left = (): number => (limit === undefined ? Number.POSITIVE_INFINITY : limit - sent);

  async function replayPlace(place: Place, tally: PlaceTally, to: Replayer): Promise<void> {
    const reader = await openLetterReader(queues.broker, place.spec, {
      anyDeliveryLimit: options.anyDeliveryLimit,
      renewAfterMs,
      ...(limit === undefined ? {} : { expected: left() }),
    });
    const failing = new AbortController();
    const stop = AbortSignal.any([signal, failing.signal]);
    const underWay = new Set<Promise<void>>();
    function fail(error: unknown): void {
      failure ??= { error };
      failing.abort();
    }
    let renewals = 0;
    try {
      while (left() > 0) {
        const letter = await reader.next(stop);
        if (letter === undefined) break;
        if (reader.renewals > renewals) {
          // The walk began anew: what it passes by again was counted before.
          renewals = reader.renewals;
          tally.seen = tally.replayed;
          tally.skipped = 0;
        }
        tally.seen += 1;
        const info = infoOf(letter);
        const isMeant = matches(options.filter, info);
        if (isMeant && info.replays >= options.maxReplays) tally.skipped += 1;
        if (!isMeant || info.replays >= options.maxReplays) {
          letter.keep();
          continue;
        }
        await options.rate?.take(stop);
        if (stop.aborted) break;
        const { confirmed } = await to.send(place.spec.queue, letter, stop);
        sent += 1;
        const settled = confirmed
          .then(() => {
            letter.remove();
            tally.replayed += 1;
          })
          .catch(fail);
        underWay.add(settled);
        void settled.finally(() => underWay.delete(settled));
      }
    } catch (error) {
      // Sending that Ctrl-C ended has not failed.
      if (!stop.aborted) fail(error);
    }
    const settled = Promise.all(underWay);
    await (stop.aborted ? orAborted(settled, AbortSignal.timeout(confirmMs)) : settled);
    await reader.close().catch(fail);
  }

  try {
    for (const { place, depth } of await queues.present(options.selection)) {
      if (signal.aborted || failure !== undefined || left() <= 0) break;
      const { service, type, spec } = place;
      const tally = { service, type, queue: spec.queue, depth, seen: 0, replayed: 0, skipped: 0 };
      tallies.push(tally);
      if (depth === 0) continue;
      replayer ??= await queues.replayer();
      await replayPlace(place, tally, replayer);
    }
  } catch (error) {
    failure ??= { error };
  }
  await replayer?.close();
  const whole = left() <= 0 ? 'limit' : 'complete';
  return { ended: failure !== undefined ? 'failed' : signal.aborted ? 'interrupted' : whole, failure };
}
