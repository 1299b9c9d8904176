/** A bounded number of places, and of bytes in them, given in the order of asking. */
export interface Place {
  /** Resolves when the place is given. */
  readonly given: Promise<void>;
  /** Gives the place back, or leaves the queue for it. Idempotent. */
  leave(): void;
}

export interface Places {
  /** More bytes than all places together are let in alone. */
  ask(bytes: number): Place;
}

export function createPlaces(maxPlaces: number, maxBytes: number): Places {
  interface Turn {
    readonly bytes: number;
    readonly give: () => void;
    is: 'waiting' | 'given' | 'left';
  }
  const queue = new Set<Turn>();
  let taken = 0;
  let held = 0;

  function admit(): void {
    for (const turn of queue) {
      if (taken >= maxPlaces || (taken > 0 && held + turn.bytes > maxBytes)) return;
      queue.delete(turn);
      taken += 1;
      held += turn.bytes;
      turn.is = 'given';
      turn.give();
    }
  }

  return {
    ask(bytes) {
      let give = (): void => {};
      const given = new Promise<void>((resolve) => {
        give = resolve;
      });
      const turn: Turn = { bytes, give, is: 'waiting' };
      queue.add(turn);
      admit();
      return {
        given,
        leave() {
          if (turn.is === 'given') {
            taken -= 1;
            held -= bytes;
          }
          queue.delete(turn);
          turn.is = 'left';
          admit();
        },
      };
    },
  };
}
