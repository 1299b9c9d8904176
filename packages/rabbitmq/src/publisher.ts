/**
 * Publishing with confirms: a message counts when the broker has it.
 *
 * What is not confirmed is kept and published again after the connection or channel was lost, in the order it was given,
 * so every message arrives at least once. A message that makes the broker close the channel (no such exchange, no right
 * to publish, too large) would do so for ever and take its neighbours along; after such a loss the messages at hand go
 * out one at a time, until the one at fault is found and rejected.
 */
import { backoffMs, delay, type Fault, within } from '@inator/runtime';
import type { Options } from 'amqplib';
import { type Broker, type BrokerListeners, createBroker } from './broker.ts';
import { type ChannelLoss, type Confirms, openConfirms, type PublishEnd } from './confirms.ts';
import { asSourceError, brokerFault, classify } from './faults.ts';
import type { BrokerSettings } from './settings.ts';

export interface PublishProperties {
  /** Default `application/json`. */
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly messageId?: string;
  readonly correlationId?: string;
  readonly type?: string;
  readonly appId?: string;
  /** Seconds since the epoch. */
  readonly timestamp?: number;
  readonly headers?: Readonly<Record<string, unknown>>;
  /** Default true: the message survives a restart of the broker. */
  readonly persistent?: boolean;
}

export interface PublisherOptions {
  /** Messages that may be unconfirmed before `ready` waits. Default 1,000; up to ten times as many are accepted. */
  readonly maxUnconfirmed?: number;
  /** The channel or connection was lost, or could not be opened: `unconfirmed` messages will be published again. */
  readonly onLost?: (fault: Fault, unconfirmed: number) => void;
  /** Of the publisher's own connection, when it was given settings: in an alarm of the broker messages just wait. */
  readonly connection?: BrokerListeners;
}

export interface Publisher {
  /**
   * Resolves when the broker has confirmed the message and a queue took it. Rejects with `PublishError`. The body must
   * not change until then.
   */
  publish(exchange: string, routingKey: string, body: Uint8Array, properties?: PublishProperties): Promise<void>;
  /** Resolves when fewer than `maxUnconfirmed` messages are unconfirmed and the socket is not behind. */
  ready(): Promise<void>;
  /** Resolves when nothing is unconfirmed: everything given so far has met its end. */
  flush(): Promise<void>;
  /** Declares a durable exchange. Rejects with `SourceError`. */
  declareExchange(name: string, type?: 'fanout' | 'direct' | 'topic'): Promise<void>;
  readonly unconfirmed: number;
  /** What is still unconfirmed is rejected as `closed`; `flush` first to keep it. Never rejects. */
  close(): Promise<void>;
}

/**
 * `unroutable` no queue took it: a fanout exchange without a queue · `refused` the broker, or the encoding, does not
 * accept it · `nacked` a queue refused it several times · `overrun` ten times `maxUnconfirmed` were not confirmed yet:
 * await `ready` · `closed` the publisher was closed first.
 */
