/** A queue of its own for one test, on the real broker, reached through a proxy that can hurt. */
import { randomBytes } from 'node:crypto';
import type { Delivery, Letter, Session, Source } from '@inator/runtime';
import { fault } from '@inator/runtime';
import type { Channel, ConfirmChannel, GetMessage } from 'amqplib';
import { startProxy, type Proxy as TcpProxy } from '../../testkit/src/proxy.ts';
import { type Broker, type BrokerListeners, createBroker } from '../src/broker.ts';
import { type BrokerSettings, brokerSettingsFromUrl } from '../src/settings.ts';
import { createQueueSource } from '../src/source.ts';
import { declareQueue, type QueueSpec, queueNames } from '../src/topology.ts';

export const never = new AbortController().signal;

export function directSettings(url = process.env.TEST_RABBITMQ_URL): BrokerSettings {
  if (url === undefined) throw new Error('TEST_RABBITMQ_URL is not set');
  return brokerSettingsFromUrl(url, { closeTimeoutMs: 2_000 });
}

export interface Fixture {
  readonly spec: QueueSpec;
  readonly source: Source;
  readonly broker: Broker;
  readonly letters: Broker;
  /** The channels that sessions and questions about the depth were given, in the order they were opened. */
  readonly channels: readonly Channel[];
  /** Past the proxies. */
  readonly admin: Broker;
  readonly proxy: TcpProxy;
  /** Before the letters' connection. */
  readonly letterProxy: TcpProxy;
  /** Bytes that went to the broker through `proxy`. */
  readonly sent: { bytes: number };
  publish(bodies: readonly (string | Buffer)[], options?: Record<string, unknown>): Promise<void>;
  /** Takes everything out of the dead-letter queue. */
  takeLetters(): Promise<GetMessage[]>;
  /** Messages ready in a queue, by passive declare. */
  ready(queue?: string): Promise<number>;
  /** Opens a session and collects what it takes. */
  open(window?: number): Promise<{ readonly session: Session; readonly taken: Delivery[] }>;
  dispose(): Promise<void>;
}

export interface FixtureOptions {
  readonly spec?: Partial<QueueSpec>;
  readonly url?: string;
  /** Where the queue is declared, when it is to be led by another node of the cluster. */
  readonly declareAt?: string;
  readonly settings?: Partial<BrokerSettings>;
  readonly listeners?: BrokerListeners;
  /** False leaves the queue to the first session. */
  readonly declare?: boolean;
}

export async function makeFixture(options: FixtureOptions = {}): Promise<Fixture> {
  const direct = directSettings(options.url ?? process.env.TEST_RABBITMQ_URL);
  const target = { host: direct.host, port: direct.port ?? 5672 };
  const sent = { bytes: 0 };
  const proxy = await startProxy({
    target,
    onData: (chunk, towards) => {
      if (towards === 'server') sent.bytes += chunk.length;
    },
  });
  const letterProxy = await startProxy({ target });
  const via = (through: TcpProxy): BrokerSettings => ({
    ...direct,
    host: '127.0.0.1',
    port: through.port,
    ...options.settings,
  });
  const broker = createBroker(via(proxy), options.listeners);
  const letters = createBroker(via(letterProxy));
  const admin = createBroker(direct);
  const names = queueNames(`t${randomBytes(5).toString('hex')}`, 'testinator', 'things');
  const spec: QueueSpec = { ...names, type: 'quorum', ...options.spec };
  const channels: Channel[] = [];
  const watched: Broker = {
    ...broker,
    async channel(signal) {
      const channel = await broker.channel(signal);
      channels.push(channel);
      return channel;
    },
  };
  const source = createQueueSource({ broker: watched, letters, queue: spec, service: 'testinator' });
  if (options.declareAt !== undefined) {
    const leader = createBroker(directSettings(options.declareAt));
    await declareQueue(leader, { ...spec, passive: false });
    await leader.close();
  } else if (options.declare !== false) await declareQueue(admin, { ...spec, passive: false });

  const sessions: Session[] = [];
  let publishing: Promise<ConfirmChannel> | undefined;
  const fixture: Fixture = {
    spec,
    source,
    broker,
    letters,
    channels,
    admin,
    proxy,
    letterProxy,
    sent,
    async publish(bodies, properties = {}) {
      publishing ??= admin.confirmChannel();
      const channel = await publishing;
      for (const body of bodies) {
        const { routingKey = '', ...rest } = properties as { routingKey?: string };
        channel.publish(spec.exchange, routingKey, Buffer.from(body as string), { persistent: true, ...rest });
      }
      await channel.waitForConfirms();
    },
    async takeLetters() {
      const channel = await admin.channel();
      const found: GetMessage[] = [];
      for (;;) {
        const letter = await channel.get(spec.deadLetterQueue, { noAck: true });
        if (letter === false) break;
        found.push(letter);
      }
      await channel.close();
      return found;
    },
    async ready(queue = spec.queue) {
      const channel = await admin.channel();
      const { messageCount } = await channel.checkQueue(queue);
      await channel.close();
      return messageCount;
    },
    async open(window = 100) {
      const taken: Delivery[] = [];
      const session = await source.open((delivery) => taken.push(delivery), { window, signal: never });
      sessions.push(session);
      return { session, taken };
    },
    async dispose() {
      proxy.thaw();
      letterProxy.thaw();
      for (const session of sessions) await session.close();
      await broker.close();
      await letters.close();
      // A queue without a leader answers nothing: it must not keep the others from being cleaned up.
      const removed = admin.channel().then(async (channel) => {
        await channel.deleteQueue(spec.queue);
        await channel.deleteQueue(spec.deadLetterQueue);
        await channel.deleteExchange(spec.exchange);
        await channel.deleteExchange(spec.deadLetterExchange);
        await channel.close();
      });
      await admin
        .within(removed, 20_000, `removing ${spec.queue}`)
        .catch((error) => process.emitWarning(String(error)));
      await admin.close();
      await proxy.close();
      await letterProxy.close();
    },
  };
  return fixture;
}

export function letterAbout(reason = 'because'): Letter {
  const found = fault('value-refused', 'copy', reason, { native: '22P02' });
  return { fault: found, model: 'things', key: 'k-1', attempts: 2 };
}

/** The message of whatever it rejects with, and all its causes: what a log would show. */
export function everyWord(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const fields = JSON.stringify({ ...thrown });
  return `${thrown.message} ${thrown.stack ?? ''} ${fields} ${thrown.cause === undefined ? '' : everyWord(thrown.cause)}`;
}
