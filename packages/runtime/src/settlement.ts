/**
 * From outcomes to acks and letters. What must stay true: an ack follows the commit, a letter's confirm precedes the ack
 * of its original, and nothing is settled for a session that has ended.
 */
import { backoffMs, delay } from './backoff.ts';
import type { Budget } from './budget.ts';
import type { LaneCore } from './core.ts';
import { type Delivery, SourceError, weightOf } from './delivery.ts';
import { MarkInterrupted } from './extraction.ts';
import { failpoint, failpointsArmed } from './failpoint.ts';
import { type Fault, fault } from './fault.ts';
import type { Loan } from './intake.ts';
import type { Model, Signal } from './model.ts';
import { asSinkError, type Outcome, type Sink, SinkError } from './sink.ts';

export interface Settlement {
  /** Acks what is stored and condemns what is refused; resolves with the number refused, letters not awaited. */
  settle(
    from: Loan,
    deliveries: readonly Delivery[],
    records: readonly { readonly key: string }[],
    outcomes: readonly Outcome[],
  ): Promise<number>;
  /** Publishes the letter, trying until it is confirmed or the session has ended; until then the original is unsettled. */
  condemn(from: Loan, delivery: Delivery, found: Fault, key: string | undefined, attempts: number): void;
  /** Tells the sink of a signal, trying until it has understood, and acks the signal. */
  mark(from: Loan, delivery: Delivery, signal: Signal): void;
  /** Resolves when nothing of the loan is in hand, or it has ended. */
  idle(from: Loan): Promise<void>;
  /** Forgets everything in hand: the session has ended, the broker delivers it again. */
  forfeit(from: Loan): void;
}

export interface SettlementParts<R> {
  readonly core: LaneCore;
  readonly model: Model<R>;
  readonly sink: Sink<R>;
  readonly budget: Budget;
  /** Told after deliveries of a loan were settled. */
  settled(from: Loan): void;
}

export function createSettlement<R>({ core, model, sink, budget, settled }: SettlementParts<R>): Settlement {
  const { settings, totals, events, name } = core;
  let onIdle: (() => void)[] = [];

  const wake = (): void => {
    const woken = onIdle;
    onIdle = [];
    for (const each of woken) each();
  };

  const release = (from: Loan, deliveries: readonly Delivery[]): void => {
    if (from.gone.signal.aborted) return;
    let bytes = 0;
    for (const delivery of deliveries) bytes += weightOf(delivery);
    from.inHand -= deliveries.length;
    from.inHandBytes -= bytes;
    budget.give(bytes);
    settled(from);
    if (from.inHand === 0) wake();
  };

  const ack = async (from: Loan, deliveries: readonly Delivery[]): Promise<void> => {
    const session = from.session ?? (await from.ready);
    if (session === undefined || from.gone.signal.aborted) return;
    session.ack(deliveries);
    totals.acked += deliveries.length;
    release(from, deliveries);
  };

  const letter = async (
    from: Loan,
    delivery: Delivery,
    found: Fault,
    key: string | undefined,
    attempts: number,
  ): Promise<void> => {
    const session = from.session ?? (await from.ready);
    const stop = AbortSignal.any([from.gone.signal, core.abort.signal]);
    for (let attempt = 1; session !== undefined && !stop.aborted; attempt += 1) {
      try {
        await sink.condemn?.(stop);
        if (failpointsArmed) await failpoint('before-letter');
        await session.deadLetter(
          delivery,
          { fault: found, model: model.name, attempts, ...(key === undefined ? {} : { key }) },
          stop,
        );
        if (core.lettersFailing.delete(delivery)) core.refresh();
        totals.deadLettered += 1;
        events.emit('record.deadLettered', { lane: name, key, fault: found, attempts, delivery });
        release(from, [delivery]);
        return;
      } catch (error) {
        if (stop.aborted) break;
        const why =
          error instanceof SourceError || error instanceof SinkError
            ? error.fault
            : fault('broker-unreachable', 'settle', 'the letter could not be confirmed');
        const delayMs = backoffMs(attempt, settings.reopen);
        core.lettersFailing.set(delivery, why);
        core.refresh();
        events.emit('letter.failed', { lane: name, fault: why, attempt, delayMs });
        await delay(delayMs, stop);
      }
    }
    if (core.lettersFailing.delete(delivery)) core.refresh();
  };

  const tell = async (from: Loan, delivery: Delivery, signal: Signal): Promise<void> => {
    events.emit('signal.received', { lane: name, signal });
    const began = performance.now();
    const stop = AbortSignal.any([from.gone.signal, core.abort.signal]);
    for (let attempt = 1; !stop.aborted; attempt += 1) {
      try {
        const closing = await sink.mark(signal, model, { abort: stop, draining: core.stopping.signal });
        core.holding.delete(-1);
        core.refresh();
        const durationMs = performance.now() - began;
        if (closing !== undefined && signal.is === 'extraction_complete') {
          events.emit('extraction.closed', { lane: name, version: signal.version, closing, durationMs });
        }
        events.emit('signal.marked', { lane: name, signal, durationMs });
        totals.signals += 1;
        await ack(from, [delivery]);
        return;
      } catch (error) {
        if (stop.aborted) break;
        if (error instanceof MarkInterrupted) {
          from.interrupted = true;
          wake();
          break;
        }
        const delayMs = backoffMs(attempt, settings.hold.retry);
        const found = asSinkError(error).fault;
        core.holding.set(-1, found);
        core.refresh();
        events.emit('batch.held', { lane: name, writer: -1, records: 0, fault: found, attempt, delayMs });
        await delay(delayMs, stop);
      }
    }
    core.holding.delete(-1);
    core.refresh();
  };

  return {
    async settle(from, deliveries, records, outcomes) {
      const refusals: number[] = [];
      for (const [index, outcome] of outcomes.entries()) if (outcome.is === 'refused') refusals.push(index);
      const stored =
        refusals.length === 0 ? deliveries : deliveries.filter((_, index) => outcomes[index]?.is === 'stored');
      if (stored.length > 0) await ack(from, stored);
      for (const index of refusals) {
        const delivery = deliveries[index];
        const outcome = outcomes[index];
        if (delivery !== undefined && outcome?.is === 'refused')
          this.condemn(from, delivery, outcome.fault, records[index]?.key, outcome.attempts);
      }
      return refusals.length;
    },
    condemn(from, delivery, found, key, attempts) {
      void letter(from, delivery, found, key, attempts);
    },
    mark(from, delivery, signal) {
      void tell(from, delivery, signal);
    },
    idle(from) {
      if (from.inHand === 0 || from.interrupted || from.gone.signal.aborted) return Promise.resolve();
      return new Promise((resolve) => onIdle.push(resolve));
    },
    forfeit(from) {
      from.gone.abort();
      budget.give(from.inHandBytes);
      from.inHand = 0;
      from.inHandBytes = 0;
      from.behind.length = 0;
      from.detained = [];
      wake();
    },
  };
}
