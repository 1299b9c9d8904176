/**
 * One confirm channel, from its opening to its loss: every message published on it meets exactly one end.
 *
 * `confirmed` the broker has it, on disk where the queue is durable · `unroutable` the broker confirmed it, yet no queue
 * took it · `nacked` a queue refused it (full) or died · `lost` the channel ended first, so it may or may not have arrived.
 */
import type { ConfirmChannel, Message, Options } from 'amqplib';
import { IllegalOperationError } from './amqp.ts';
import type { Broker } from './broker.ts';

export type PublishEnd = 'confirmed' | 'unroutable' | 'nacked' | 'lost';

/** Why a channel ended: the broker's error where it sent one. */
export type ChannelLoss = Error | undefined;

export interface Confirms {
  /**
   * Publishes; `ended` is called once, never synchronously. Throws when amqplib cannot encode the message, which then
   * was not sent. False: the socket is behind, wait for `drained`.
   */
  publish(
    exchange: string,
    routingKey: string,
    body: Buffer,
    options: Options.Publish,
    ended: (end: PublishEnd, loss: ChannelLoss) => void,
  ): boolean;
  /** Published and not ended. */
  readonly pending: number;
  readonly isOpen: boolean;
  /** Resolves when the channel ended, for whatever reason. */
  readonly lost: Promise<ChannelLoss>;
  /** True while the socket is behind. */
  readonly isBehind: boolean;
  drained(): Promise<void>;
  /** The channel, for declarations. */
  readonly channel: ConfirmChannel;
  /** Closes within the deadline. What is pending ends as `lost`. */
  close(): Promise<void>;
}

interface Pending {
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Buffer;
  readonly ended: (end: PublishEnd, loss: ChannelLoss) => void;
  returned: boolean;
}

/** For an orderly close, in milliseconds. */
const closeMs = 5_000;

export async function openConfirms(broker: Broker, signal?: AbortSignal): Promise<Confirms> {
  const channel = await broker.confirmChannel(signal);
  const pending = new Map<number, Pending>();
  let nextTag = 1;
  let isOpen = true;
  let loss: ChannelLoss;
  let wakeDrained: (() => void) | undefined;
  let drained: Promise<void> | undefined;

  function settle(tag: number, nacked: boolean): void {
    const entry = pending.get(tag);
    if (entry === undefined) return;
    pending.delete(tag);
    entry.ended(nacked ? 'nacked' : entry.returned ? 'unroutable' : 'confirmed', undefined);
  }

  function confirmed({ deliveryTag, multiple }: { deliveryTag: number; multiple: boolean }, nacked: boolean): void {
    if (!multiple) {
      settle(deliveryTag, nacked);
      return;
    }
    // Insertion order is the order of tags.
    for (const tag of pending.keys()) {
      if (tag > deliveryTag) break;
      settle(tag, nacked);
    }
  }

  /**
   * A return does not name its tag. It comes before its confirm, and equal messages are interchangeable, so it belongs to
   * the first equal one that is still pending.
   */
  function returned({ fields, content }: Message): void {
    for (const entry of pending.values()) {
      const isEqual =
        !entry.returned &&
        entry.exchange === fields.exchange &&
        entry.routingKey === fields.routingKey &&
        entry.body.equals(content);
      if (isEqual) {
        entry.returned = true;
        return;
      }
    }
  }

  let resolveLost: (loss: ChannelLoss) => void;
  const lost = new Promise<ChannelLoss>((resolve) => {
    resolveLost = resolve;
  });
  function gone(): void {
    isOpen = false;
    const left = [...pending.values()];
    pending.clear();
    for (const entry of left) entry.ended('lost', loss);
    wakeDrained?.();
    resolveLost(loss);
  }

  channel.on('error', (error) => {
    loss = error;
  });
  channel.on('close', gone);
  channel.on('ack', (fields) => confirmed(fields, false));
  channel.on('nack', (fields) => confirmed(fields, true));
  channel.on('return', returned);
  channel.on('drain', () => {
    drained = undefined;
    wakeDrained?.();
  });

  return {
    channel,
    lost,
    get pending() {
      return pending.size;
    },
    get isBehind() {
      return drained !== undefined;
    },
    get isOpen() {
      return isOpen;
    },
    publish(exchange, routingKey, body, options, ended) {
      let hasRoom: boolean;
      try {
        hasRoom = channel.publish(exchange, routingKey, body, options);
      } catch (error) {
        if (!(error instanceof IllegalOperationError)) throw error;
        // The channel is closing or closed, perhaps since before anybody listened.
        queueMicrotask(() => {
          ended('lost', loss);
          gone();
        });
        return true;
      }
      pending.set(nextTag, { exchange, routingKey, body, ended, returned: false });
      nextTag += 1;
      if (!hasRoom) {
        drained ??= new Promise((resolve) => {
          wakeDrained = resolve;
        });
      }
      return hasRoom;
    },
    drained: () => (isOpen && drained) || Promise.resolve(),
    close: () => broker.within(channel.close(), closeMs, 'closing a channel').catch(() => {}),
  };
}
