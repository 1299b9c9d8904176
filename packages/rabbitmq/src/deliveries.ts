/** The broker's messages as deliveries of one session. */
import type { Delivery, DeliveryProperties, Headers } from '@inator/runtime';
import type { ConsumeMessage, MessageProperties } from 'amqplib';
import type { AckEntry } from './acks.ts';
import { replaysOf } from './replay.ts';
import { isLong } from './tables.ts';

/** What the session keeps about a delivery; a symbol keeps it out of logs and copies. */
export interface Loan {
  /** The session that lent it: a delivery of another one is never settled. */
  readonly session: object;
  readonly entry: AckEntry;
  /** All properties as they came, for the letter. */
  readonly properties: MessageProperties;
}

const loan = Symbol('loan');

interface LentDelivery extends Delivery {
  readonly [loan]: Loan;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const noHeaders: Headers = Object.freeze({});

/** The loan behind a delivery, when `session` lent it. */
export function loanOf(delivery: Delivery, session: object): Loan | undefined {
  const found = (delivery as Partial<LentDelivery>)[loan];
  return found?.session === session ? found : undefined;
}

/** `counting`: whether the queue counts deliveries, as quorum queues do. */
export function toDelivery(
  message: ConsumeMessage,
  queue: string,
  session: object,
  entry: AckEntry,
  counting: boolean,
): Delivery {
  const { fields, properties, content } = message;
  const count: unknown = properties.headers?.['x-delivery-count'];
  const delivery: LentDelivery = {
    body: ownBytes(content),
    properties: propertiesOf(properties),
    headerBytes: heldBy(properties.headers),
    exchange: fields.exchange,
    routingKey: fields.routingKey,
    queue,
    redelivered: fields.redelivered,
    // On a first delivery the broker has counted nothing, on a classic queue never: a header of that name is the producer's,
    // or comes from another queue, and would make good records suspects.
    deliveryCount: counting && fields.redelivered && typeof count === 'number' ? count : 0,
    replays: replaysOf(properties),
    arrivedAt: performance.now(),
    [loan]: { session, entry, properties },
  };
  return delivery;
}

/** What a field of a table takes besides its text: an object, a key, a slot. Rough, and rather too much than too little. */
const fieldBytes = 64;

/** A producer may put more into the headers than into the body: they count against the byte budget like it. */
function heldBy(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  let bytes = 0;
  for (const key in value) bytes += fieldBytes + key.length + heldBy((value as Record<string, unknown>)[key]);
  return bytes;
}

/** A body in a chunk of more than this many times its size is copied. */
const pinFactor = 8;

/**
 * amqplib hands out views of its read buffers, 64 KiB and more, and one view keeps its whole buffer alive. While a
 * window flows they live and die together; but one record in fifty held back, 5,000 in all, was measured to pin 336 MB.
 * Small bodies are therefore copied, which adds a few percent to a delivery's way through amqplib (Node takes them from
 * 8 KiB slabs, so that 5,000 pin at most 40 MB); larger ones pin at most `pinFactor` times their size.
 */
function ownBytes(content: Buffer): Uint8Array {
  return content.length * pinFactor < content.buffer.byteLength ? Buffer.from(content) : content;
}

function propertiesOf(from: MessageProperties): DeliveryProperties {
  const to: Mutable<DeliveryProperties> = {
    headers: from.headers === undefined ? noHeaders : withBigints(from.headers),
  };
  if (from.contentType !== undefined) to.contentType = from.contentType;
  if (from.contentEncoding !== undefined) to.contentEncoding = from.contentEncoding;
  if (from.messageId !== undefined) to.messageId = from.messageId;
  if (from.correlationId !== undefined) to.correlationId = from.correlationId;
  if (from.type !== undefined) to.type = from.type;
  if (from.appId !== undefined) to.appId = from.appId;
  if (from.timestamp !== undefined) to.timestamp = from.timestamp;
  return to;
}

/** What reads a version wants a bigint; the letter keeps amqplib's form. */
function withBigints(headers: Headers): Headers {
  let copy: Record<string, unknown> | undefined;
  for (const name in headers) {
    const value = headers[name];
    if (!isLong(value)) continue;
    copy ??= { ...headers };
    copy[name] = BigInt(value.value);
  }
  return copy ?? headers;
}
