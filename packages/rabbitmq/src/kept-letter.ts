/** A letter as it lies in a dead-letter queue: written by us, or put there by the broker itself. */
import type { Headers } from '@inator/runtime';
import type { ConsumeMessage } from 'amqplib';

/** Everything AMQP 0-9-1 carries besides body and headers; absent stays absent. */
export interface LetterProperties {
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly deliveryMode?: number;
  readonly priority?: number;
  readonly correlationId?: string;
  readonly replyTo?: string;
  readonly expiration?: string;
  readonly messageId?: string;
  /** Seconds since the epoch. */
  readonly timestamp?: number;
  readonly type?: string;
  readonly userId?: string;
  readonly appId?: string;
}

export interface KeptLetter {
  /** A view of a read buffer: copy it to keep it for long. */
  readonly body: Buffer;
  readonly headers: Headers;
  readonly properties: LetterProperties;
  /** How it was published to the dead-letter exchange, not where the original came from. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly redelivered: boolean;
  /** How often the dead-letter queue has lent it and got it back, 0 where the broker does not count. */
  readonly returns: number;
}

const names = [
  'contentType',
  'contentEncoding',
  'deliveryMode',
  'priority',
  'correlationId',
  'replyTo',
  'expiration',
  'messageId',
  'timestamp',
  'type',
  'userId',
  'appId',
] as const satisfies readonly (keyof LetterProperties)[];

export function keptLetter({ content, fields, properties }: ConsumeMessage): KeptLetter {
  const headers = properties.headers ?? {};
  const returns: unknown = headers['x-delivery-count'];
  const given = names.flatMap((name) => (properties[name] === undefined ? [] : [[name, properties[name]]]));
  return {
    body: content,
    headers,
    properties: Object.fromEntries(given) as LetterProperties,
    exchange: fields.exchange,
    routingKey: fields.routingKey,
    redelivered: fields.redelivered,
    returns: typeof returns === 'number' ? returns : 0,
  };
}
