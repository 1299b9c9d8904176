/**
 * A queue in memory with a broker's semantics: a window of unsettled deliveries, redelivery in order with a count after a
 * session is lost, confirmed dead letters. For tests and as the shortest example of the contract.
 */
import {
  type Delivery,
  type DeliveryProperties,
  type Letter,
  type Session,
  type SessionEnd,
  type Source,
  SourceError,
} from '../delivery.ts';
import { fault } from '../fault.ts';

export interface MemoryMessage {
  readonly body: Uint8Array;
  readonly properties: DeliveryProperties;
  deliveryCount: number;
}

export interface MemorySource extends Source {
  publish(body: Uint8Array | string, headers?: Record<string, unknown>): void;
  readonly ready: number;
  readonly unsettled: number;
  readonly letters: readonly { readonly body: Uint8Array; readonly letter: Letter }[];
  readonly sessions: number;
  /** The connection is cut: everything unsettled goes back to the head of the queue. */
  lose(): void;
  /** Called before a session opens, or a letter is confirmed: throw to refuse. */
  beforeOpen: () => void | Promise<void>;
  beforeLetter: () => void | Promise<void>;
  /** Acks made through a session that had already ended; must stay 0. */
  readonly lateAcks: number;
}

interface Open {
  readonly lent: Map<Delivery, MemoryMessage>;
  paused: boolean;
  ended: boolean;
  pump(): void;
  finish(end: SessionEnd): void;
}

export function createMemorySource(name = 'memory'): MemorySource {
  const queue: MemoryMessage[] = [];
  const letters: { readonly body: Uint8Array; readonly letter: Letter }[] = [];
  let current: Open | undefined;
  let sessions = 0;
  let lateAcks = 0;

  const source: MemorySource = {
    publish(body, headers = {}) {
      const bytes = typeof body === 'string' ? Buffer.from(body) : body;
      queue.push({ body: bytes, properties: { headers }, deliveryCount: 0 });
      current?.pump();
    },
    get ready() {
      return queue.length;
    },
    get unsettled() {
      return current?.lent.size ?? 0;
    },
    letters,
    get sessions() {
      return sessions;
    },
    get lateAcks() {
      return lateAcks;
    },
    lose() {
      current?.finish({ is: 'lost', fault: fault('broker-unreachable', 'receive', 'the connection was cut') });
    },
    beforeOpen: () => {},
    beforeLetter: () => {},
    async depth() {
      return queue.length;
    },
    async open(take, { window, signal }) {
      try {
        await source.beforeOpen();
      } catch (error) {
        throw error instanceof SourceError
          ? error
          : new SourceError('unavailable', fault('broker-unreachable', 'receive', String(error)));
      }
      if (signal.aborted)
        throw new SourceError('unavailable', fault('broker-unreachable', 'receive', 'opening was given up'));
      sessions += 1;
      let resolveEnded: (end: SessionEnd) => void = () => {};
      const ended = new Promise<SessionEnd>((resolve) => {
        resolveEnded = resolve;
      });
      let scheduled = false;
      const open: Open = {
        lent: new Map(),
        paused: false,
        ended: false,
        pump() {
          if (scheduled) return;
          scheduled = true;
          setImmediate(() => {
            scheduled = false;
            while (!open.paused && !open.ended && open.lent.size < window) {
              const message = queue.shift();
              if (message === undefined) return;
              const delivery: Delivery = {
                body: message.body,
                properties: message.properties,
                exchange: name,
                routingKey: '',
                queue: name,
                redelivered: message.deliveryCount > 0,
                deliveryCount: message.deliveryCount,
                arrivedAt: performance.now(),
              };
              open.lent.set(delivery, message);
              take(delivery);
            }
          });
        },
        finish(end) {
          if (open.ended) return;
          open.ended = true;
          const back = [...open.lent.values()];
          for (const message of back) message.deliveryCount += 1;
          queue.unshift(...back);
          open.lent.clear();
          if (current === open) current = undefined;
          resolveEnded(end);
        },
      };
      current = open;
      open.pump();
      const session: Session = {
        ack(deliveries) {
          for (const delivery of deliveries) {
            if (open.ended) lateAcks += 1;
            else open.lent.delete(delivery);
          }
          open.pump();
        },
        async deadLetter(delivery, letter) {
          await source.beforeLetter();
          if (open.ended)
            throw new SourceError('unavailable', fault('broker-unreachable', 'settle', 'the session has ended'));
          letters.push({ body: delivery.body, letter });
          open.lent.delete(delivery);
          open.pump();
        },
        async pause() {
          open.paused = true;
        },
        async resume() {
          open.paused = false;
          open.pump();
        },
        get unsettled() {
          return open.lent.size;
        },
        get lent() {
          return open.lent.size;
        },
        ended,
        async close() {
          open.finish({ is: 'closed' });
        },
      };
      return session;
    },
  };
  return source;
}
