/**
 * Keeps a channel within its window over pauses. The broker counts a window by consumer, so one that is made anew is lent
 * a whole window beside what its predecessor's deliveries still are in hand: it gets only the rest, and the whole again
 * when those are settled.
 */

export interface Consuming {
  /** Deliveries may come: at once, as far as there is room. */
  resume(): Promise<void>;
  pause(): Promise<void>;
  /** True when acks that were sent may have made room. */
  readonly due: boolean;
  /** To be called in turn with the others when it is due. */
  refit(): Promise<void>;
}

export interface ConsumingParts {
  readonly window: number;
  /** Deliveries that the broker counts as unacked, the tag of the oldest, and the tag of the last that came. */
  readonly lent: () => number;
  readonly oldest: () => number | undefined;
  readonly last: () => number;
  /** There is a consumer. */
  readonly is: () => boolean;
  /** Makes a consumer with this window. */
  consume(window: number): Promise<void>;
  /** Resolves when no more deliveries come. */
  cancel(): Promise<void>;
  /** Calls `refit` in turn. */
  again(): void;
}

/** For what is in hand to be settled, once the consumer is to be made anew; after this it gets what room there is. */
const emptyMs = 5_000;

/** Begins with a consumer of the whole window. */
export function createConsuming({ window, lent, oldest, last, is, consume, cancel, again }: ConsumingParts): Consuming {
  let wanted = true;
  /** The consumer has less than the window until the deliveries up to this tag are settled. */
  let lessUntil: number | undefined;
  /** The consumer was cancelled to be made anew with the whole window, when nothing is in hand. */
  let widening = false;

  const mayWiden = (): boolean => lessUntil !== undefined && (oldest() ?? Number.POSITIVE_INFINITY) > lessUntil;
  const mayConsume = (): boolean => (widening ? lent() === 0 : lent() < window);

  const refit = async (): Promise<void> => {
    if (!wanted) return;
    if (is()) {
      if (!mayWiden()) return;
      await cancel();
      widening = true;
      setTimeout(() => {
        if (!widening) return;
        widening = false;
        again();
      }, emptyMs).unref();
    }
    if (!mayConsume()) return;
    const room = window - lent();
    lessUntil = room < window ? last() : undefined;
    widening = false;
    await consume(room);
  };

  return {
    get due() {
      return wanted && (is() ? mayWiden() : mayConsume());
    },
    refit,
    resume() {
      wanted = true;
      widening = false;
      return refit();
    },
    async pause() {
      wanted = false;
      await cancel();
    },
  };
}
