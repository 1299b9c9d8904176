/**
 * Keeps the broker connected whatever the lanes do. A lane opens its sink before it asks for the broker: while the store
 * is away nobody else would connect, and the broker would be blamed for what the store does.
 */
import type { Broker } from '@inator/rabbitmq';
import { delay } from '@inator/runtime';

/** How often the state is looked at, in milliseconds. */
const lookEveryMs = 500;
/** For closing the channel that asking for a connection opens. */
const closeMs = 5_000;

/** Resolves when `stop` is aborted; never rejects. The broker itself spaces its attempts out, and tells of failed ones. */
export async function keepConnected(broker: Broker, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    if (broker.status().state === 'idle') {
      try {
        const channel = await broker.channel(stop);
        await broker.within(channel.close(), closeMs, 'closing a channel');
      } catch {
        // The broker's status has it.
      }
    }
    await delay(lookEveryMs, stop);
  }
}
