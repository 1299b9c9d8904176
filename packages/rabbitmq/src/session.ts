/**
 * One consumer on one channel.
 *
 *     setting up ──▶ open ⇄ paused ──close()──▶ closing ──▶ over
 *                      └────────────lost──────────────────▶ over
 *
 * Lost is: the channel closed (by the broker, or with its connection, which heartbeats end), or the broker cancelled
 * the consumer. Once over, nothing is taken and nothing is sent: the broker has taken the deliveries back, and the tags
 * of this channel mean other messages on the next one.
 */
import { randomUUID } from 'node:crypto';
import {
  type Delivery,
  failpoint,
  failpointsArmed,
  type Letter,
  type OpenOptions,
  type Session,
  type SessionEnd,
} from '@inator/runtime';
import type { ConsumeMessage, Message } from 'amqplib';
import { createAckWindow } from './acks.ts';
import type { Broker } from './broker.ts';
import { loanOf, toDelivery } from './deliveries.ts';
import { asSourceError, brokerError, brokerFault } from './faults.ts';
import { letterOptions } from './letter.ts';
import type { LetterBox } from './letters.ts';
import { declareTopology, type QueueSpec } from './topology.ts';
import { orAborted } from './waiting.ts';
import { createConsuming } from './window.ts';

export interface SessionParts {
  readonly broker: Broker;
  readonly letters: LetterBox;
  readonly spec: QueueSpec;
  /** Named in letters and in the consumer's tag. */
  readonly service: string;
  /** Named in letters. */
  readonly version?: string | undefined;
}

/** For one exchange of frames that the broker answers at once, in milliseconds. */
const answerMs = 10_000;
/** For each step of the close, in milliseconds. */
const closeMs = 5_000;
/**
 * Ack frames that a channel hands on to a quorum queue at once, whatever the queue does: half of the 32 commands
 * (`quorum_commands_soft_limit`) that may be under way before the channel keeps further ones back.
 */
const handedOnAtOnce = 16;
/** The protocol counts a window in 16 bits. */
const maxWindow = 65_535;

/** The broker does not say. Quorum queues of RabbitMQ 4.3 end their patience so, where earlier ones close the channel. */
const whyCancelled = 'it was deleted, or moved, or a message was held longer than its consumer_timeout';

