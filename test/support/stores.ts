/** What is in the stores and the queues, asked by clients of the tests' own, not by the code under test. */
import { type ChannelModel, connect } from 'amqplib';
import neo4j, { type Driver } from 'neo4j-driver';
import pg from 'pg';

export interface Tables {
  query<T extends Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<T[]>;
  count(schema: string, table: string): Promise<number>;
  close(): Promise<void>;
}

export function openTables(url: string): Tables {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on('error', () => {});
  return {
    async query<T extends Record<string, unknown>>(sql: string, values: readonly unknown[] = []) {
      return (await pool.query<T>(sql, [...values])).rows;
    },
    async count(schema, table) {
      const { rows } = await pool.query<{ exists: string | null }>('select to_regclass($1)::text as exists', [
        `${schema}.${table}`,
      ]);
      if (rows[0]?.exists === null) return 0;
      const counted = await pool.query<{ n: number }>(`select count(*)::int as n from "${schema}"."${table}"`);
      return counted.rows[0]?.n ?? 0;
    },
    close: () => pool.end(),
  };
}

export interface Graph {
  query<T extends Record<string, unknown>>(cypher: string, parameters?: Record<string, unknown>): Promise<T[]>;
  close(): Promise<void>;
}

export function openGraph(uri: string, username: string, password: string): Graph {
  const driver: Driver = neo4j.driver(uri, neo4j.auth.basic(username, password), { disableLosslessIntegers: true });
  return {
    async query<T extends Record<string, unknown>>(cypher: string, parameters: Record<string, unknown> = {}) {
      const { records } = await driver.executeQuery(cypher, parameters);
      return records.map((record) => record.toObject() as T);
    },
    close: () => driver.close(),
  };
}

export interface Letter {
  readonly body: Buffer;
  readonly headers: Record<string, unknown>;
  readonly messageId: string | undefined;
}

export interface Broker {
  /** Publishes persistent messages and resolves when all are confirmed. */
  publish(
    exchange: string,
    bodies: Iterable<Buffer | string>,
    headers?: (index: number) => Record<string, unknown>,
  ): Promise<void>;
  /** Messages ready in the queue; 0 when there is no such queue. */
  ready(queue: string): Promise<number>;
  /** Takes all letters out of a dead-letter queue. */
  letters(queue: string): Promise<Letter[]>;
  /** Messages that a queue still owes: ready and unacked. Asks by consuming nothing. */
  declare(queue: string, exchange: string): Promise<void>;
  remove(queues: readonly string[], exchanges: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export async function openBroker(url: string): Promise<Broker> {
  const connection: ChannelModel = await connect(url);
  connection.on('error', () => {});
  const asking = async <T>(
    ask: (channel: Awaited<ReturnType<ChannelModel['createChannel']>>) => Promise<T>,
    otherwise: T,
  ): Promise<T> => {
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    try {
      const answer = await ask(channel);
      await channel.close();
      return answer;
    } catch (error) {
      if ((error as { code?: number }).code === 404) return otherwise;
      throw error;
    }
  };
  return {
    async publish(exchange, bodies, headers) {
      const channel = await connection.createConfirmChannel();
      await channel.assertExchange(exchange, 'fanout', { durable: true });
      let index = 0;
      for (const body of bodies) {
        const more = channel.publish(exchange, '', Buffer.from(body), {
          persistent: true,
          contentType: 'application/json',
          ...(headers === undefined ? {} : { headers: headers(index) }),
        });
        index += 1;
        if (!more) await new Promise((resolve) => channel.once('drain', resolve));
      }
      await channel.waitForConfirms();
      await channel.close();
    },
    ready: (queue) => asking(async (channel) => (await channel.checkQueue(queue)).messageCount, 0),
    letters: (queue) =>
      asking(async (channel) => {
        const letters: Letter[] = [];
        for (;;) {
          const message = await channel.get(queue, { noAck: true });
          if (message === false) return letters;
          letters.push({
            body: message.content,
            headers: message.properties.headers ?? {},
            messageId: message.properties.messageId as string | undefined,
          });
        }
      }, []),
    async declare(queue, exchange) {
      await asking(async (channel) => {
        await channel.assertExchange(exchange, 'fanout', { durable: true });
        await channel.assertQueue(queue, { durable: true });
        await channel.bindQueue(queue, exchange, '');
      }, undefined);
    },
    async remove(queues, exchanges) {
      await asking(async (channel) => {
        for (const queue of queues) await channel.deleteQueue(queue);
        for (const exchange of exchanges) await channel.deleteExchange(exchange);
      }, undefined);
    },
    close: () => connection.close(),
  };
}
