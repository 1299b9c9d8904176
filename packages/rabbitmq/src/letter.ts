/**
 * A dead letter: the delivery's body, byte for byte, its properties as far as they are safe, and headers that tell why.
 *
 * Not copied from the original: `user_id` and a direct `reply_to` (the broker closes the channel when they are not ours),
 * `expiration` (the letter would vanish), and the headers `CC` and `BCC` (they would send it to any queue the sender names).
 */
import { createHash } from 'node:crypto';
import type { Letter } from '@inator/runtime';
import type { MessageProperties, Options } from 'amqplib';
import { createHeaderBudget, cut, shortString, shortStringBytes } from './headers.ts';

/** Encoded size of all headers of a letter. The protocol's frame would hold more, many tools would not. */
export const maxHeaderBytes = 16 * 1024;

/**
 * Headers of the original that must survive whatever else is too large: the broker's history, the record's version, and
 * the trace that the message belongs to.
 */
const keptFirst = ['x-death', 'x-seq', 'x-version', 'x-inator-replays', 'traceparent', 'tracestate'];
/** Addresses to the broker, in any case: RabbitMQ reads them as written, a proxy before it may not. */
export const addresses = /^b?cc$/i;

/** When the first letter about the record was written; a replay keeps it. */
export const firstSeenHeader = 'x-inator-first-seen';
const droppedHeader = 'x-inator-headers-dropped';
const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Published on a channel that does not consume from it, this pseudo-queue closes the channel (406). */
const directReplyTo = 'amq.rabbitmq.reply-to';

export interface Original {
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Uint8Array;
  readonly deliveryCount: number;
  readonly properties: MessageProperties;
}

/** The same body in the same queue has the same id, so that a letter that was written twice can be told, and replayed once. */
export function letterId(queue: string, body: Uint8Array): string {
  return createHash('sha256').update(queue).update(body).digest('hex');
}

/**
 * How the letter is published. `messageId` stays the original's where it has one, since producers look for it; ours is
 * in `x-inator-id` in any case. `version` is that of the service, left out where the service has none.
 */
export function letterOptions(
  original: Original,
  letter: Letter,
  service: string,
  failedAt: Date,
  version?: string,
): Options.Publish {
  const { properties } = original;
  const { fault } = letter;
  const id = letterId(original.queue, original.body);
  const from = origin(original);
  const budget = createHeaderBudget(maxHeaderBytes);
  const ours: Record<string, string | number | undefined> = {
    'x-inator-code': fault.code,
    'x-inator-reason': fault.reason,
    'x-inator-stage': fault.stage,
    'x-inator-native': fault.native === undefined ? undefined : cut(fault.native, 256),
    'x-inator-model': cut(letter.model, 256),
    'x-inator-key': letter.key === undefined ? undefined : cut(letter.key, 1_024),
    'x-inator-attempts': letter.attempts,
    'x-inator-service': cut(service, 256),
    'x-inator-version': version === undefined ? undefined : cut(version, 64),
    'x-inator-exchange': from.exchange,
    'x-inator-routing-key': from.key,
    'x-inator-queue': original.queue,
    'x-inator-failed-at': failedAt.toISOString(),
    [firstSeenHeader]: firstSeen(original) ?? failedAt.toISOString(),
    'x-inator-delivery-count': original.deliveryCount,
    'x-inator-id': id,
  };
  for (const [name, value] of Object.entries(ours)) if (value !== undefined) budget.add(name, value);
  // Its place is taken beforehand: what is left out is so because the budget is spent.
  budget.add(droppedHeader, Number.MAX_SAFE_INTEGER);
  const dropped = addForeign(budget.add, properties.headers ?? {});
  if (dropped > 0) budget.headers[droppedHeader] = dropped;
  else delete budget.headers[droppedHeader];
  return {
    persistent: true,
    mandatory: true,
    headers: budget.headers,
    ...safeProperties(properties),
    messageId: shortString(properties.messageId) ?? id,
  };
}

/** The properties that may be published again as they came: not `user_id`, `expiration` and the delivery mode. */
export function safeProperties(properties: { readonly [K in keyof MessageProperties]?: unknown }): Options.Publish {
  return defined({
    messageId: shortString(properties.messageId),
    contentType: shortString(properties.contentType),
    contentEncoding: shortString(properties.contentEncoding),
    correlationId: shortString(properties.correlationId),
    replyTo: properties.replyTo === directReplyTo ? undefined : shortString(properties.replyTo),
    type: shortString(properties.type),
    appId: shortString(properties.appId),
    timestamp: timestamp(properties.timestamp),
    priority: typeof properties.priority === 'number' ? properties.priority : undefined,
  });
}

/**
 * Where the record came from at first: a replayed letter was put into the queue through the default exchange, and
 * carries the exchange and routing key of its first way along.
 */
function origin({ exchange, routingKey, properties }: Original): { readonly exchange: string; readonly key: string } {
  const headers: Readonly<Record<string, unknown>> = properties.headers ?? {};
  const { 'x-inator-replays': replays, 'x-inator-exchange': first, 'x-inator-routing-key': key } = headers;
  if (exchange !== '' || replays === undefined || typeof first !== 'string') return { exchange, key: routingKey };
  return { exchange: cut(first, shortStringBytes), key: typeof key === 'string' ? cut(key, shortStringBytes) : '' };
}

/** When the record's first letter was written, as a replayed letter carries it. */
function firstSeen({ properties }: Original): string | undefined {
  const headers: Readonly<Record<string, unknown>> = properties.headers ?? {};
  const { 'x-inator-replays': replays, [firstSeenHeader]: at } = headers;
  // Only as we write it ourselves: nothing else is a time to everybody who reads it.
  if (replays === undefined || typeof at !== 'string' || !isoTime.test(at)) return undefined;
  return Number.isNaN(Date.parse(at)) ? undefined : at;
}

/** Adds the original's headers, the important ones first; returns how many were left out. */
function addForeign(
  add: (name: string, value: unknown) => boolean,
  headers: Readonly<Record<string, unknown>>,
): number {
  let dropped = 0;
  for (const name of keptFirst) {
    if (Object.hasOwn(headers, name) && !add(name, headers[name])) dropped += 1;
  }
  for (const [name, value] of Object.entries(headers)) {
    // Headers of an earlier letter speak of an earlier failure.
    if (keptFirst.includes(name) || addresses.test(name) || name.startsWith('x-inator-')) continue;
    if (!add(name, value)) dropped += 1;
  }
  return dropped;
}

function timestamp(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 63 ? value : undefined;
}

function defined<T extends Record<string, string | number | undefined>>(
  values: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
