/**
 * Holds a batch through an outage: deliveries stay unacked and the same batch is tried again in place, with back-off and
 * without a limit of tries. Returning it instead would spend a quorum queue's delivery limit (20 by default on
 * RabbitMQ 4) within minutes and dead-letter good records.
 *
 * Also asks the canary about suspects: an error that no table knows may be an outage in disguise, and a time limit that
 * was passed the slowness of the store.
 */
import { type BackoffOptions, backoffMs, delay } from '../backoff.ts';
import { fault } from '../fault.ts';
import { asSinkError, type Sink, SinkError } from '../sink.ts';
import { createPatience } from './patience.ts';
import { LetGo, PutOff, type Write } from './write.ts';

export interface HoldSettings {
  readonly retry: BackoffOptions;
  /** Back-off for what only an operator can mend. */
  readonly misconfigured: BackoffOptions;
  /**
   * A hold lets go after this long: a quarter of the broker's delivery-ack timeout, so that the broker never has to
   * close the channel under a write that is about to succeed.
   */
  readonly limitMs: number;
  /** Tries of a suspect batch while the canary passes, before it is divided; of a single record, before it is condemned. */
  readonly suspectTries: number;
  readonly suspectTriesAlone: number;
  /**
   * A single record is condemned for an unknown cause only if others were written after it failed, which shows that the
   * store is well; where nothing else is written, not before it has failed for so many milliseconds.
   */
  readonly suspectAloneMs: number;
  /** A store whose canary takes longer, in milliseconds, is slow: nothing that took too long is held against a batch. */
  readonly promptMs: number;
}

export const defaultHold: HoldSettings = {
  // An outage may end just after a try, and what was held is to be under way again within 30 s of its end.
  retry: { firstMs: 100, maxMs: 10_000 },
  misconfigured: { firstMs: 1_000, maxMs: 60_000 },
  limitMs: 450_000,
  suspectTries: 3,
  suspectTriesAlone: 5,
  suspectAloneMs: 60_000,
  promptMs: 1_000,
};

export function hold<R>(inner: Write<R>, check: Sink<R>['check'], settings: HoldSettings): Write<R> {
  const patience = createPatience();
  return async (batch, context) => {
    const alone = batch.records.length === 1 ? batch.records[0] : undefined;
    let heldSince: number | undefined;
    let outages = 0;
    let suspicions = 0;
    for (;;) {
      if (context.abort.aborted) throw new LetGo('aborted');
      const startedAt = performance.now();
      try {
        context.attempt();
        const receipt = await inner(batch, context);
        const endedAt = performance.now();
        patience.stored(receipt, startedAt, endedAt);
        patience.settled(alone);
        if (heldSince !== undefined) context.released(endedAt - heldSince);
        return receipt;
      } catch (thrown) {
        const endedAt = performance.now();
        if (context.abort.aborted) throw new LetGo('aborted');
        let error = asSinkError(thrown);
        if (error.is === 'refused') throw error;
        if (error.halve && alone === undefined) throw error;
        if (error.halve && alone !== undefined) {
          // The store lacked memory for one record: it may be too large for it, or the store may lack memory for any.
          if (await passes(check, context.abort)) {
            const { tries, compared } = patience.failed(alone, endedAt);
            if (tries >= settings.suspectTriesAlone && compared) {
              patience.settled(alone);
              throw tooLarge(error);
            }
            if (context.others) throw new PutOff();
          }
        } else if (error.slow) {
          if (await passes(check, context.abort, settings.promptMs)) {
            if (alone === undefined) throw error;
            const tries = patience.passedLimit(alone, startedAt, endedAt);
            if (error.is === 'suspect' && tries >= settings.suspectTriesAlone) {
              patience.settled(alone);
              throw error;
            }
            if (context.others) throw new PutOff();
          }
        } else if (error.is === 'suspect') {
          if (await passes(check, context.abort)) {
            suspicions += 1;
            if (alone === undefined) {
              if (suspicions >= settings.suspectTries) throw error;
            } else {
              const { tries, forMs, compared } = patience.failed(alone, endedAt);
              if (tries >= settings.suspectTriesAlone && (compared || forMs >= settings.suspectAloneMs)) {
                patience.settled(alone);
                throw error;
              }
              if (context.others) throw new PutOff();
            }
          } else {
            error = new SinkError('unavailable', error.fault, { cause: error });
          }
        }
        outages += 1;
        heldSince ??= endedAt;
        // A session that ended gets its records delivered again; holding them here as well would write them twice over.
        if (context.gone.aborted) throw new LetGo('gone');
        if (performance.now() - heldSince > settings.limitMs) throw new LetGo('timeout');
        const wait = backoffMs(outages, error.is === 'misconfigured' ? settings.misconfigured : settings.retry);
        context.held(error.fault, outages, wait);
        await delay(wait, AbortSignal.any([context.abort, context.gone]));
        if (context.gone.aborted) throw new LetGo('gone');
      }
    }
  };
}

/** What takes more than the store has, while the store takes others. */
function tooLarge({ fault: { stage, reason, native } }: SinkError): SinkError {
  const found = fault('limit-refused', stage, `even alone it is more than the store takes: ${reason}`, { native });
  return new SinkError('refused', found, { halve: true });
}

/** Whether the canary passes, and within this time. */
async function passes(
  check: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
  withinMs = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  const asked = performance.now();
  try {
    await check(signal);
    return performance.now() - asked <= withinMs;
  } catch {
    return false;
  }
}
