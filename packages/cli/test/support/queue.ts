/** Queues on the real broker that catch what is published, one set per test. */
import { randomBytes } from 'node:crypto';
import { type RecordType, recordTypes } from '@inator/discogs';
import { type Broker, brokerSettingsFromUrl, createBroker } from '@inator/rabbitmq';

export interface Caught {
  readonly body: string;
  readonly persistent: boolean;
  readonly contentType: string;
}

export interface Catcher {
  /** The environment for the command: this broker, and an exchange prefix of this test's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly prefix: string;
  /** Messages waiting. */
  depth(type: RecordType): Promise<number>;
  /** Takes everything out of the queue. */
  take(type: RecordType): Promise<Caught[]>;
  close(): Promise<void>;
}

/** Binds a queue to the exchange of every type in `types`. */
export async function openCatcher(types: readonly RecordType[] = recordTypes): Promise<Catcher> {
  const url = process.env.TEST_RABBITMQ_URL;
  if (url === undefined) throw new Error('TEST_RABBITMQ_URL is not set: run with --selectProjects servers');
  const broker: Broker = createBroker(brokerSettingsFromUrl(url));
  const prefix = `cli-${randomBytes(6).toString('hex')}`;
  const channel = await broker.channel();
  for (const type of types) {
    await channel.assertExchange(`${prefix}-${type}`, 'fanout');
    await channel.assertQueue(`${prefix}-${type}-caught`, { durable: true });
    await channel.bindQueue(`${prefix}-${type}-caught`, `${prefix}-${type}`, '');
  }
  const depth = async (type: RecordType): Promise<number> =>
    (await channel.checkQueue(`${prefix}-${type}-caught`)).messageCount;
  return {
    env: { RABBITMQ_URL: url, RABBITMQ_EXCHANGE_PREFIX: prefix },
    prefix,
    depth,
    async take(type) {
      const wanted = await depth(type);
      const caught: Caught[] = [];
      if (wanted === 0) return caught;
      await new Promise<void>((resolve, reject) => {
        const tag = `take-${randomBytes(4).toString('hex')}`;
        channel
          .consume(
            `${prefix}-${type}-caught`,
            (message) => {
              if (message === null) return;
              const { contentType, deliveryMode } = message.properties;
              caught.push({
                body: message.content.toString(),
                persistent: deliveryMode === 2,
                contentType: String(contentType),
              });
              if (caught.length === wanted) channel.cancel(tag).then(() => resolve(), reject);
            },
            { noAck: true, consumerTag: tag },
          )
          .catch(reject);
      });
      return caught;
    },
    async close() {
      for (const type of recordTypes) {
        await channel.deleteQueue(`${prefix}-${type}-caught`);
        await channel.deleteExchange(`${prefix}-${type}`);
      }
      await broker.close();
    },
  };
}
