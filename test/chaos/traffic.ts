/** Publishes a round's messages, and lets faults wait for a share of them or keep the rest back. */
import { type ConfirmingPublisher, createPublisher } from '../support/publisher.ts';
import type { Ledger } from './ledger.ts';
import type { Message } from './workload.ts';

export interface Traffic {
  /** Resolves when everything is confirmed; rejects when the broker has not confirmed for too long. */
  run(messages: readonly Message[]): Promise<void>;
  /** Resolves when this share of the round's messages is confirmed. */
  reached(share: number): Promise<void>;
  /** Publishes nothing more until `resume`; resolves when what was taken is confirmed. */
  pause(): Promise<void>;
  resume(): void;
  readonly repeated: number;
  close(): Promise<void>;
}

/** Longest time without any confirm although something waits for one: longer than any fault. */
const confirmMs = 90_000;

export function createTraffic(url: string, ledger: Ledger): Traffic {
  let total = 0;
  let done = 0;
  let gate: Promise<void> = Promise.resolve();
  let open = (): void => {};
  let waiting: { readonly at: number; readonly go: () => void }[] = [];

  const advance = (): void => {
    const due = waiting.filter(({ at }) => done >= at * total);
    waiting = waiting.filter(({ at }) => done < at * total);
    for (const { go } of due) go();
  };
  const publisher: ConfirmingPublisher<Message> = createPublisher<Message>({
    url,
    onConfirmed(message) {
      ledger.confirm(message);
      done += 1;
      advance();
    },
  });

  return {
    async run(messages) {
      total = messages.length;
      done = 0;
      for (const message of messages) {
        await gate;
        await publisher.publish(message);
      }
      await publisher.flush(confirmMs);
    },
    reached: (share) =>
      new Promise((resolve) => {
        waiting.push({ at: share, go: resolve });
        if (total > 0) advance();
      }),
    async pause() {
      gate = new Promise((resolve) => {
        open = resolve;
      });
      await publisher.flush(confirmMs);
    },
    resume: () => open(),
    get repeated() {
      return publisher.repeated;
    },
    close: () => publisher.close(),
  };
}
