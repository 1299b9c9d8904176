/** Traffic at an even rate, for as long as it is told to: what the long proofs stand on. Keeps the books as it goes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { within } from '@inator/runtime';
import { createPublisher } from '../support/publisher.ts';
import type { Ledger } from './ledger.ts';
import type { Message, Workload } from './workload.ts';

export interface Steady {
  /** Messages that the broker has confirmed. */
  readonly confirmed: number;
  /** Publishes nothing more until `resume`. */
  pause(): void;
  resume(): void;
  /** Publishes nothing more; resolves when everything taken is confirmed, rejects when that takes longer. */
  stop(withinMs: number): Promise<void>;
}

export interface SteadyOptions {
  readonly url: string;
  readonly ledger: Pick<Ledger, 'confirm'>;
  readonly workload: Pick<Workload, 'round'>;
  /** Messages a second. */
  readonly rate: number;
}

/** A second's messages go out in so many parts. */
const parts = 10;

/**
 * A second is a round of the workload. While the broker takes nothing the publisher waits, and what was missed meanwhile is
 * not caught up: the rate is what the services see, before and after.
 */
export function startSteady({ url, ledger, workload, rate }: SteadyOptions): Steady {
  let confirmed = 0;
  let going = true;
  let gate: Promise<void> = Promise.resolve();
  let open = (): void => {};
  const publisher = createPublisher<Message>({
    url,
    onConfirmed(message) {
      ledger.confirm(message);
      confirmed += 1;
    },
  });

  const publish = async (): Promise<void> => {
    let due = performance.now();
    for (let second = 1; going; second += 1) {
      const messages = workload.round(second, rate);
      const size = Math.ceil(messages.length / parts);
      // A round is published whole: its records name each other, and of one that is never published a stub would stand.
      for (let from = 0; from < messages.length; from += size) {
        for (const message of messages.slice(from, from + size)) await publisher.publish(message);
        await gate;
        due = Math.max(due + 1_000 / parts, performance.now() - 1_000);
        await sleep(Math.max(0, due - performance.now()));
      }
    }
  };
  const publishing = publish();

  return {
    get confirmed() {
      return confirmed;
    },
    pause() {
      gate = new Promise((resolve) => {
        open = resolve;
      });
    },
    resume: () => open(),
    async stop(withinMs) {
      going = false;
      open();
      try {
        // The last message first, or it would be sent behind the back of the flush, and nobody would see its confirm. It
        // waits for room where the broker is away: then closing the publisher lets it go.
        await within(publishing, withinMs, 'publishing the last round');
        await publisher.flush(withinMs);
      } finally {
        await publisher.close();
        await publishing;
      }
    },
  };
}
