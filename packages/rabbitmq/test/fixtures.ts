/** Fixtures that are undone after each test, and what most tests of this room do with them. */
import { type Delivery, SourceError } from '@inator/runtime';
import { afterEach, expect } from '@jest/globals';
import { until } from '../../testkit/src/until.ts';
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

export const numbered = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `m${from + i}`);
export const bodies = (taken: readonly Delivery[]): string[] =>
  taken.map((delivery) => Buffer.from(delivery.body).toString());
/**
 * What the queue still holds, taken out of it. The broker takes back what a closed channel left only after it has
 * answered the close, so the first marker gives it time and the second tells the end.
 */
export async function left(fixture: Fixture): Promise<string[]> {
  await fixture.publish(['marker']);
  const { session, taken } = await fixture.open(5_000);
  await until(() => bodies(taken).includes('marker'), 'the marker');
  await fixture.publish(['end']);
  await until(() => bodies(taken).includes('end'), 'the end');
  session.ack(taken);
  await session.close();
  return bodies(taken).filter((body) => body !== 'marker' && body !== 'end');
}
