/** What a test file that hurts its broker needs: the broker, fixtures on it, and their undoing after each test. */
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { type PrivateBroker, startPrivateBroker } from './private.ts';
import { type Fixture, type FixtureOptions, makeFixture } from './support.ts';

export interface OwnBroker {
  /** There from `beforeAll` on. */
  readonly own: PrivateBroker;
  /** Done in reverse order after each test. */
  readonly undo: (() => Promise<void>)[];
  fixtureFor(options?: FixtureOptions): Promise<Fixture>;
}

/** Starts the broker before all tests of the file, and removes it after them. */
export function useOwnBroker(name: string): OwnBroker {
  let own: PrivateBroker | undefined;
  const undo: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    own = await startPrivateBroker(name);
  }, 240_000);
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  }, 60_000);
  afterAll(() => own?.remove(), 60_000);
  const started = (): PrivateBroker => {
    if (own === undefined) throw new Error(`the broker ${name} has not started`);
    return own;
  };
  return {
    get own() {
      return started();
    },
    undo,
    async fixtureFor(options) {
      const fixture = await makeFixture({ ...options, url: started().server.url });
      undo.push(fixture.dispose);
      return fixture;
    },
  };
}
