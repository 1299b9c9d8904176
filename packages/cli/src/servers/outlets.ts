/** The broker as outlets: one connection, one publisher, an outlet per exchange. */
import { createBroker, createPublisher, PublishError, type Publisher } from '@inator/rabbitmq';
import { SourceError } from '@inator/runtime';
import { CliError, messageOf } from '../exit.ts';
import { orAborted } from '../publish/interruption.ts';
import type { Outlet } from '../publish/outlet.ts';
import type { BrokerTarget } from './settings.ts';

export interface Outlets {
  /** Rejects when the broker cannot be reached now. Later outages are waited out. */
  outletOf(exchange: string): Promise<Outlet>;
  close(): Promise<void>;
}

/** AMQP 0-9-1 §1.2, as a fault names it. */
const accessRefused = '403';
/** Unconfirmed messages before reading waits: enough to keep a broker with a slow disk busy. */
const maxUnconfirmed = 2_000;
/** Messages between two questions whether the broker keeps up; far below what the publisher takes unasked. */
const askEvery = 16;

/** `declared`: false where the exchange was taken as it is, because this user may not declare it. */
function outletTo(publisher: Publisher, exchange: string, declared: boolean): Outlet {
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
        if (!(error instanceof PublishError)) throw error;
        if (error.is === 'unroutable') return 'unroutable';
        if (error.is !== 'refused' || declared) throw error;
        throw new CliError(messageOf(error), {
          next: 'this user may not declare it: start a service once, it does; and give the user the right to write to it',
          cause: error,
        });
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

  /** False where the user may not: the exchange is then taken as it is, and a missing one is found by the first message. */
  async function declare(exchange: string): Promise<boolean> {
    try {
      await publisher.declareExchange(exchange);
      return true;
    } catch (error) {
      if (error instanceof SourceError && error.fault.native === accessRefused) return false;
      throw error;
    }
  }

  async function open(exchange: string): Promise<Outlet> {
    try {
      const channel = await broker.channel();
      await broker.within(channel.close(), 5_000, 'closing a channel');
      // Only ours are declared: what an exchange with another name should be is its owner's business.
      const ours = exchange.startsWith(`${target.exchangePrefix}-`) && !target.passive;
      return outletTo(publisher, exchange, !ours || (await declare(exchange)));
    } catch (error) {
      throw new CliError(messageOf(error), {
        next: 'name the broker with RABBITMQ_URL, or start one: inator stack up; inator doctor tells more',
        cause: error,
      });
    }
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
