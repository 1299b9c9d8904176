/** Records for the tests: deterministic, shuffled, repeated. */
import { generateSample } from '@inator/discogs';
import { recordsPerType } from './scale.ts';
import { type Type, types } from './world.ts';

/** `range` picks ids that no other range has: the graph is one for all tests. */
export function sample(type: Type, count = recordsPerType, range = 0): Buffer[] {
  return [...generateSample({ type, count, from: 1 + range * 1_000_000 })];
}

export function sampleOfAll(count = recordsPerType): Record<Type, Buffer[]> {
  return Object.fromEntries(types.map((type) => [type, sample(type, count)])) as Record<Type, Buffer[]>;
}

/** Fisher and Yates, by a linear congruential generator (Numerical Recipes), so that a failure can be replayed. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const result = [...items];
  let state = seed >>> 0;
  for (let i = result.length - 1; i > 0; i -= 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = state % (i + 1);
    const held = result[i] as T;
    result[i] = result[j] as T;
    result[j] = held;
  }
  return result;
}

export function idOf(body: Buffer): string {
  return (JSON.parse(body.toString()) as { readonly id: string }).id;
}
