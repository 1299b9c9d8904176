/** Reproducible chance: the same numbers for the same seed and name, whatever else was drawn before. */
import { hash } from 'node:crypto';

export interface Chance {
  /** An integer from 0 to `below` - 1. */
  below(below: number): number;
  /** An integer from `least` to `most`, both included. */
  between(least: number, most: number): number;
  /** True in so many of a hundred cases. */
  percent(share: number): boolean;
  pick<T>(items: readonly T[]): T;
  shuffle<T>(items: readonly T[]): T[];
}

/** SHA-256 of seed, name and a counter: slow for a generator, and without any doubt about its quality. */
export function createChance(seed: number, name: string): Chance {
  let block: Buffer = Buffer.alloc(0);
  let at = 0;
  let count = 0;
  const next = (): number => {
    if (at + 4 > block.length) {
      block = Buffer.from(hash('sha256', `${seed}/${name}/${count}`, 'hex'), 'hex');
      count += 1;
      at = 0;
    }
    at += 4;
    return block.readUInt32BE(at - 4) / 2 ** 32;
  };
  const chance: Chance = {
    below: (below) => Math.floor(next() * below),
    between: (least, most) => least + Math.floor(next() * (most - least + 1)),
    percent: (share) => next() * 100 < share,
    pick<T>(items: readonly T[]): T {
      if (items.length === 0) throw new RangeError('nothing to pick from');
      return items[chance.below(items.length)] as T;
    },
    shuffle<T>(items: readonly T[]): T[] {
      const result = [...items];
      for (let i = result.length - 1; i > 0; i -= 1) {
        const j = chance.below(i + 1);
        [result[i], result[j]] = [result[j] as T, result[i] as T];
      }
      return result;
    },
  };
  return chance;
}
