/** The dead-letter queues of both services, one for each kind of record, and the connections to look into them. */
import {
  type Broker,
  createBroker,
  letterQueue,
  openReplayer,
  type QueueSpec,
  queueNames,
  type Replayer,
} from '@inator/rabbitmq';
import { SourceError } from '@inator/runtime';
import { CliError, messageOf, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { hintFor } from '../nearest.ts';
import { domainTarget, type ServiceName, serviceNames, typesOf } from '../servers/domain.ts';
import { withStack } from '../servers/stack-env.ts';

export const services = serviceNames;
export type Service = ServiceName;

export interface Place {
  readonly service: Service;
  readonly type: string;
  readonly spec: QueueSpec;
}

export interface PlaceDepth {
  readonly place: Place;
  /** Undefined when there is no such queue. */
  readonly depth: number | undefined;
  readonly consumers: number;
}

/** Which queues a command is about; empty means all. */
export interface Selection {
  readonly services: readonly Service[];
  readonly types: readonly string[];
}

export interface LetterQueues {
  /** The broker, as people are told of it. */
  readonly address: string;
  /** Reads letters and acks them. */
  readonly broker: Broker;
  /** Every selected queue, there or not. */
  depths(selection: Selection): Promise<PlaceDepth[]>;
  /** The selected queues that are there. Throws `CliError` when none is. */
  present(selection: Selection): Promise<(PlaceDepth & { readonly depth: number })[]>;
  /** Over a connection of its own. */
  replayer(): Promise<Replayer>;
  close(): Promise<void>;
}

/** Errors of the broker as the person at the terminal needs them. Everything else passes. */
export function forPeople(error: unknown, address: string): unknown {
  if (!(error instanceof SourceError)) return error;
  const next =
    error.fault.code === 'broker-refused'
      ? 'inator dlq list shows the queues; inator doctor tells more. Every letter not named as done is in its queue'
      : `is the broker at ${address} up? inator doctor tells; then the same command again: every letter not named as done is in its queue`;
  return new CliError(messageOf(error), { next, cause: error });
}

export function openLetterQueues(io: Io): LetterQueues {
  const { domain, broker: target } = domainTarget(withStack(io.env));
  const broker = createBroker(target.settings);
  let publishing: Broker | undefined;
  const all: readonly Place[] = services.flatMap((service) =>
    typesOf(domain, service).map((type) => ({
      service,
      type,
      spec: { ...queueNames(target.exchangePrefix, service, type), type: target.queueType, passive: target.passive },
    })),
  );

  async function depths({ services: wanted, types }: Selection): Promise<PlaceDepth[]> {
    const strange = types.find((type) => !domain.types.includes(type));
    if (strange !== undefined) {
      const hint = `${hintFor(strange, domain.types)} Kinds of a model file are known with DOMAIN as the services have it.`;
      throw usageError(`--type ${strange}: no such kind of record. ${hint}`);
    }
    const chosen = all.filter(
      ({ service, type }) =>
        (wanted.length === 0 || wanted.includes(service)) && (types.length === 0 || types.includes(type)),
    );
    const found: PlaceDepth[] = [];
    for (const place of chosen) {
      const asked = await letterQueue(broker, place.spec.deadLetterQueue);
      found.push({ place, depth: asked?.depth, consumers: asked?.consumers ?? 0 });
    }
    return found;
  }

  return {
    address: target.address,
    broker,
    depths,
    async present(selection) {
      const found = await depths(selection);
      const there = found.flatMap((one) => (one.depth === undefined ? [] : [{ ...one, depth: one.depth }]));
      if (there.length > 0) return there;
      const [first] = found;
      throw new CliError(
        `there is no dead-letter queue like ${first?.place.spec.deadLetterQueue} at ${target.address}`,
        { next: 'check RABBITMQ_EXCHANGE_PREFIX; a service that was started once has made its queues' },
      );
    },
    async replayer() {
      publishing ??= createBroker({ ...target.settings, connectionName: 'inator command, letters' });
      return openReplayer(publishing);
    },
    async close() {
      await publishing?.close();
      await broker.close();
    },
  };
}
