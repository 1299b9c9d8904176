/** The broker as outlets: one connection, one publisher, an outlet per exchange. */
import { createBroker, createPublisher, PublishError, type Publisher } from '@inator/rabbitmq';
import { CliError, messageOf } from '../exit.ts';
import { orAborted } from '../publish/interruption.ts';
import type { Outlet } from '../publish/outlet.ts';
import type { BrokerTarget } from './settings.ts';

export interface Outlets {
  /** Rejects when the broker cannot be reached now. Later outages are waited out. */
  outletOf(exchange: string): Promise<Outlet>;
  close(): Promise<void>;
}

/** Unconfirmed messages before reading waits: enough to keep a broker with a slow disk busy. */
const maxUnconfirmed = 2_000;
/** Messages between two questions whether the broker keeps up; far below what the publisher takes unasked. */
const askEvery = 16;

function outletTo(publisher: Publisher, exchange: string): Outlet {
  let sent = 0;
  return {
    ready(signal) {
      if (sent % askEvery !== 0) return undefined;
      return orAborted(publisher.ready(), signal).then(() => undefined);
    },
    async send(body) {
      sent += 1;
      try {
        // The stamp is what the services measure a message's age by.
        await publisher.publish(exchange, '', body, { timestamp: Math.floor(Date.now() / 1000), appId: 'inator' });
        return 'routed';
      } catch (error) {
        if (error instanceof PublishError && error.is === 'unroutable') return 'unroutable';
        throw error;
      }
    },
  };
}

export function openOutlets(target: BrokerTarget, listener: { say(text: string): void }): Outlets {
  let away = false;
  const broker = createBroker(target.settings, {
    onUp() {
      if (away) listener.say(`the broker at ${target.address} is back`);
      away = false;
    },
    onDown(fault) {
      away = true;
      listener.say(`${fault.reason}; waiting for it, what is not confirmed will be published again`);
    },
    onBlocked: (reason) => listener.say(`the broker takes no messages for now (${reason}); waiting`),
    onUnblocked: () => listener.say('the broker takes messages again'),
  });
  const publisher = createPublisher(broker, { maxUnconfirmed });
  const outlets = new Map<string, Promise<Outlet>>();

  async function open(exchange: string): Promise<Outlet> {
    try {
      const channel = await broker.channel();
      // Only ours are declared: what an exchange with another name should be is its owner's business.
      const ours = exchange.startsWith(`${target.exchangePrefix}-`) && !target.passive;
      await broker.within(channel.close(), 5_000, 'closing a channel');
      if (ours) await publisher.declareExchange(exchange);
    } catch (error) {
      throw new CliError(messageOf(error), {
        next: 'name the broker with RABBITMQ_URL, or start one: inator stack up; inator doctor tells more',
        cause: error,
      });
    }
    return outletTo(publisher, exchange);
  }

  return {
    outletOf(exchange) {
      const known = outlets.get(exchange) ?? open(exchange);
      outlets.set(exchange, known);
      return known;
    },
    async close() {
      await publisher.close();
      await broker.close();
    },
  };
}
