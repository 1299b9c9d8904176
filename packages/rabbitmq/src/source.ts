/** A queue as the runtime's source of deliveries. */
import type { Source } from '@inator/runtime';
import type { Channel } from 'amqplib';
import type { Broker } from './broker.ts';
import { createLetterBox } from './letters.ts';
import { openSession } from './session.ts';
import type { QueueSpec } from './topology.ts';

export interface QueueSourceOptions {
  /** Consumes and acks. Several sources may share it: each session has a channel of its own. */
  readonly broker: Broker;
  /**
   * Publishes dead letters and nothing else: a second connection, because in an alarm the broker stops reading from one
   * that has published, and acks on it would stop too. Several sources may share it as well.
   */
  readonly letters: Broker;
  readonly queue: QueueSpec;
  /** Named in the letters' `x-inator-service` and in the consumers' tags. */
  readonly service: string;
  /** The service's version, in the letters' `x-inator-version`; without it they have no such header. */
  readonly version?: string;
}

/** For asking how long the queue is, in milliseconds. */
const depthMs = 5_000;

export function createQueueSource({ broker, letters, queue: spec, service, version }: QueueSourceOptions): Source {
  const box = createLetterBox(letters, spec);
  /** A channel of its own: asking about a queue that was deleted closes the channel that asks. */
  let side: Promise<Channel> | undefined;

  return {
    open: (take, options) => openSession({ broker, letters: box, spec, service, version }, take, options),
    async depth() {
      // Asking must not bring up a connection that nobody consumes on.
      if (broker.status().state !== 'up') return undefined;
      try {
        side ??= broker.channel();
        const answer = (await side).checkQueue(spec.queue);
        return (await broker.within(answer, depthMs, `asking for the length of ${spec.queue}`)).messageCount;
      } catch {
        const last = side;
        side = undefined;
        last?.then((channel) => channel.close()).catch(() => {});
        return undefined;
      }
    },
  };
}