export async function openSession(
  { broker, letters, spec, service, version }: SessionParts,
  take: (delivery: Delivery) => void,
  { window, signal }: OpenOptions,
): Promise<Session> {
  const { queue } = spec;
  const channel = await broker.channel(signal);
  const self = {};
  let is: 'open' | 'closing' | 'over' = 'open';
  let consumerTag: string | undefined;
  /** Ack frames since it was last certain that a queue had applied all of them. */
  let framesUnderWay = 0;
  let flushing: NodeJS.Immediate | undefined;
  /** Holds what arrives before the caller has the session in hand. */
  let early: ConsumeMessage[] | undefined = [];
  let resolveEnded: (end: SessionEnd) => void;
  const ended = new Promise<SessionEnd>((resolve) => {
    resolveEnded = resolve;
  });

  const size = Math.min(window, maxWindow);
  const acks = createAckWindow(size, (deliveryTag, multiple) => {
    channel.ack({ fields: { deliveryTag } } as Message, multiple);
    framesUnderWay += 1;
  });

  function lost(why: string, error?: unknown): void {
    if (is !== 'open') return;
    is = 'over';
    early = undefined;
    clearImmediate(flushing);
    // A lost connection closes its channels before it says why: let it speak first.
    setImmediate(() => {
      const told = error === undefined ? broker.status().fault : undefined;
      resolveEnded({ is: 'lost', fault: told ?? brokerFault('unavailable', why, error) });
    });
    dispose();
  }

  /** Closes a channel that nobody waits for. On a link that swallows packets, the heartbeat ends it. */
  function dispose(): void {
    channel.close().catch(() => {});
  }

  let channelError: Error | undefined;
  channel.on('error', (error) => {
    channelError = error;
  });
  channel.on('close', () => lost(`the channel of queue ${queue} was closed`, channelError));

  function arrived(message: ConsumeMessage | null): void {
    if (is !== 'open') return;
    if (message === null) lost(`the broker cancelled the consumer of queue ${queue}: ${whyCancelled}`);
    else if (early === undefined) lend(message);
    else early.push(message);
  }

  let lastTag = 0;
  function lend(message: ConsumeMessage): void {
    lastTag = message.fields.deliveryTag;
    take(toDelivery(message, queue, self, acks.push(message.fields.deliveryTag), spec.type === 'quorum'));
  }

  /** Always under a fresh tag: a broker may refuse, or mix up, one it has just cancelled. */
  async function consume(room: number): Promise<void> {
    await broker.within(channel.prefetch(room, false), answerMs, `setting the window of queue ${queue}`);
    const tag = `${service}-${randomUUID()}`;
    await broker.within(
      channel.consume(queue, arrived, { consumerTag: tag }),
      answerMs,
      `consuming from queue ${queue}`,
    );
    consumerTag = tag;
  }

  async function cancel(ms: number): Promise<void> {
    const tag = consumerTag;
    if (tag === undefined) return;
    consumerTag = undefined;
    const framesBefore = framesUnderWay;
    await broker.within(channel.cancel(tag), ms, `cancelling the consumer of queue ${queue}`);
    framesUnderWay -= framesBefore;
  }

  /**
   * A quorum queue answers a cancel after what came before it; a question about the queue it answers at any time. So a
   * session without a consumer takes one for this. At most one message comes along, and goes back with the channel.
   */
  async function untilAcksAreApplied(): Promise<void> {
    await consume(1);
    await cancel(closeMs);
  }

  const consuming = createConsuming({
    window: size,
    lent: () => acks.lent,
    oldest: () => acks.oldest,
    last: () => lastTag,
    is: () => consumerTag !== undefined,
    consume,
    cancel: () => cancel(answerMs),
    again: refit,
  });

  function settle(deliveries: readonly Delivery[]): void {
    if (is !== 'open') return;
    let settled = false;
    for (const delivery of deliveries) {
      const lent = loanOf(delivery, self);
      if (lent !== undefined && acks.settle(lent.entry)) settled = true;
    }
    // One flush a turn of the loop: what several writers settle in it shares a frame.
    if (settled) flushing ??= setImmediate(flush);
  }

  function flush(): void {
    flushing = undefined;
    if (is !== 'open') return;
    try {
      acks.flush();
    } catch (error) {
      lost(`the channel of queue ${queue} takes no acks`, error);
    }
    if (consuming.due) refit();
  }

  async function deadLetter(delivery: Delivery, letter: Letter, abort: AbortSignal): Promise<void> {
    const lent = loanOf(delivery, self);
    if (is !== 'open' || lent === undefined) {
      throw brokerError(
        'unavailable',
        `the session on queue ${queue} has ended: the record comes again`,
        undefined,
        'settle',
      );
    }
    if (lent.entry.settled) return;
    const { body, exchange, routingKey, deliveryCount } = delivery;
    const original = { queue, exchange, routingKey, body, deliveryCount, properties: lent.properties };
    await letters.send(
      delivery,
      () => ({
        body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
        options: letterOptions(original, letter, service, new Date(), version),
      }),
      abort,
    );
    if (failpointsArmed) await failpoint('after-letter', letter.key);
    settle([delivery]);
  }

  /** Pausing and resuming, one at a time and in order. */
  let turn: Promise<void> = Promise.resolve();
  function inTurn(what: string, run: () => Promise<void>): Promise<void> {
    turn = turn.then(async () => {
      if (is !== 'open') return;
      try {
        await run();
      } catch (error) {
        lost(`${what} queue ${queue} failed`, error);
      }
    });
    return turn;
  }

  function refit(): void {
    void inTurn('widening the window of', () => consuming.refit());
  }

  /**
   * The order matters: closing the connection overtakes acks, and closing the channel loses those that it keeps back for
   * a quorum queue that is behind. The answer to a cancel comes after they are handed on.
   */
  async function close(): Promise<void> {
    if (is !== 'open') return;
    await turn;
    if (is !== 'open') return;
    is = 'closing';
    clearImmediate(flushing);
    try {
      acks.flush(true);
      if (consumerTag !== undefined) await cancel(closeMs);
      else if (framesUnderWay > handedOnAtOnce) await untilAcksAreApplied();
      await broker.within(channel.close(), closeMs, `closing the channel of queue ${queue}`);
    } catch {
      // Unanswered in time, or lost on the way: what was not acked comes again.
      dispose();
    }
    is = 'over';
    resolveEnded({ is: 'closed' });
  }

  async function setUp(): Promise<void> {
    await declareTopology(broker, channel, spec);
    await consume(size);
  }

  try {
    await orAborted(setUp(), signal, `consuming from queue ${queue}`);
  } catch (error) {
    lost(`queue ${queue} cannot be consumed from`, error);
    throw asSourceError(`queue ${queue} cannot be consumed from`, error);
  }
  setImmediate(() => {
    const waiting = early ?? [];
    early = undefined;
    for (const message of waiting) if (is === 'open') lend(message);
  });

  return {
    ack: settle,
    deadLetter,
    pause: () => inTurn('pausing', () => consuming.pause()),
    resume: () => inTurn('resuming', () => consuming.resume()),
    get unsettled() {
      return is === 'over' ? 0 : acks.unsettled;
    },
    get lent() {
      return is === 'over' ? 0 : acks.lent;
    },
    ended,
    close,
  };
}
