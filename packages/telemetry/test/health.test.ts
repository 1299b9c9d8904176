import type { LaneSnapshot, LaneState } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import { createHealth, createRedact } from '../src/index.ts';
import { snapshot } from './samples.ts';

const lane = (changes: Partial<LaneSnapshot>) => ({
  name: changes.lane ?? 'artists',
  snapshot: () => snapshot(changes),
});

describe('readiness', () => {
  it.each([
    ['consuming', 'ready'],
    ['paused', 'ready'],
    ['starting', 'not_ready'],
    ['holding', 'not_ready'],
    ['braked', 'not_ready'],
    ['draining', 'not_ready'],
    ['stopped', 'not_ready'],
  ] as const satisfies readonly (readonly [LaneState, string])[])(
    'of a lane that is %s is %s',
    async (state, status) => {
      const health = createHealth();
      health.markStarted();
      health.lane(lane({ state, reason: 'because' }));
      const report = await health.report();
      expect(report.status).toBe(status);
      const check = report.checks.find(({ name }) => name === 'lane:artists');
      expect(check).toMatchObject({ since: '2023-11-14T22:13:20.000Z', reason: `${state}: because` });
      expect(check?.advice === undefined).toBe(status === 'ready');
    },
  );

  it.each([
    ['store-unreachable', 'Bring the store back'],
    ['store-busy', 'look for locks and long transactions'],
    ['store-misconfigured', 'give the right or create what'],
  ] as const)('of a lane that holds for %s advises: %s', async (code, advice) => {
    const health = createHealth();
    health.lane(lane({ state: 'holding', reason: 'because', code }));
    const check = (await health.report()).checks.find(({ name }) => name === 'lane:artists');
    expect(check?.advice).toContain(advice);
    expect(check?.advice?.includes('Bring the store back')).toBe(code === 'store-unreachable');
  });

  it('waits for the start and ends with the stop', async () => {
    const health = createHealth();
    expect(await health.report()).toMatchObject({ status: 'not_ready' });
    expect(health.started).toBe(false);
    health.markStarted();
    expect(await health.report()).toMatchObject({ status: 'ready' });
    health.markStopping();
    expect(await health.report()).toMatchObject({ status: 'not_ready' });
    expect(health.started).toBe(true);
  });

  it('needs every lane', async () => {
    const health = createHealth();
    health.markStarted();
    health.lane(lane({}));
    health.lane(lane({ lane: 'labels', state: 'holding' }));
    expect(
      (await health.report()).checks.filter((check) => check.status === 'failing').map(({ name }) => name),
    ).toEqual(['lane:labels']);
  });
});

describe('a probe', () => {
  it('that fails says why, since when, when it was last well, and what to do', async () => {
    const health = createHealth({ freshMs: 0 });
    health.markStarted();
    let well = true;
    health.probe({
      name: 'store',
      advice: 'Bring it back.',
      check: async () => {
        if (!well) throw new Error('cannot reach postgres://u:hush@h');
      },
    });
    expect(await health.report()).toMatchObject({ status: 'ready' });
    well = false;
    const failed = await health.report();
    expect(failed.status).toBe('not_ready');
    expect(failed.checks.at(-1)).toMatchObject({
      name: 'store',
      status: 'failing',
      reason: 'cannot reach postgres://***@h',
      advice: 'Bring it back.',
    });
    expect(failed.checks.at(-1)?.last_healthy_at).toBeDefined();
    const again = await health.report();
    expect(again.checks.at(-1)?.since).toBe(failed.checks.at(-1)?.since);
    well = true;
    const healed = await health.report();
    expect(healed.status).toBe('ready');
    expect(healed.checks.at(-1)?.reason).toBeUndefined();
  });

  it('that hangs fails at its deadline, is told so, and is not asked again until it lets go', async () => {
    const health = createHealth({ deadlineMs: 30, freshMs: 0 });
    health.markStarted();
    let asked = 0;
    let aborted = 0;
    let letGo = (): void => {};
    health.probe({
      name: 'store',
      advice: 'Look.',
      check: (signal) => {
        asked += 1;
        signal.addEventListener('abort', () => {
          aborted += 1;
        });
        return new Promise((resolve) => {
          letGo = resolve;
        });
      },
    });
    const began = performance.now();
    for (let i = 0; i < 3; i += 1) {
      const report = await health.report();
      expect(report.checks.at(-1)).toMatchObject({ status: 'failing', reason: 'store did not finish within 30 ms' });
    }
    expect(performance.now() - began).toBeLessThan(2_000);
    expect([asked, aborted]).toEqual([1, 1]);
    letGo();
    await new Promise((resolve) => setImmediate(resolve));
    await health.report();
    expect(asked).toBe(2);
  });

  it('is asked once for many who ask at the same time, and its answer stays good for a moment', async () => {
    const health = createHealth({ freshMs: 60_000 });
    let asked = 0;
    health.probe({
      name: 'store',
      advice: 'Look.',
      check: async () => {
        asked += 1;
      },
    });
    await Promise.all([health.report(), health.report(), health.report()]);
    await health.report();
    expect(asked).toBe(1);
  });

  it('that throws instead of rejecting fails like any other, and its secrets are masked', async () => {
    const health = createHealth({ redact: createRedact(() => ['canary-1']) });
    health.probe({
      name: 'store',
      advice: 'Look.',
      check: () => {
        throw new Error('password canary-1 refused');
      },
    });
    expect((await health.report()).checks.at(-1)).toMatchObject({ reason: 'password *** refused' });
  });
});
