/** A durable quorum queue as the services declare it, filled before the clock starts. */
import { generateSample, type RecordType, recordBody } from '@inator/discogs';
import { brokerSettingsFromUrl, createPublisher, queueNames } from '@inator/rabbitmq';
import { type ChannelModel, connect } from 'amqplib';
import { UsageError } from './scenario.ts';
import type { Environment } from './world.ts';

export interface Filling {
  readonly type: RecordType;
  readonly count: number;
  readonly version?: number | undefined;
  readonly targetBytes?: number | undefined;
  readonly from?: number | undefined;
  /** Every record under another title, and so another hash; all else as in its version. */
  readonly retitled?: boolean | undefined;
  /** What is published instead of the bodies themselves. */
  readonly change?: ((body: Buffer, index: number) => Buffer) | undefined;
}

/** The bodies, one after the other. */
export function* bodies({ type, count, version, targetBytes, from, retitled, change }: Filling): Generator<Buffer> {
  let index = 0;
  for (const made of generateSample({
    type,
    count,
    ...(version === undefined ? {} : { version }),
    ...(targetBytes === undefined ? {} : { targetBytes }),
    ...(from === undefined ? {} : { from }),
  })) {
    const body = retitled === true ? underAnotherTitle(made) : made;
    yield change === undefined ? body : change(body, index);
    index += 1;
  }
}

function underAnotherTitle(body: Buffer): Buffer {
  const { type: _type, sha256: _hash, ...data } = JSON.parse(body.toString()) as Readonly<Record<string, unknown>>;
  return recordBody(String(data.id), JSON.stringify({ ...data, title: `${data.title} (again)` }));
}

/** Messages that may be unconfirmed while a queue is filled. */
const unconfirmed = 2_000;

/** Publishes to the exchange, waits for every confirm and returns the bytes of all bodies. */
export async function fill(env: Environment, exchange: string, filling: Filling): Promise<number> {
  const publisher = createPublisher(brokerSettingsFromUrl(brokerUrl(env)), { maxUnconfirmed: unconfirmed });
  let bytes = 0;
  let failed: unknown;
  try {
    for (const body of bodies(filling)) {
      await publisher.ready();
      if (failed !== undefined) break;
      bytes += body.length;
      publisher.publish(exchange, '', body).catch((error: unknown) => {
        failed ??= error;
      });
    }
    await publisher.flush();
  } finally {
    await publisher.close();
  }
  if (failed !== undefined) throw failed;
  return bytes;
}

/** Declares the queue of a consumer and binds it to the exchange of the type; what a run declares, `removeQueues` removes. */
export async function declareQueue(
  env: Environment,
  prefix: string,
  consumer: string,
  type: RecordType,
): Promise<string> {
  const { exchange, queue, deadLetterExchange } = queueNames(prefix, consumer, type);
  await onBroker(env, async (connection) => {
    const channel = await connection.createChannel();
    await channel.assertExchange(exchange, 'fanout', { durable: true });
    await channel.assertQueue(queue, {
      durable: true,
      arguments: { 'x-queue-type': 'quorum', 'x-dead-letter-exchange': deadLetterExchange },
    });
    await channel.bindQueue(queue, exchange, '');
    await channel.close();
  });
  return queue;
}

/** The consumers' queues with their dead-letter pairs, and the exchange of the type. */
export async function removeQueues(
  env: Environment,
  prefix: string,
  consumers: readonly string[],
  type: RecordType,
): Promise<void> {
  await onBroker(env, async (connection) => {
    const channel = await connection.createChannel();
    for (const consumer of consumers) {
      const { queue, deadLetterExchange, deadLetterQueue } = queueNames(prefix, consumer, type);
      await channel.deleteQueue(queue);
      await channel.deleteQueue(deadLetterQueue);
      await channel.deleteExchange(deadLetterExchange);
    }
    await channel.deleteExchange(queueNames(prefix, '', type).exchange);
    await channel.close();
  });
}

/** Messages ready in a queue that exists. */
export async function ready(env: Environment, queue: string): Promise<number> {
  return onBroker(env, async (connection) => {
    const channel = await connection.createChannel();
    const { messageCount } = await channel.checkQueue(queue);
    await channel.close();
    return messageCount;
  });
}

/** Longest the broker may take to answer a connection. */
const connectMs = 10_000;

export async function onBroker<T>(env: Environment, work: (connection: ChannelModel) => Promise<T>): Promise<T> {
  const connection = await connect(brokerUrl(env), { timeout: connectMs });
  connection.on('error', () => {});
  try {
    return await work(connection);
  } finally {
    await connection.close().catch(() => {});
  }
}

export function brokerUrl(env: Environment): string {
  if (env.RABBITMQ_URL !== undefined && env.RABBITMQ_URL !== '') return env.RABBITMQ_URL;
  throw new UsageError('a broker for benchmarks is named by RABBITMQ_URL, not by its parts');
}
