/** What the layers are made of: one way to write a batch, wrapped in others. */
import type { Batch } from '../batch.ts';
import type { Fault } from '../fault.ts';
import type { Receipt } from '../sink.ts';

/** What a batch's write may ask and tell while it is under way. */
export interface WriteContext {
  /** Aborts at the drain deadline: end soon, settle nothing. */
  readonly abort: AbortSignal;
  /** Aborts when the session that lent the records has ended: what is merely waiting may be let go, it comes again. */
  readonly gone: AbortSignal;
  /** Aborts when the lane begins to drain. */
  readonly draining: AbortSignal;
  /** Other records of the batch are still to be written: one that may be too slow can be put off behind them. */
  readonly others?: boolean;
  /** Told of every attempt at the store. */
  attempt(): void;
  held(fault: Fault, attempt: number, delayMs: number): void;
  released(heldMs: number): void;
  split(records: number, fault: Fault, named: boolean): void;
}

export type Write<R> = (batch: Batch<R>, context: WriteContext) => Promise<Receipt>;

/** The write was given up without a verdict: nothing of the batch is settled, and the broker delivers it again. */
export class LetGo extends Error {
  /**
   * `gone` the session had already ended · `aborted` the drain deadline passed · `timeout` the store stayed away for so
   * long that the broker would soon take the deliveries back by force.
   */
  readonly why: 'gone' | 'aborted' | 'timeout';
  constructor(why: 'gone' | 'aborted' | 'timeout') {
    super(`the batch was let go (${why})`);
    this.name = 'LetGo';
    this.why = why;
  }
}

/** The record passed a time limit alone while others wait behind it: they are written first. */
export class PutOff extends Error {
  constructor() {
    super('the record is put off behind the others of its batch');
    this.name = 'PutOff';
  }
}
