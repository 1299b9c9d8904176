/** The last so many records of a lane, and how many of them were refused. */
export interface Tally {
  /** Records in view, at most the window. */
  readonly seen: number;
  /** Of these, refused. */
  readonly refused: number;
  count(refused: boolean): void;
  /** Forgets the refusals, not that the records were seen. */
  forgive(): void;
}

export function createTally(window: number): Tally {
  const ring = new Uint8Array(window);
  let seen = 0;
  let refused = 0;
  let at = 0;
  return {
    get seen() {
      return seen;
    },
    get refused() {
      return refused;
    },
    count(isRefused) {
      if (seen === window) refused -= ring[at] ?? 0;
      else seen += 1;
      ring[at] = isRefused ? 1 : 0;
      refused += ring[at] ?? 0;
      at = (at + 1) % window;
    },
    forgive() {
      ring.fill(0);
      refused = 0;
    },
  };
}
