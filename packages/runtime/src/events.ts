/**
 * Everything a lane tells the outside, as a typed map: logs, metrics, the live page and tests listen to the same events.
 * Events are per batch or per change of state, never per record in healthy running; what is counted per delivery stands
 * in `LaneSnapshot.totals` and is read when somebody asks.
 */
import { EventEmitter } from 'node:events';
import type { SealedBy } from './batch.ts';
import type { Delivery } from './delivery.ts';
import type { Closing } from './extraction.ts';
import type { Fault, FaultCode } from './fault.ts';
import type { Signal } from './model.ts';
import type { Receipt } from './sink.ts';

/**
 * `starting` sink or session not open yet · `consuming` · `holding` at least one batch waits for a store that is away ·
 * `braked` refuses too much, dead-letters nothing · `paused` by an operator · `draining` · `stopped`.
 */
export type LaneState = 'starting' | 'consuming' | 'holding' | 'braked' | 'paused' | 'draining' | 'stopped';

/** Where a writer's time goes; the six sum to wall time. */
export type WriterState = 'idle' | 'decoding' | 'waiting' | 'writing' | 'holding' | 'settling';

export interface LaneEvents {
  /** The lane's state changed. */
  'lane.state': {
    readonly lane: string;
    readonly from: LaneState;
    readonly to: LaneState;
    readonly reason: string | undefined;
  };
  /** The source was set up and consumes. */
  'session.opened': { readonly lane: string; readonly window: number };
  /** The session was lost; what was unsettled comes again. `unsettled` is how many deliveries that is. */
  'session.lost': { readonly lane: string; readonly fault: Fault; readonly unsettled: number };
  /** The lane gave the session back itself; `unsettled` is how many deliveries went with it, and come again. */
  'session.closed': { readonly lane: string; readonly unsettled: number };
  /** Opening source or sink failed; tried again after `delayMs`. */
  'open.failed': {
    readonly lane: string;
    readonly what: 'source' | 'sink';
    readonly fault: Fault;
    readonly attempt: number;
    readonly delayMs: number;
  };
  /** A batch was settled: everything in it is durable or dead-lettered. */
  'batch.written': {
    readonly lane: string;
    readonly writer: number;
    readonly records: number;
    readonly bytes: number;
    readonly sealedBy: SealedBy;
    readonly attempts: number;
    /** From the first attempt to the commit, in milliseconds, holds included. */
    readonly durationMs: number;
    /** Age of the oldest record at commit, in milliseconds since its arrival here. */
    readonly ageMs: number;
    /** Age of the oldest message at commit by its producer's timestamp, in milliseconds; undefined where none has one. */
    readonly publishedAgeMs: number | undefined;
    readonly receipt: Receipt;
    readonly refused: number;
  };
  /**
   * A batch was given up: nothing of it is settled by us, and the broker delivers it again. `gone` its session had ended ·
   * `timeout` the store stayed away for too long · `aborted` the drain deadline passed · `defect`. `fault` is what it was
   * held for, where it was.
   */
  'batch.returned': {
    readonly lane: string;
    readonly writer: number;
    readonly records: number;
    readonly why: 'gone' | 'timeout' | 'aborted' | 'defect';
    readonly fault: Fault | undefined;
  };
  /** The store is away: the batch is held and tried again after `delayMs`. Emitted for every attempt. */
  'batch.held': {
    readonly lane: string;
    readonly writer: number;
    readonly records: number;
    readonly fault: Fault;
    readonly attempt: number;
    readonly delayMs: number;
  };
  /** The store answered again and the batch went through. */
  'batch.released': { readonly lane: string; readonly writer: number; readonly heldMs: number };
  /** A batch was divided to find the record at fault. */
  'batch.split': {
    readonly lane: string;
    readonly writer: number;
    readonly records: number;
    readonly fault: Fault;
    readonly named: boolean;
  };
  /** The lane tries, or returns to, another batch size; `rate` is records a second at the one it leaves. */
  'batch.resized': { readonly lane: string; readonly from: number; readonly to: number; readonly rate: number };
  /** One record was condemned and its letter confirmed. */
  'record.deadLettered': {
    readonly lane: string;
    readonly key: string | undefined;
    readonly fault: Fault;
    readonly attempts: number;
    readonly delivery: Delivery;
  };
  /** A letter could not be confirmed; the original stays unsettled and it is tried again. */
  'letter.failed': { readonly lane: string; readonly fault: Fault; readonly attempt: number; readonly delayMs: number };
  /** A barrier arrived, and a barrier was passed: everything before it is durable. */
  'signal.received': { readonly lane: string; readonly signal: Signal };
  'signal.marked': { readonly lane: string; readonly signal: Signal; readonly durationMs: number };
  /** A completed extraction was closed: purged, reported, or the purge was skipped and why. */
  'extraction.closed': {
    readonly lane: string;
    readonly version: string | undefined;
    readonly closing: Closing;
    readonly durationMs: number;
  };
  /** The brake stopped dead-lettering, or let go again. */
  'brake.on': { readonly lane: string; readonly fault: Fault; readonly refused: number; readonly of: number };
  'brake.off': { readonly lane: string; readonly by: 'store' | 'operator' };
  /** Something that cannot happen did. */
  defect: { readonly lane: string; readonly fault: Fault; readonly error: unknown };
}

export type LaneEventName = keyof LaneEvents;

/** A typed emitter. A listener that throws is a defect of the listener: it must never reach the lane. */
export class Events {
  readonly #emitter = new EventEmitter();

  on<N extends LaneEventName>(name: N, listener: (event: LaneEvents[N]) => void): () => void {
    const guarded = (event: LaneEvents[N]): void => {
      try {
        listener(event);
      } catch (error) {
        process.emitWarning(`a listener of ${name} threw: ${String(error)}`);
      }
    };
    this.#emitter.on(name, guarded);
    return () => this.#emitter.off(name, guarded);
  }

  emit<N extends LaneEventName>(name: N, event: LaneEvents[N]): void {
    this.#emitter.emit(name, event);
  }
}

export interface WriterSnapshot {
  readonly state: WriterState;
  /** Milliseconds spent in each state since the start; they sum to the writer's age. */
  readonly spentMs: Readonly<Record<WriterState, number>>;
}

export interface LaneTotals {
  readonly consumed: number;
  readonly redelivered: number;
  /** Deliveries that somebody had sent back from the dead letters. */
  readonly replayed: number;
  readonly acked: number;
  readonly deadLettered: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly stale: number;
  readonly collapsed: number;
  readonly signals: number;
  readonly batches: number;
  readonly retries: number;
  readonly sessionsLost: number;
}

/** What a lane is doing now: the body of `/lanes`. */
export interface LaneSnapshot {
  readonly lane: string;
  readonly queue: string;
  readonly state: LaneState;
  /** Epoch milliseconds of the last change of state. */
  readonly since: number;
  /** Why it is not consuming; of a lane that consumes, why its dead letters are not taken, while they are not. */
  readonly reason: string | undefined;
  /** Of a lane that holds, the code of the fault it holds for. */
  readonly code?: FaultCode | undefined;
  readonly consuming: boolean;
  /** An operator paused it; `state` may still say something more urgent, such as a hold. */
  readonly paused: boolean;
  readonly window: number;
  readonly batchSize: number;
  /** Deliveries and body bytes taken and not settled yet. */
  readonly pendingRecords: number;
  readonly pendingBytes: number;
  readonly writers: readonly WriterSnapshot[];
  readonly totals: LaneTotals;
  /** Epoch milliseconds, undefined before the first commit. */
  readonly lastCommitAt: number | undefined;
}