export class PublishError extends Error {
  readonly is: 'unroutable' | 'refused' | 'nacked' | 'overrun' | 'closed';
  constructor(is: PublishError['is'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PublishError';
    this.is = is;
  }
}

interface Entry {
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Buffer;
  readonly options: Options.Publish;
  readonly resolve: () => void;
  readonly reject: (error: PublishError) => void;
  nacks: number;
}

/** Times a message may be refused by a full or failing queue. */
const maxNacks = 5;
const plain: Options.Publish = { persistent: true, mandatory: true, contentType: 'application/json' };
/** For callers that need not wait: `ready` is awaited before every message. */
const immediately = Promise.resolve();
const retry = { firstMs: 100, maxMs: 2_000 };
const declareMs = 10_000;
const closeMs = 5_000;

export function createPublisher(target: Broker | BrokerSettings, options: PublisherOptions = {}): Publisher {
  const own = 'status' in target ? undefined : createBroker(target, options.connection);
  const broker = 'status' in target ? target : (own as Broker);
  const maxUnconfirmed = options.maxUnconfirmed ?? 1_000;
  const closing = new AbortController();
  /** Not confirmed, in the order given. */
  const entries = new Set<Entry>();
  const waiting = new Set<{ readonly below: number; readonly wake: () => void }>();
  /** Where new messages go at once; undefined while there is no channel, or while a message at fault is searched. */
  let current: Confirms | undefined;
  let serving: Promise<void> | undefined;

  function finish(entry: Entry, error?: PublishError): void {
    if (!entries.delete(entry)) return;
    if (error === undefined) entry.resolve();
    else entry.reject(error);
    if (waiting.size === 0) return;
    for (const waiter of waiting) {
      if (entries.size >= waiter.below) continue;
      waiting.delete(waiter);
      waiter.wake();
    }
  }

  function below(count: number): Promise<void> {
    if (entries.size < count) return Promise.resolve();
    return new Promise((wake) => waiting.add({ below: count, wake }));
  }

  function send(confirms: Confirms, entry: Entry, onEnd?: (end: PublishEnd, loss: ChannelLoss) => void): void {
    try {
      confirms.publish(entry.exchange, entry.routingKey, entry.body, entry.options, (end, loss) => {
        if (end === 'confirmed') finish(entry);
        else if (end === 'unroutable') finish(entry, new PublishError('unroutable', `no queue took ${about(entry)}`));
        else if (end === 'nacked') again(confirms, entry);
        onEnd?.(end, loss);
      });
    } catch (cause) {
      finish(entry, new PublishError('refused', `${about(entry)} cannot be encoded`, { cause }));
      onEnd?.('nacked', undefined);
    }
  }

  function again(confirms: Confirms, entry: Entry): void {
    entry.nacks += 1;
    if (entry.nacks >= maxNacks) {
      const message = `${about(entry)} was refused ${maxNacks} times: a queue is full or failing`;
      finish(entry, new PublishError('nacked', message));
      return;
    }
    void delay(backoffMs(entry.nacks, retry), closing.signal).then(() => {
      // On another channel by now, it has been published again with the others.
      if (entries.has(entry) && confirms === current) send(confirms, entry);
    });
  }

  /** One at a time: when the channel dies, the message on it is the one at fault. True when all went through. */
  async function search(confirms: Confirms): Promise<boolean> {
    for (const entry of [...entries]) {
      if (!confirms.isOpen) return false;
      await new Promise<void>((resolve) => {
        send(confirms, entry, (end, loss) => {
          if (end === 'lost' && loss !== undefined && classify(loss) === 'misconfigured') {
            const { reason } = brokerFault('misconfigured', `the broker refuses exchange ${entry.exchange}`, loss);
            finish(entry, new PublishError('refused', reason, { cause: loss }));
          }
          resolve();
        });
      });
    }
    return confirms.isOpen;
  }

  async function serve(): Promise<void> {
    let isSearching = false;
    for (let attempt = 1; entries.size > 0 && !closing.signal.aborted; attempt += 1) {
      let confirms: Confirms;
      try {
        confirms = await openConfirms(broker, closing.signal);
      } catch (error) {
        const failure = asSourceError(`no channel to ${broker.address}`, error);
        if (failure.is === 'misconfigured') {
          rejectAll('refused', failure.fault.reason, failure);
        } else {
          tellLost(failure.fault);
          await delay(backoffMs(attempt, retry), closing.signal);
        }
        continue;
      }
      attempt = 0;
      closing.signal.addEventListener('abort', () => void confirms.close(), { once: true });
      if (closing.signal.aborted) void confirms.close();
      if (!isSearching || (await search(confirms))) {
        isSearching = false;
        current = confirms;
        for (const entry of entries) send(confirms, entry);
      }
      const loss = await confirms.lost;
      current = undefined;
      isSearching ||= loss !== undefined && classify(loss) === 'misconfigured';
      if (!closing.signal.aborted)
        tellLost(brokerFault('unavailable', `the channel to ${broker.address} was lost`, loss));
    }
  }

  function start(): void {
    serving ??= serve().finally(() => {
      serving = undefined;
      if (entries.size > 0 && !closing.signal.aborted) start();
    });
  }

  function tellLost(fault: Fault): void {
    try {
      options.onLost?.(fault, entries.size);
    } catch (error) {
      process.emitWarning(`a listener of the publisher threw: ${String(error)}`);
    }
  }

  function rejectAll(is: PublishError['is'], message: string, cause?: unknown): void {
    for (const entry of [...entries]) finish(entry, new PublishError(is, message, { cause }));
  }

  return {
    publish(exchange, routingKey, body, properties) {
      if (closing.signal.aborted) return Promise.reject(new PublishError('closed', 'the publisher is closed'));
      if (entries.size >= maxUnconfirmed * 10) {
        const message = `${entries.size} messages are not confirmed yet: await ready() before publishing more`;
        return Promise.reject(new PublishError('overrun', message));
      }
      return new Promise((resolve, reject) => {
        const entry: Entry = {
          exchange,
          routingKey,
          body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
          options: properties === undefined ? plain : { ...plain, ...properties },
          resolve,
          reject,
          nacks: 0,
        };
        entries.add(entry);
        if (current?.isOpen) send(current, entry);
        else start();
      });
    },
    ready: () =>
      entries.size < maxUnconfirmed && !current?.isBehind
        ? immediately
        : below(maxUnconfirmed).then(() => current?.drained()),
    flush: () => below(1),
    async declareExchange(name, type = 'fanout') {
      const channel = await broker.channel(closing.signal);
      try {
        const declaring = channel.assertExchange(name, type);
        await broker.within(declaring, declareMs, `declaring exchange ${name}`);
      } catch (error) {
        throw asSourceError(`exchange ${name} cannot be declared as ${type}`, error);
      } finally {
        channel.close().catch(() => {});
      }
    },
    get unconfirmed() {
      return entries.size;
    },
    async close() {
      closing.abort();
      rejectAll('closed', 'the publisher was closed before the broker confirmed the message');
      await within(serving ?? Promise.resolve(), closeMs, 'closing the publisher').catch(() => {});
      await own?.close();
    },
  };
}

function about(entry: Entry): string {
  return `a message of ${entry.body.length} bytes to exchange ${entry.exchange}`;
}
