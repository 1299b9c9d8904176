/** The seed decides everything that chance can decide. */
import { describe, expect, it } from '@jest/globals';
import { describeFault, faultKinds, planRound } from './plan.ts';

const rounds = Array.from({ length: 400 }, (_, i) => i + 1);

describe('the plan of a run', () => {
  it('is the same for the same seed, and another for another', () => {
    const plan = (seed: number) => rounds.map((round) => planRound(seed, round));
    expect(plan(17)).toEqual(plan(17));
    expect(plan(17)).not.toEqual(plan(18));
  });

  it('of a round does not depend on the rounds before it', () => {
    const all = rounds.map((round) => planRound(5, round));
    expect(planRound(5, 300)).toEqual(all[299]);
  });

  it('brings every kind of fault, and two at once in about a sixth of the rounds', () => {
    const plans = rounds.map((round) => planRound(1, round));
    const kinds = new Set(plans.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
    expect([...kinds].sort()).toEqual([...faultKinds].sort());
    const twice = plans.filter(({ faults }) => faults.length === 2).length;
    expect(twice).toBeGreaterThan(30);
    expect(twice).toBeLessThan(100);
  });

  it('never hurts one place twice at once', () => {
    for (const { faults } of rounds.map((round) => planRound(2, round))) {
      const [first, second] = faults;
      if (second !== undefined) expect(first?.target).not.toBe(second.target);
    }
  });

  it('keeps to the kinds that were asked for', () => {
    const kinds = ['link-cut', 'service-kill'] as const;
    for (const round of rounds)
      for (const fault of planRound(3, round, kinds).faults) {
        expect(kinds).toContain(fault.kind);
        expect(describeFault(fault)).toMatch(/^(link-cut|service-kill) \S+ at \d+ %$/);
      }
  });
});
