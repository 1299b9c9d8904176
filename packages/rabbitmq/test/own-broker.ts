/** What tests that hurt their broker need: the broker, fixtures and lanes on it, and their undoing after each test. */
import type { LaneSettings } from '@inator/runtime';
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { type RunningLane, startLane } from './lanes.ts';
import { type PrivateBroker, startPrivateBroker } from './private.ts';
import { type Fixture, type FixtureOptions, makeFixture } from './support.ts';

export interface OwnBroker {
  /** There from `beforeAll` on. */
  readonly own: PrivateBroker;
  /** Done in reverse order after each test. */
  readonly undo: (() => Promise<void>)[];
  fixtureFor(options?: FixtureOptions): Promise<Fixture>;
  laneOn(fixture: Fixture, settings?: Partial<LaneSettings>): RunningLane;
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
    laneOn(fixture, settings) {
      const running = startLane(fixture.source, settings);
      undo.push(running.stop);
      return running;
    },
  };
}
