/**
 * The zoo: every kind of record that is known to hurt a store, a driver or a parser, and what must become of it. One list for
 * both stores and for both ways of making a model, because they must agree.
 */
import type { Expected } from './cages/animal.ts';
import { bytes } from './cages/bytes.ts';
import { records } from './cages/records.ts';

export type { Expected };

export interface ZooCase {
  /** Its place in the zoo. */
  readonly cage: string;
  readonly name: string;
  /** What is published, in this order. */
  readonly bodies: readonly Buffer[];
  /** Of each message. */
  readonly headers?: readonly Readonly<Record<string, unknown>>[];
  readonly discogs: Expected;
  readonly declared: Expected;
}

/** `base`: twelve digits, the first not 0, that nobody else uses. */
export function casesOf(base: string): readonly ZooCase[] {
  let count = 0;
  return Object.entries({ ...bytes, ...records }).flatMap(([cage, animals]) =>
    animals.map(([name, make, expect, headers]): ZooCase => {
      count += 1;
      const id = `${base}${String(count).padStart(3, '0')}`;
      const made = make(id);
      const bodies = typeof made === 'string' || Buffer.isBuffer(made) ? [made] : made;
      const expected = expect(id);
      const each =
        typeof expected === 'object' && 'discogs' in expected ? expected : { discogs: expected, declared: expected };
      return {
        cage,
        name,
        bodies: bodies.map((body) => Buffer.from(body)),
        ...(headers === undefined ? {} : { headers }),
        ...each,
      };
    }),
  );
}
