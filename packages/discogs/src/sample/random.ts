/** Reproducible randomness: a small generator per record, so that any record can be made without those before it. */
export interface Random {
  /** An integer from 0 to `below` - 1. */
  below(below: number): number;
  /** One of `items`. */
  pick<T>(items: readonly T[]): T;
  /** An id from 1 to `count`, low ones far more often: a few artists have most releases. */
  popular(count: number): number;
}

/** The same numbers for the same seeds, on every machine. */
export function createRandom(...seeds: readonly number[]): Random {
  let state = 0x9e3779b9;
  for (const seed of seeds) state = mix(state ^ Math.imul(seed | 0, 0x85ebca6b) ^ (seed / 2 ** 32));
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    return (mix(state) >>> 0) / 2 ** 32;
  };
  return {
    below: (below) => Math.floor(next() * below),
    pick: (items) => items[Math.floor(next() * items.length)] as (typeof items)[number],
    popular: (count) => {
      const u = next();
      return 1 + Math.floor(u * u * count);
    },
  };
}

function mix(value: number): number {
  let z = value | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return z ^ (z >>> 15);
}
