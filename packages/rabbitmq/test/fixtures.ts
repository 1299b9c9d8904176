/** Fixtures that are undone after each test, and what most tests of this room do with them. */
import { SourceError } from '@inator/runtime';
import { afterEach, expect } from '@jest/globals';
import { type Fixture, type FixtureOptions, makeFixture } from './support.ts';

export interface Fixtures {
  /** Done in reverse order after each test. */
  readonly undo: (() => Promise<void>)[];
  fixtureFor(options?: FixtureOptions): Promise<Fixture>;
}

/** `url` names the broker, where it is another than that of all tests. */
export function useFixtures(url?: () => string): Fixtures {
  const undo: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  }, 60_000);
  return {
    undo,
    async fixtureFor(options) {
      const fixture = await makeFixture(url === undefined ? options : { ...options, url: url() });
      undo.push(fixture.dispose);
      return fixture;
    },
  };
}

/** What a promise rejects with, which must be a `SourceError`. */
export function rejection(promise: Promise<unknown>): Promise<SourceError> {
  return promise.then(
    () => {
      throw new Error('it was not rejected');
    },
    (error: unknown) => {
      expect(error).toBeInstanceOf(SourceError);
      return error as SourceError;
    },
  );
}
