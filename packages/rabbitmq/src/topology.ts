/**
 * The names of exchanges and queues, and their declaration. Declaring is idempotent and runs before every consume, so
 * that what was deleted comes back; declaring with other arguments than before is refused by the broker (406), and only
 * an operator can mend that, so the arguments below are part of the contract: changing one breaks existing queues.
 */
import type { Channel } from 'amqplib';
import type { Broker } from './broker.ts';
import { brokerError, classify, replyCode } from './faults.ts';

export type QueueType = 'quorum' | 'classic';

/** Arguments as the broker knows them: `x-…` names, scalar values. */
export type QueueArguments = Readonly<Record<string, string | number | boolean>>;

export interface QueueSpec {
  /** The producers' exchange: durable, fanout. */
  readonly exchange: string;
  readonly queue: string;
  readonly type: QueueType;
  /** Durable fanout exchange and queue of the same type, which take what is condemned, by us or by the broker. */
  readonly deadLetterExchange: string;
  readonly deadLetterQueue: string;
  /** The broker gives the queue to one consumer at a time, in order. Cannot be changed for an existing queue. */
  readonly singleActiveConsumer?: boolean;
  /** Declare nothing: queue and dead-letter pair must exist. For users without the right to configure. */
  readonly passive?: boolean;
  /** Further arguments of the queue. */
  readonly arguments?: QueueArguments;
  /**
   * Bounds of the dead-letter queue; none by default. A full queue refuses letters, and their originals stay where they
   * are; a letter older than `messageTtlMs` is dropped.
   */
  readonly deadLetters?: { readonly maxLength?: number; readonly messageTtlMs?: number };
}

export interface QueueNames {
  readonly exchange: string;
  readonly queue: string;
  readonly deadLetterExchange: string;
  readonly deadLetterQueue: string;
}

/** The names of one service's queue for one kind of record. */
export function queueNames(prefix: string, service: string, type: string): QueueNames {
  const exchange = `${prefix}-${type}`;
  const queue = `${service}-${exchange}`;
  return { exchange, queue, deadLetterExchange: `${queue}.dlx`, deadLetterQueue: `${queue}.dlq` };
}

/**
 * Arguments of the queue. No `x-delivery-limit`: the broker's own holds (none before RabbitMQ 4, then 20, or a policy),
 * so that a queue declared by somebody else fits, and what exceeds it lands in the dead-letter queue like our letters.
 */
export function queueArguments(spec: QueueSpec): QueueArguments {
  return {
    'x-queue-type': spec.type,
    'x-dead-letter-exchange': spec.deadLetterExchange,
    ...(spec.singleActiveConsumer ? { 'x-single-active-consumer': true } : {}),
    ...spec.arguments,
  };
}

/**
 * Arguments of the dead-letter queue. It has no dead letters of its own: past a delivery limit a letter would be gone,
 * so the limit is set out of reach, and letters can be looked at and put back any number of times.
 */
export function deadLetterArguments(spec: QueueSpec): QueueArguments {
  const { maxLength, messageTtlMs } = spec.deadLetters ?? {};
  return {
    'x-queue-type': spec.type,
    ...(spec.type === 'quorum' ? { 'x-delivery-limit': 1_000_000 } : {}),
    ...(maxLength === undefined ? {} : { 'x-max-length': maxLength, 'x-overflow': 'reject-publish' }),
    ...(messageTtlMs === undefined ? {} : { 'x-message-ttl': messageTtlMs }),
  };
}

/** How long one declaration may take. A quorum queue without a majority does not answer. */
const declareMs = 10_000;

type Step = readonly [what: string, run: (channel: Channel) => Promise<unknown>];

/** Declares the dead-letter pair alone. After a rejection the channel is closed by the broker, or must be by the caller. */
export function declareDeadLetters(broker: Broker, channel: Channel, spec: QueueSpec): Promise<void> {
  return run(broker, channel, deadLetterSteps(broker, spec));
}

/** Declares all of it, or in passive mode checks that it is there. Rejects with `SourceError`, the channel then unusable. */
export function declareTopology(broker: Broker, channel: Channel, spec: QueueSpec): Promise<void> {
  return run(broker, channel, [...deadLetterSteps(broker, spec), ...queueSteps(broker, spec)]);
}

/** Declares all of it on a channel of its own, for tools and producers that need the queue before a service runs. */
export async function declareQueue(broker: Broker, spec: QueueSpec): Promise<void> {
  const channel = await broker.channel();
  try {
    await declareTopology(broker, channel, spec);
  } finally {
    channel.close().catch(() => {});
  }
}

function deadLetterSteps(broker: Broker, spec: QueueSpec): readonly Step[] {
  const { deadLetterExchange: exchange, deadLetterQueue: queue } = spec;
  if (spec.passive) {
    return [
      passive(broker, `dead-letter exchange ${exchange}`, (channel) => channel.checkExchange(exchange)),
      passive(broker, `dead-letter queue ${queue}`, (channel) => channel.checkQueue(queue)),
    ];
  }
  return [
    [`dead-letter exchange ${exchange} (fanout)`, (channel) => channel.assertExchange(exchange, 'fanout')],
    assertQueue('dead-letter queue', queue, deadLetterArguments(spec)),
    [`binding of ${queue} to ${exchange}`, (channel) => channel.bindQueue(queue, exchange, '')],
  ];
}

/**
 * Checks that something exists, as far as the user may know. RabbitMQ from 4.2.6 on wants a right to it before it answers:
 * at first the one to configure (4.2.6, 4.3.0), then any, of which a writer of letters has none to the queue behind their
 * exchange. So a 403 is no fault: what is missing is told by consuming and publishing as well, only later. Each check has a
 * channel of its own, because a refusal closes it.
 */
function passive(broker: Broker, what: string, check: (channel: Channel) => Promise<unknown>): Step {
  const run = async (): Promise<void> => {
    const channel = await broker.channel();
    try {
      await check(channel);
    } catch (error) {
      if (replyCode(error) !== 403) throw error;
    } finally {
      channel.close().catch(() => {});
    }
  };
  return [`${what} (passive)`, run];
}

function queueSteps(broker: Broker, spec: QueueSpec): readonly Step[] {
  const { exchange, queue } = spec;
  if (spec.passive) return [passive(broker, `queue ${queue}`, (channel) => channel.checkQueue(queue))];
  return [
    [`exchange ${exchange} (fanout)`, (channel) => channel.assertExchange(exchange, 'fanout')],
    assertQueue('queue', queue, queueArguments(spec)),
    [`binding of ${queue} to ${exchange}`, (channel) => channel.bindQueue(queue, exchange, '')],
  ];
}

function assertQueue(what: string, queue: string, given: QueueArguments): Step {
  const listed = Object.entries(given)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
  return [`${what} ${queue} with ${listed}`, (channel) => channel.assertQueue(queue, { arguments: given })];
}

async function run(broker: Broker, channel: Channel, steps: readonly Step[]): Promise<void> {
  for (const [what, step] of steps) {
    try {
      await broker.within(step(channel), declareMs, `declaring ${what}`);
    } catch (error) {
      // The broker names its side of the first argument that differs; ours stand in `what`, all of them.
      const advice = replyCode(error) === 406 ? ' (delete it, declare it alike, or use passive mode)' : '';
      throw brokerError(classify(error), `the broker refuses ${what}${advice}`, error);
    }
  }
}
