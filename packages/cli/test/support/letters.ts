/** Real dead letters: written by the letter box of a session on the queues of both services, under a prefix of their own. */
import { randomBytes } from 'node:crypto';
import { type RecordType, recordTypes } from '@inator/discogs';
import {
  type Broker,
  brokerSettingsFromUrl,
  createBroker,
  createPublisher,
  createQueueSource,
  declareQueue,
  type QueueSpec,
  queueNames,
} from '@inator/rabbitmq';
import { type Delivery, type FaultCode, fault, type Stage } from '@inator/runtime';
import { until } from '@inator/testkit';

export interface Sent {
  readonly body: string | Buffer;
  readonly code?: FaultCode;
  readonly stage?: Stage;
  readonly key?: string;
  readonly reason?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
}

export interface Waiting {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, unknown>>;
}

export type ServiceName = 'tableinator' | 'graphinator';

export interface LetterWorld {
  readonly env: Readonly<Record<string, string>>;
  readonly prefix: string;
  /** Where the broker listens: the target of a proxy. */
  readonly server: { readonly host: string; readonly port: number };
  /** The environment for a command that reaches the broker over a proxy on `port`. */
  through(port: number): Readonly<Record<string, string>>;
  spec(service: ServiceName, type?: RecordType): QueueSpec;
  /** Dead-letters them in this order, through the real session. */
  write(service: ServiceName, sent: readonly Sent[], type?: RecordType): Promise<void>;
  /** Puts one message straight into a queue, as a stranger may. */
  put(queue: string, body: string, headers: Readonly<Record<string, unknown>>): Promise<void>;
  /** Messages waiting; 0 when there is no such queue. */
  depth(queue: string): Promise<number>;
  /** Takes everything out. */
  take(queue: string): Promise<Waiting[]>;
  /** Deletes a queue. */
  remove(queue: string): Promise<void>;
  close(): Promise<void>;
}

/** Declares the queues of both services for one kind of record. */
export async function openLetterWorld(type: RecordType = 'artists'): Promise<LetterWorld> {
  const url = process.env.TEST_RABBITMQ_URL;
  if (url === undefined) throw new Error('TEST_RABBITMQ_URL is not set: run with --selectProjects=servers');
  const settings = brokerSettingsFromUrl(url);
  const [broker, letters]: [Broker, Broker] = [createBroker(settings), createBroker(settings)];
  const publisher = createPublisher(letters);
  const prefix = `dlq-${randomBytes(5).toString('hex')}`;
  const spec = (service: ServiceName, kind: RecordType = type): QueueSpec => ({
    ...queueNames(prefix, service, kind),
    type: 'quorum',
  });
  for (const service of ['tableinator', 'graphinator'] as const) await declareQueue(broker, spec(service));
  const channel = await broker.channel();
  const never = new AbortController().signal;

  async function letterOf(
    session: Awaited<ReturnType<ReturnType<typeof createQueueSource>['open']>>,
    at: Delivery,
    sent: Sent,
  ) {
    const { code = 'value-refused', stage = 'copy', reason = 'because', key } = sent;
    const letter = {
      fault: fault(code, stage, reason),
      model: type,
      attempts: 1,
      ...(key === undefined ? {} : { key }),
    };
    await session.deadLetter(at, letter, never);
  }

  const { hostname, port: listens, username, password } = new URL(url);

  return {
    env: { RABBITMQ_URL: url, RABBITMQ_EXCHANGE_PREFIX: prefix },
    prefix,
    server: { host: hostname, port: Number(listens) },
    through: (port) => ({
      RABBITMQ_URL: `amqp://${username}:${password}@127.0.0.1:${port}`,
      RABBITMQ_EXCHANGE_PREFIX: prefix,
    }),
    spec,
    async write(service, sent, kind) {
      const queue = spec(service, kind);
      await Promise.all(
        sent.map(({ body, headers = {} }) =>
          publisher.publish('', queue.queue, Buffer.from(body as string), { headers }),
        ),
      );
      const source = createQueueSource({ broker, letters, queue, service });
      const taken: Delivery[] = [];
      const session = await source.open((delivery) => taken.push(delivery), { window: 65_535, signal: never });
      await until(() => taken.length === sent.length, 'all deliveries');
      for (let at = 0; at < sent.length; at += 200) {
        const some = sent.slice(at, at + 200);
        await Promise.all(some.map((one, index) => letterOf(session, taken[at + index] as Delivery, one)));
      }
      await session.close();
    },
    put: (queue, text, headers) => publisher.publish('', queue, Buffer.from(text), { headers }),
    async depth(queue) {
      const asking = await broker.channel();
      try {
        const { messageCount } = await asking.checkQueue(queue);
        await asking.close();
        return messageCount;
      } catch {
        return 0;
      }
    },
    async take(queue) {
      const taken: Waiting[] = [];
      const wanted = (await channel.checkQueue(queue)).messageCount;
      const { consumerTag } = await channel.consume(
        queue,
        (message) => {
          if (message === null) return;
          taken.push({ body: message.content, headers: message.properties.headers ?? {} });
        },
        { noAck: true },
      );
      await until(() => taken.length >= wanted, `${wanted} messages of ${queue}`);
      await channel.cancel(consumerTag);
      return taken;
    },
    async remove(queue) {
      await channel.deleteQueue(queue);
    },
    async close() {
      for (const service of ['tableinator', 'graphinator'] as const) {
        for (const kind of recordTypes) {
          const { queue, deadLetterQueue, deadLetterExchange, exchange } = spec(service, kind);
          await channel.deleteQueue(queue);
          await channel.deleteQueue(deadLetterQueue);
          await channel.deleteExchange(deadLetterExchange);
          await channel.deleteExchange(exchange);
        }
      }
      await publisher.close();
      await letters.close();
      await broker.close();
    },
  };
}

export const bodyOf = (id: number): string => `{"type":"data","id":"${id}"}`;

/** Letters with the keys 0, 1, 2, … */
export const sent = (count: number, more: (id: number) => Partial<Sent> = () => ({})): Sent[] =>
  Array.from({ length: count }, (_, index) => ({ body: bodyOf(index), key: String(index), ...more(index) }));

export const idsOf = (waiting: readonly Waiting[]): number[] =>
  waiting.map((one) => Number((JSON.parse(one.body.toString()) as { id: string }).id));

export const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
