/**
 * From a delivery to a writer's batch, and the barriers on the way.
 *
 * A barrier is a delivery that must be dealt with alone, after everything before it and before everything behind it: a
 * signal (`file_complete`), or a suspect, which the broker has delivered so often that it may be what ends the process.
 * While a barrier waits, later deliveries queue behind it; the window bounds how many those can be.
 */

import type { Budget } from './budget.ts';
import { createBurst } from './burst.ts';
import type { LaneCore } from './core.ts';
import { type Delivery, type Session, weightOf } from './delivery.ts';
import { type Fault, fault } from './fault.ts';
import type { Brake } from './layers/brake.ts';
import type { Decoded, Keyed, Model, Signal } from './model.ts';
import { sequence } from './seq.ts';
import type { Turn } from './turns.ts';
import type { Writer } from './writer.ts';

/** Everything that belongs to one session: it ends with it. */
export interface Loan {
  session: Session | undefined;
  /** Resolves when opening the session succeeded or failed: deliveries may come before `open` has resolved. */
  readonly ready: Promise<Session | undefined>;
  opened(session: Session | undefined): void;
  /** Aborts when the session has ended: nothing of it can be settled any more. */
  readonly gone: AbortController;
  readonly window: number;
  /** Taken and not settled by us, the queue behind a barrier included. */
  inHand: number;
  inHandBytes: number;
  /** Dropped unread because memory was full; they come again when the session is closed. */
  skipped: number;
  overfull: boolean;
  barrier: Barrier | undefined;
  /** The barrier's signal goes back to the broker, because the lane drains: what is in hand cannot be settled. */
  interrupted: boolean;
  readonly behind: Delivery[];
  /** A suspect has come: those that follow may only have been lent along with it. */
  suspected: boolean;
  /** Refused on decoding while the brake is on. */
  detained: { readonly delivery: Delivery; readonly fault: Fault; readonly key: string | undefined }[];
}

export type Barrier =
  | { readonly is: 'signal'; readonly delivery: Delivery; readonly signal: Signal; passing: boolean }
  | { readonly is: 'suspect'; readonly delivery: Delivery; passing: boolean };

export function createLoan(window: number): Loan {
  let tell: (session: Session | undefined) => void = () => {};
  const ready = new Promise<Session | undefined>((resolve) => {
    tell = resolve;
  });
  return {
    session: undefined,
    ready,
    opened(session) {
      this.session = session;
      tell(session);
    },
    gone: new AbortController(),
    window,
    inHand: 0,
    inHandBytes: 0,
    skipped: 0,
    overfull: false,
    barrier: undefined,
    interrupted: false,
    behind: [],
    suspected: false,
    detained: [],
  };
}

export interface IntakeParts<R> {
  readonly model: Model<R>;
  readonly writers: readonly Writer<R>[];
  /** Records that seal a batch, as it stands. */
  readonly batchSize: () => number;
  readonly brake: Brake;
  readonly budget: Budget;
  readonly core: LaneCore;
  readonly turn: Turn;
  /** Deliveries that may have come back through our own lost sessions rather than through a crash. */
  readonly ownReturns: () => number;
  condemn(loan: Loan, delivery: Delivery, found: Fault, key: string | undefined, attempts: number): void;
  /** Everything before the signal is settled: tell the sink, then settle the signal's own delivery. */
  mark(loan: Loan, delivery: Delivery, signal: Signal): void;
  /** Memory is full: nothing more is kept of this session; finish what is in hand and give it back. */
  overfull(loan: Loan): void;
}

export interface Intake {
  take(loan: Loan, delivery: Delivery): void;
  /** Called after deliveries of the loan were settled: a barrier may pass, or be over. */
  settled(loan: Loan): void;
}

