/** A message on loan from the broker, and the session it is on loan from. */
import type { Fault } from './fault.ts';

/** Header values as brokers carry them: scalars, bytes, and tables of these. */
export type Headers = Readonly<Record<string, unknown>>;

/** The message's properties that matter after it was routed. All optional in AMQP; absent stays absent. */
export interface DeliveryProperties {
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly messageId?: string;
  readonly correlationId?: string;
  readonly type?: string;
  readonly appId?: string;
  /** Seconds since the epoch, as the producer stamped it. */
  readonly timestamp?: number;
  readonly headers: Headers;
}

export interface Delivery {
  readonly body: Uint8Array;
  readonly properties: DeliveryProperties;
  /** About what the headers hold in memory beside the body, where they hold anything to speak of. */
  readonly headerBytes?: number;
  readonly exchange: string;
  readonly routingKey: string;
  readonly queue: string;
  readonly redelivered: boolean;
  /** How often the broker has delivered it before and got it back, 0 where the broker does not count. */
  readonly deliveryCount: number;
  /** How often somebody sent it back from the dead letters; left out where that cannot be told. */
  readonly replays?: number;
  /** `performance.now()` at arrival, in milliseconds. */
  readonly arrivedAt: number;
}

/** What a delivery weighs in the byte budget. */
export function weightOf({ body, headerBytes = 0 }: Delivery): number {
  return body.length + headerBytes;
}

/** What a dead letter tells besides the body: see the `x-inator-*` headers of the contract. */
export interface Letter {
  readonly fault: Fault;
  readonly model: string;
  readonly key?: string;
  /** How often the record was tried before it was condemned, at least 1. */
  readonly attempts: number;
}

export type SessionEnd =
  /** `close()` was called. */
  | { readonly is: 'closed' }
  /** Connection, channel, consumer or queue was lost; everything unsettled will be delivered again. */
  | { readonly is: 'lost'; readonly fault: Fault };

/**
 * One consumer on one channel: from a successful set-up until its first loss.
 *
 * A session settles only its own deliveries. Settling after the session ended does nothing, because the broker has
 * already taken the deliveries back: a tag of an old channel can name another message on a new one.
 */
export interface Session {
  /**
   * Acknowledges deliveries of this session. Cheap and synchronous: the session coalesces contiguous tags into one
   * `multiple` ack and may keep an ack back until the tags before it are settled too.
   */
  ack(deliveries: readonly Delivery[]): void;
  /**
   * Publishes the delivery's body, byte for byte, to its dead-letter exchange, waits for the broker's confirm and acks
   * the original. Rejects when the letter could not be confirmed; the original then stays unsettled, and the caller
   * tries again.
   */
  deadLetter(delivery: Delivery, letter: Letter, signal: AbortSignal): Promise<void>;
  /** Stops new deliveries without giving any back; `resume` starts them again. Both are idempotent. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Deliveries handed out and not yet settled. */
  readonly unsettled: number;
  /**
   * Deliveries that the broker still counts against the window: not settled yet, or settled behind one that is not.
   * When this reaches the window, nothing more is handed out until something is settled.
   */
  readonly lent: number;
  /** Resolves, never rejects, when the session has ended. */
  readonly ended: Promise<SessionEnd>;
  /** Sends what acks are due, cancels the consumer, closes the channel, each with a deadline; unsettled ones go back. */
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Deliveries the broker may hand out unsettled. */
  readonly window: number;
  readonly signal: AbortSignal;
}

/**
 * Where deliveries come from.
 *
 * `open` sets up everything that consuming needs (exchange, queue, dead-letter pair, binding, window, consumer) in one
 * idempotent step; the lane calls it again, whole, after any loss, and backs off when it rejects (with `SourceError`).
 * `take` is called synchronously for every delivery and never throws; after the session ended it is not called again.
 */
export interface Source {
  open(take: (delivery: Delivery) => void, options: OpenOptions): Promise<Session>;
  /** Messages waiting in the queue, unsettled ones not counted; undefined where it cannot be told. */
  depth(): Promise<number | undefined>;
}

/** Opening failed. `misconfigured` means that only an operator can mend it: retried slowly and shown as not ready. */
export class SourceError extends Error {
  readonly is: 'unavailable' | 'misconfigured';
  readonly fault: Fault;
  constructor(is: 'unavailable' | 'misconfigured', fault: Fault, options?: ErrorOptions) {
    super(fault.reason, options);
    this.name = 'SourceError';
    this.is = is;
    this.fault = fault;
  }
}
