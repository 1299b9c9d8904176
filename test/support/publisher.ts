/**
 * A producer that knows what the broker has: every message is published until it is confirmed, over any number of lost
 * connections, and whoever keeps the books is told exactly once. A client of the tests' own, not the product's.
 */
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';

export interface Outgoing {
  readonly exchange: string;
  readonly body: Buffer;
  readonly messageId: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly contentEncoding?: string;
}

export interface ConfirmingPublisher<M extends Outgoing> {
  /** Takes the message; resolves when there is room for the next one. */
  publish(message: M): Promise<void>;
  /** Resolves when everything taken is confirmed; rejects, with the numbers, after `withinMs`. */
  flush(withinMs: number): Promise<void>;
  readonly unconfirmed: number;
  /** Messages sent once more because a connection was lost before their confirm: the queue may hold them twice. */
  readonly repeated: number;
  /** Messages that the broker gave back because no queue takes them; they are published again. */
  readonly unroutable: number;
  close(): Promise<void>;
}

export interface PublisherOptions<M extends Outgoing> {
  readonly url: string;
  /** Messages without a confirm at once. Default 1,000. */
  readonly window?: number;
  readonly onConfirmed: (message: M) => void;
}

const retryMs = 100;
const openMs = 10_000;

export function createPublisher<M extends Outgoing>(options: PublisherOptions<M>): ConfirmingPublisher<M> {
  const { url, window = 1_000, onConfirmed } = options;
  const waiting: M[] = [];
  const sent = new Map<string, M>();
  const returned = new Set<string>();
  let wakers: (() => void)[] = [];
  let channel: ConfirmChannel | undefined;
  let connection: ChannelModel | undefined;
  let closed = false;
  let repeated = 0;
  let unroutable = 0;

  const wake = (): void => {
    const woken = wakers;
    wakers = [];
    for (const each of woken) each();
  };
  const change = (): Promise<void> => new Promise((resolve) => wakers.push(resolve));

  const settle = (message: M, on: ConfirmChannel, error: unknown): void => {
    // A confirm of a channel that was lost says nothing: its messages have been taken back already.
    if (on !== channel || sent.get(message.messageId) !== message) return;
    sent.delete(message.messageId);
    const gaveBack = returned.delete(message.messageId);
    if (!gaveBack && (error === null || error === undefined)) {
      onConfirmed(message);
      pump();
    } else {
      if (gaveBack) unroutable += 1;
      repeated += 1;
      waiting.push(message);
      setTimeout(pump, retryMs);
    }
    wake();
  };

  function pump(): void {
    const on = channel;
    while (on !== undefined && on === channel && sent.size < window) {
      const message = waiting.shift();
      if (message === undefined) return;
      const { exchange, body, messageId, headers, contentEncoding } = message;
      sent.set(messageId, message);
      const how = {
        persistent: true,
        mandatory: true,
        contentType: 'application/json',
        messageId,
        ...(headers === undefined ? {} : { headers }),
        ...(contentEncoding === undefined ? {} : { contentEncoding }),
      };
      try {
        on.publish(exchange, '', body, how, (error) => settle(message, on, error));
      } catch {
        // The channel has closed under us; its `close` event takes everything back.
        return;
      }
    }
  }

  const takeBack = (): void => {
    channel = undefined;
    repeated += sent.size;
    waiting.unshift(...sent.values());
    sent.clear();
    returned.clear();
  };

  async function serve(): Promise<void> {
    while (!closed) {
      try {
        const opened = await soon(connect(url, { timeout: openMs }), 'connecting');
        connection = opened;
        opened.on('error', () => {});
        const lost = new Promise<void>((resolve) => void opened.once('close', () => resolve()));
        const made = await soon(opened.createConfirmChannel(), 'opening a channel');
        made.on('error', () => {});
        made.on('return', (message) => returned.add(String(message.properties.messageId)));
        const ended = new Promise<void>((resolve) => void made.once('close', () => resolve()));
        channel = made;
        pump();
        await Promise.race([lost, ended]);
      } catch {
        // The broker is away, as often in these tests: tried again until `close`.
      }
      takeBack();
      void connection?.close().catch(() => {});
      if (!closed) await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
  const serving = serve();

  return {
    async publish(message) {
      waiting.push(message);
      pump();
      while (waiting.length + sent.size >= 2 * window && !closed) await change();
    },
    async flush(withinMs) {
      const deadline = performance.now() + withinMs;
      while (waiting.length + sent.size > 0) {
        const left = deadline - performance.now();
        if (left <= 0)
          throw new Error(`${waiting.length + sent.size} messages not confirmed within ${withinMs} ms of flushing`);
        await Promise.race([change(), new Promise((resolve) => setTimeout(resolve, Math.min(left, 100)))]);
      }
    },
    get unconfirmed() {
      return waiting.length + sent.size;
    },
    get repeated() {
      return repeated;
    },
    get unroutable() {
      return unroutable;
    },
    async close() {
      closed = true;
      wake();
      await soon(connection?.close() ?? Promise.resolve(), 'closing').catch(() => {});
      await soon(serving, 'ending').catch(() => {});
    },
  };
}

/** The libraries have no deadline of their own. */
function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} took longer than ${openMs} ms`)), openMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
