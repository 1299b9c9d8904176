/** The queues of the services and their dead-letter pairs: there, declared alike, consumed, and what lies in them. */
import {
  type Broker,
  deadLetterArguments,
  type QueueArguments,
  type QueueSpec,
  queueArguments,
  queueNames,
} from '@inator/rabbitmq';
import { count, counted } from '../io.ts';
import type { PublishDomain } from '../publish/domain.ts';
import { type ServiceName, typesOf } from '../servers/domain.ts';
import type { ManagedQueue, Management } from '../servers/management.ts';
import type { BrokerTarget } from '../servers/settings.ts';
import type { Finding, Findings } from './finding.ts';

/** For one question to the broker. */
const askMs = 5_000;

interface QueueDepth {
  readonly messages: number;
  readonly consumers: number;
}

/** Undefined when it is not there. Takes a channel of its own, because asking for what is missing closes it. */
async function found<T>(
  broker: Broker,
  what: string,
  ask: (channel: Awaited<ReturnType<Broker['channel']>>) => Promise<T>,
): Promise<T | undefined> {
  const channel = await broker.channel();
  try {
    const answer = await broker.within(ask(channel), askMs, `asking for ${what}`);
    await broker.within(channel.close(), askMs, 'closing a channel');
    return answer;
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 404) return undefined;
    throw error;
  }
}

async function depthOf(broker: Broker, queue: string): Promise<QueueDepth | undefined> {
  const answer = await found(broker, `the queue ${queue}`, (channel) => channel.checkQueue(queue));
  return answer && { messages: answer.messageCount, consumers: answer.consumerCount };
}

/** Arguments that a service declares and the queue does not have: the broker would refuse the declaration. */
export function differences(wanted: QueueArguments, queue: Pick<ManagedQueue, 'arguments'>): string[] {
  return Object.entries(wanted)
    .filter(([name, value]) => queue.arguments[name] !== value)
    .map(
      ([name, value]) =>
        `${name} is ${String(queue.arguments[name] ?? 'not set')}, the service declares ${String(value)}`,
    );
}

/** The limit in force, from the queue or a policy; undefined where the broker's own holds. -1 is none. */
export function deliveryLimit(queue: Pick<ManagedQueue, 'arguments' | 'policy'>): number | undefined {
  const limits = [queue.arguments['x-delivery-limit'], queue.policy['delivery-limit']].filter(
    (limit): limit is number => typeof limit === 'number',
  );
  const bounded = limits.filter((limit) => limit >= 0);
  return bounded.length > 0 ? Math.min(...bounded) : limits[0];
}

/** Consumers that are no replica of the service, which puts its name before each tag of its own. At most three are named. */
export function strangers(tags: readonly string[], service: ServiceName): string[] {
  const others = tags.filter((tag) => !tag.startsWith(`${service}-`));
  return others.length <= 3 ? others : [...others.slice(0, 3), `and ${others.length - 3} more`];
}

function examineDeclaration(name: string, wanted: QueueArguments, queue: ManagedQueue): Finding[] {
  const next =
    'drain and delete the queue, or set RABBITMQ_QUEUE_TYPE alike, or RABBITMQ_PASSIVE; as it is, the service cannot declare it';
  return differences(wanted, queue).map((says) => ({ is: 'fail', what: `queue ${name}`, says, next }));
}

async function* examineQueue(
  broker: Broker,
  spec: QueueSpec,
  service: ServiceName,
  type: string,
  management: Management | undefined,
  told: number,
): Findings {
  const { queue, deadLetterQueue, deadLetterExchange } = spec;
  const depth = await depthOf(broker, queue);
  const what = `queue ${queue}`;
  if (depth === undefined) {
    yield { is: 'warn', what, says: 'does not exist yet', next: `start ${service} once, it declares and binds it` };
    return;
  }
  const managed = await management?.queue(queue);
  if (managed !== undefined && spec.passive !== true) yield* examineDeclaration(queue, queueArguments(spec), managed);
  const limit = managed === undefined ? undefined : deliveryLimit(managed);
  if (managed?.type === 'quorum' && limit !== undefined && limit >= 0 && limit < told) {
    // The services condemn a record before this; a broker that gives up earlier has no reason to write into the letter.
    const says = `its delivery limit is ${limit}, the services were told ${told}: after so many lost sessions the broker condemns good records`;
    const next = `set delivery-limit to ${told} or more in its policy, or RABBITMQ_DELIVERY_LIMIT to ${limit}`;
    yield { is: 'warn', what, says, next };
  }
  const says = `${count(depth.messages)} waiting, ${count(depth.consumers)} consuming`;
  yield depth.consumers === 0
    ? { is: 'warn', what, says, next: `start ${service}, or inator resume ${type}` }
    : { is: 'ok', what, says };
  const strange = strangers(managed?.consumerTags ?? [], service);
  if (strange.length > 0) {
    const next = `end them, or give them a queue of their own: what they take, ${service} does not get`;
    yield { is: 'warn', what, says: `others consume from it as well: ${strange.join(', ')}`, next };
  }
  const exchange = await found(broker, `the exchange ${deadLetterExchange}`, (channel) =>
    channel.checkExchange(deadLetterExchange),
  );
  const letters = await depthOf(broker, deadLetterQueue);
  if (exchange === undefined || letters === undefined) {
    const missing = exchange === undefined ? `exchange ${deadLetterExchange}` : `queue ${deadLetterQueue}`;
    const next = `restart ${service}, it declares them; without them nothing can be dead-lettered`;
    yield { is: 'fail', what: missing, says: 'is gone', next };
    return;
  }
  const managedLetters = await management?.queue(deadLetterQueue);
  if (managedLetters !== undefined && spec.passive !== true) {
    yield* examineDeclaration(deadLetterQueue, deadLetterArguments(spec), managedLetters);
  }
  if (letters.messages > 0) {
    yield {
      is: 'warn',
      what: `queue ${deadLetterQueue}`,
      says: `${counted(letters.messages, 'dead letter')} waiting`,
      next: `inator dlq stats --service ${service} --type ${type}`,
    };
  }
}

export async function* examineQueues(
  broker: Broker,
  domain: PublishDomain,
  target: BrokerTarget,
  management: Management | undefined,
  services: readonly ServiceName[],
): Findings {
  for (const service of services) {
    for (const type of typesOf(domain, service)) {
      const spec: QueueSpec = {
        ...queueNames(target.exchangePrefix, service, type),
        type: target.queueType,
        passive: target.passive,
        singleActiveConsumer: target.singleActiveConsumer,
      };
      yield* examineQueue(broker, spec, service, type, management, target.deliveryLimit);
    }
  }
}
