/** The broker and the queues of both services. */
import { recordTypes } from '@inator/discogs';
import { createBroker, queueArguments, queueNames } from '@inator/rabbitmq';
import { messageOf } from '../exit.ts';
import type { Environment } from '../io.ts';
import { count } from '../io.ts';
import { createManagement, type ManagedQueue, type Management } from '../servers/management.ts';
import { type BrokerTarget, brokerTarget } from '../servers/settings.ts';
import type { Finding, Findings } from './examine.ts';

const services = ['tableinator', 'graphinator'] as const;
/** For one question to the broker. */
const askMs = 5_000;

interface QueueDepth {
  readonly messages: number;
  readonly consumers: number;
}

/** Undefined when there is no such queue. Takes a channel of its own, because asking for a missing queue closes it. */
async function depthOf(broker: ReturnType<typeof createBroker>, queue: string): Promise<QueueDepth | undefined> {
  const channel = await broker.channel();
  try {
    const found = await broker.within(channel.checkQueue(queue), askMs, `asking for the queue ${queue}`);
    await broker.within(channel.close(), askMs, 'closing a channel');
    return { messages: found.messageCount, consumers: found.consumerCount };
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 404) return undefined;
    throw error;
  }
}

function differingArguments(queue: ManagedQueue, target: BrokerTarget, service: string, type: string): string[] {
  const names = queueNames(target.exchangePrefix, service, type);
  const wanted = queueArguments({ ...names, type: target.queueType });
  return Object.entries(wanted)
    .filter(([name, value]) => queue.arguments[name] !== value)
    .map(
      ([name, value]) =>
        `${name} is ${String(queue.arguments[name] ?? 'not set')}, the service declares ${String(value)}`,
    );
}

async function* examineQueue(
  broker: ReturnType<typeof createBroker>,
  target: BrokerTarget,
  management: Management | undefined,
  service: string,
  type: string,
): Findings {
  const { queue, deadLetterQueue } = queueNames(target.exchangePrefix, service, type);
  const depth = await depthOf(broker, queue);
  const what = `queue ${queue}`;
  if (depth === undefined) {
    yield { is: 'odd', what, says: 'does not exist yet', next: `start ${service} once, it declares and binds it` };
    return;
  }
  const managed = await management?.queue(queue);
  const differing = managed === undefined ? [] : differingArguments(managed, target, service, type);
  for (const difference of differing) {
    const next = 'drain and delete the queue, or set RABBITMQ_QUEUE_TYPE alike; the service cannot consume it as it is';
    yield { is: 'bad', what, says: difference, next };
  }
  const says = `${count(depth.messages)} waiting, ${count(depth.consumers)} consuming`;
  yield depth.consumers === 0 ? { is: 'odd', what, says, next: `start ${service}` } : { is: 'good', what, says };
  const letters = await depthOf(broker, deadLetterQueue);
  if (letters !== undefined && letters.messages > 0) {
    yield {
      is: 'odd',
      what: `queue ${deadLetterQueue}`,
      says: `${count(letters.messages)} dead letters`,
      next: 'their x-inator-reason headers tell why',
    };
  }
}

export async function* examineBroker(env: Environment): Findings {
  const target = brokerTarget(env);
  const broker = createBroker(target.settings);
  try {
    try {
      const channel = await broker.channel();
      await broker.within(channel.close(), askMs, 'closing a channel');
    } catch (error) {
      const next = 'check RABBITMQ_URL, or inator stack up';
      yield { is: 'bad', what: 'RabbitMQ', says: messageOf(error), next };
      return;
    }
    const management = target.managementUrl === undefined ? undefined : createManagement(target);
    yield await overview(target, management);
    for (const service of services) {
      for (const type of recordTypes) yield* examineQueue(broker, target, management, service, type);
    }
  } finally {
    await broker.close();
  }
}

async function overview(target: BrokerTarget, management: Management | undefined): Promise<Finding> {
  const what = 'RabbitMQ';
  if (management === undefined) {
    const next = 'set RABBITMQ_MANAGEMENT_URL to see its version and the arguments of its queues';
    return { is: 'good', what, says: `answers at ${target.address}`, next };
  }
  try {
    return { is: 'good', what, says: `${await management.version()} at ${target.address}` };
  } catch (error) {
    const says = `answers at ${target.address}, but its management API does not: ${messageOf(error)}`;
    return { is: 'odd', what, says, next: 'check RABBITMQ_MANAGEMENT_URL' };
  }
}