export function createIntake<R>(parts: IntakeParts<R>): Intake {
  const { model, writers, brake, budget, core } = parts;
  const { settings, totals } = core;
  const burst = writers.length > 1 ? createBurst({ writers, batchSize: parts.batchSize }) : undefined;

  const decode = (delivery: Delivery): Decoded<R> => {
    if (delivery.body.length > settings.maxRecordBytes) {
      const reason = `the body has ${delivery.body.length} bytes, more than the ${settings.maxRecordBytes} allowed`;
      return { is: 'refused', fault: fault('record-too-large', 'receive', reason, { proven: true }) };
    }
    const encoding = delivery.properties.contentEncoding;
    if (encoding !== undefined && !plainEncodings.has(encoding.toLowerCase())) {
      const reason = 'the message declares a content encoding other than UTF-8; it is stored as it came or not at all';
      return { is: 'refused', fault: fault('encoding-unsupported', 'receive', reason, { proven: true }) };
    }
    try {
      return model.decode(delivery.body, delivery.properties.headers);
    } catch (error) {
      // Models promise never to throw. If one does, that record alone pays for it, and the letter says whose fault it is.
      const name = error instanceof Error ? error.name : typeof error;
      return {
        is: 'refused',
        fault: fault('defect', 'decode', `model ${model.name} threw ${name} instead of refusing`),
      };
    }
  };

  const refuse = (loan: Loan, delivery: Delivery, found: Fault, key: string | undefined): void => {
    if (brake.admit(found)) parts.condemn(loan, delivery, found, key, 1);
    else loan.detained.push({ delivery, fault: found, key });
  };

  const toWriter = (loan: Loan, delivery: Delivery, decoded: Decoded<R> & { is: 'record' }): Writer<R> | undefined => {
    const sequenced = sequence(settings.seqSource, delivery.properties.headers, decoded.seq);
    if (sequenced.is === 'refused') {
      refuse(loan, delivery, sequenced.fault, decoded.key);
      return undefined;
    }
    const record: Keyed<R> = {
      key: decoded.key,
      hash: decoded.hash,
      record: decoded.record,
      seq: sequenced.seq,
      bytes: delivery.body.length,
    };
    const writer = writers[writers.length === 1 ? 0 : slot(decoded.key, writers.length)];
    writer?.add(loan, delivery, record);
    burst?.added();
    return writer;
  };

  const raise = (loan: Loan, barrier: Barrier): void => {
    loan.barrier = barrier;
    for (const writer of writers) writer.seal('signal');
    intake.settled(loan);
  };

  const route = (loan: Loan, delivery: Delivery): void => {
    if (delivery.deliveryCount >= settings.suspectAfter) {
      // Suspects are handled one by one, so what ended the last process is the first of what comes back. The others have
      // the same count, because they were lent along with it: each is tried alone before it can be condemned.
      const isFirst = !loan.suspected;
      loan.suspected = true;
      if (isFirst && isCrashCount(delivery.deliveryCount - parts.ownReturns(), settings.condemnAfter)) {
        const reason = `delivered ${delivery.deliveryCount + 1} times without being settled`;
        parts.condemn(loan, delivery, fault('crash-suspect', 'receive', reason), undefined, delivery.deliveryCount);
      } else raise(loan, { is: 'suspect', delivery, passing: false });
      return;
    }
    const began = performance.now();
    const decoded = decode(delivery);
    if (decoded.is === 'record') {
      const writer = toWriter(loan, delivery, decoded);
      if (writer?.accounting.state === 'idle') writer.accounting.move('idle', 'decoding', performance.now() - began);
    } else if (decoded.is === 'signal') raise(loan, { is: 'signal', delivery, signal: decoded.signal, passing: false });
    else refuse(loan, delivery, decoded.fault, decoded.key);
  };

  /** If this one ends the process, what was settled before it must be so at the broker, or it would pass for the first. */
  const tryAlone = (loan: Loan, barrier: Barrier): void => {
    if (loan.barrier === barrier && !loan.gone.signal.aborted) handleAlone(loan, barrier.delivery);
  };

  const handleAlone = (loan: Loan, delivery: Delivery): void => {
    const decoded = decode(delivery);
    if (decoded.is === 'refused') refuse(loan, delivery, decoded.fault, decoded.key);
    else if (decoded.is === 'record') toWriter(loan, delivery, decoded)?.seal('signal');
    else raise(loan, { is: 'signal', delivery, signal: decoded.signal, passing: false });
  };

  const intake: Intake = {
    take(loan, delivery) {
      if (loan.gone.signal.aborted) return;
      totals.consumed += 1;
      if (delivery.redelivered) totals.redelivered += 1;
      if (delivery.replays !== undefined && delivery.replays > 0) totals.replayed += 1;
      const weight = weightOf(delivery);
      core.meanBytes = core.meanBytes === 0 ? weight : core.meanBytes * 0.99 + weight * 0.01;
      if (loan.overfull) {
        loan.skipped += 1;
        return;
      }
      loan.inHand += 1;
      loan.inHandBytes += weight;
      budget.take(weight);
      if (loan.barrier !== undefined) loan.behind.push(delivery);
      else route(loan, delivery);
      if (budget.full) {
        loan.overfull = true;
        parts.overfull(loan);
      }
      if ((loan.session?.lent ?? 0) >= loan.window) for (const writer of writers) writer.sealIfIdle('window');
    },
    settled(loan) {
      const { barrier } = loan;
      if (barrier === undefined || loan.gone.signal.aborted) return;
      const before = loan.inHand - loan.behind.length;
      if (!barrier.passing) {
        // One is the barrier's own delivery.
        if (before > 1) return;
        barrier.passing = true;
        if (barrier.is === 'signal') parts.mark(loan, barrier.delivery, barrier.signal);
        else
          parts.turn.ask(barrier.delivery.deliveryCount, () => void setTimeout(tryAlone, acksLeaveMs, loan, barrier));
        return;
      }
      if (before > 0) return;
      loan.barrier = undefined;
      while (loan.barrier === undefined && !loan.gone.signal.aborted) {
        const next = loan.behind.shift();
        if (next === undefined) break;
        route(loan, next);
      }
      if (loan.barrier === undefined) parts.turn.pass();
    },
  };
  return intake;
}

/**
 * Whether a record that this process has never tried is held to end processes. Such a record raises its count one by one,
 * and is met just as it gets there. Where the count is well beyond, other lives have met it there, lived on, and given it
 * back for want of the store: it is tried. Where the broker has no limit, one that does end processes is met again at
 * twice the count.
 */
export function isCrashCount(returns: number, condemnAfter: number): boolean {
  return returns >= condemnAfter && returns % condemnAfter < 2;
}

/** For acks to leave the process: they are gathered over a turn of the event loop and written in the next ones. */
const acksLeaveMs = 5;

/** What producers write for a body that is simply JSON text. */
const plainEncodings: ReadonlySet<string> = new Set(['', 'utf-8', 'utf8', 'identity', 'us-ascii', 'ascii']);

/**
 * Which writer a key belongs to: FNV-1a over its UTF-16 units (offset basis 2166136261, prime 16777619). It need only
 * be even and quick; it is no part of any interface and may change.
 */
export function slot(key: string, writers: number): number {
  let hash = 2166136261;
  for (let i = 0; i < key.length; i += 1) {
    hash ^= key.charCodeAt(i);
    hash = Math.imul(hash, 16777619);
  }
  return (hash >>> 0) % writers;
}
