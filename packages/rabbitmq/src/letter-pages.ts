/** Pages of a walk over a dead-letter queue: one channel with one consumer each. See `letter-reader.ts` for why. */
import { randomUUID } from 'node:crypto';
import type { Channel, ConsumeMessage, Message } from 'amqplib';
import type { Broker } from './broker.ts';
import { brokerError } from './faults.ts';

export interface Page {
  /** What was delivered, oldest first; the reader takes them off as it lends them. */
  readonly messages: ConsumeMessage[];
  /** Delivered and not removed: what closing the page gives back. */
  readonly lent: number;
  /** Acks the delivery, within `commitMs`. */
  remove(deliveryTag: number): void;
  /** Resolves when all acks are handed over to the queue, and the channel is closed. */
  close(): Promise<void>;
  /** Closes without waiting. */
  abandon(): void;
}

export interface PageOptions {
  readonly broker: Broker;
  readonly queue: string;
  /** Letters waiting in the queue. */
  readonly ready: () => Promise<number>;
  /** Channel, consumer or queue was lost, not closed by us. */
  readonly lost: (why: string, error?: unknown) => void;
}

/** For one exchange of frames that the broker answers at once, in milliseconds. */
const answerMs = 10_000;
/** Silence after which the queue is asked whether it has anything left, in milliseconds. */
const quietMs = 500;
/** Silence, with letters waiting, after which the broker is given up, in milliseconds. */
const stalledMs = 30_000;
/** How long a queue may take to show what a closed channel returned, in milliseconds. */
const returnMs = 2_000;
const returnPollMs = 5;
/** Acks are gathered for so long, in milliseconds: what a killed command may leave as both replayed and a letter. */
const commitMs = 50;

/**
 * Acks go in transactions (AMQP 0-9-1, class 90), which amqplib has no methods for. A commit reaches a quorum queue as one
 * command, and before the end of the channel. Single acks do not: beyond 32 that the queue has not answered yet (its
 * client's soft limit, seen with RabbitMQ 3.10) the broker keeps them back, and drops them when the channel is closed,
 * although it has answered later questions on it: two of three walks over 300 letters were seen to lose some.
 */
const transaction = {
  select: [5_898_250, 5_898_251],
  commit: [5_898_260, 5_898_261],
} as const;

interface CallsMethods {
  rpc(method: number, fields: object, answer: number): Promise<unknown>;
}

function call(broker: Broker, channel: Channel, step: keyof typeof transaction, what: string): Promise<unknown> {
  const [method, answer] = transaction[step];
  const calling = (channel as unknown as CallsMethods).rpc(method, {}, answer);
  return broker.within(calling, answerMs, what);
}

/**
 * Takes the next `window` letters onto a page, fewer only when the queue has no more, and ends its consumer.
 *
 * Nothing is acked before the consumer is cancelled: an ack makes room, and what the queue then delivers to a consumer
 * that is just being cancelled goes back behind everything that was returned before, out of order.
 */
export async function takePage(options: PageOptions, window: number): Promise<Page> {
  const { broker, queue, ready, lost } = options;
  const channel = await broker.channel();
  const messages: ConsumeMessage[] = [];
  let isOver: Error | undefined;
  let isClosing = false;
  let wake: () => void = () => {};
  function end(why: string, error?: unknown): void {
    if (isClosing || isOver !== undefined) return;
    isOver = brokerError('unavailable', why, error);
    lost(why, error);
    wake();
  }
  let cause: Error | undefined;
  channel.on('error', (error) => {
    cause = error;
  });
  channel.on('close', () => end(`the channel that reads ${queue} was closed`, cause));

  function arrived(message: ConsumeMessage | null): void {
    if (message === null)
      end(
        `the broker ended the reading of ${queue}: it was deleted, or moved, or letters were held longer than its consumer_timeout`,
      );
    else messages.push(message);
    wake();
  }

  /** Waits until the window is full, or nothing is left to fill it. */
  async function filled(): Promise<void> {
    let quiet = 0;
    let wasEmpty = false;
    while (messages.length < window) {
      if (isOver !== undefined) throw isOver;
      const before = messages.length;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, quietMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (messages.length > before || isOver !== undefined) {
        quiet = 0;
        continue;
      }
      quiet += quietMs;
      // Some expired, or were taken by somebody else. Asked twice, because a delivery may be under way.
      const waiting = await ready();
      if (waiting === 0 && wasEmpty) return;
      wasEmpty = waiting === 0;
      if (waiting > 0 && quiet > stalledMs) {
        throw brokerError('unavailable', `${queue} has ${waiting} letters and delivered none for ${quiet} ms`);
      }
    }
  }

  try {
    await call(broker, channel, 'select', `beginning a transaction on ${queue}`);
    await broker.within(channel.prefetch(window, false), answerMs, `setting the window of ${queue}`);
    const consumerTag = `dlq-${randomUUID()}`;
    await broker.within(channel.consume(queue, arrived, { consumerTag }), answerMs, `reading ${queue}`);
    await filled();
    await broker.within(channel.cancel(consumerTag), answerMs, `ending the reading of ${queue}`);
    return settling(options, channel, messages, () => {
      isClosing = true;
    });
  } catch (error) {
    isClosing = true;
    channel.close().catch(() => {});
    throw error;
  }
}

function settling(
  { broker, queue, lost }: PageOptions,
  channel: Channel,
  messages: ConsumeMessage[],
  closing: () => void,
): Page {
  const delivered = messages.length;
  let removed = 0;
  let uncommitted = false;
  let timer: NodeJS.Timeout | undefined;

  async function commit(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (!uncommitted) return;
    uncommitted = false;
    await call(broker, channel, 'commit', `committing acks to ${queue}`);
  }

  return {
    messages,
    get lent() {
      return delivered - removed;
    },
    remove(deliveryTag) {
      try {
        channel.ack({ fields: { deliveryTag } } as Message);
      } catch (error) {
        lost(`the channel that reads ${queue} takes no acks`, error);
        return;
      }
      removed += 1;
      uncommitted = true;
      timer ??= setTimeout(() => {
        commit().catch((error: unknown) => lost(`the channel that reads ${queue} takes no acks`, error));
      }, commitMs);
    },
    async close() {
      await commit();
      closing();
      await broker.within(channel.close(), answerMs, `closing a channel that reads ${queue}`);
    },
    abandon() {
      clearTimeout(timer);
      closing();
      channel.close().catch(() => {});
    },
  };
}

/**
 * Closes pages in the order given. Each waits until the queue shows what the one before gave back, so that neither a
 * later page nor the next command overtakes it.
 */
export async function closePages(pages: readonly Page[], ready: () => Promise<number>): Promise<void> {
  for (const page of pages) {
    const returning = page.lent;
    const before = returning === 0 ? 0 : await ready();
    await page.close();
    if (returning > 0) await returned(before + returning, ready);
  }
}

/** Gives up after a while: letters expire, and somebody else may take some. */
async function returned(wanted: number, ready: () => Promise<number>): Promise<void> {
  const deadline = performance.now() + returnMs;
  while ((await ready()) < wanted && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, returnPollMs));
  }
}
