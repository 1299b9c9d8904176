/** What tests that hurt their broker need: the broker, fixtures and lanes on it, and their undoing after each test. */
import type { LaneSettings } from '@inator/runtime';
import { afterAll, beforeAll } from '@jest/globals';
import { type Fixtures, useFixtures } from './fixtures.ts';
import { type RunningLane, startLane } from './lanes.ts';
import { type PrivateBroker, startPrivateBroker } from './private.ts';
import type { Fixture } from './support.ts';

export interface OwnBroker extends Fixtures {
  /** There from `beforeAll` on. */
  readonly own: PrivateBroker;
  laneOn(fixture: Fixture, settings?: Partial<LaneSettings>): RunningLane;
}

/** Starts the broker before all tests of the file, and removes it after them. */
export function useOwnBroker(name: string): OwnBroker {
  let own: PrivateBroker | undefined;
  beforeAll(async () => {
    own = await startPrivateBroker(name);
  }, 240_000);
  afterAll(() => own?.remove(), 60_000);
  const started = (): PrivateBroker => {
    if (own === undefined) throw new Error(`the broker ${name} has not started`);
    return own;
  };
  const { undo, fixtureFor } = useFixtures(() => started().server.url);
  return {
    get own() {
      return started();
    },
    undo,
    fixtureFor,
    laneOn(fixture, settings) {
      const running = startLane(fixture.source, settings);
      undo.push(running.stop);
      return running;
    },
  };
}
