/** Times the phases of one write. */
import type { Phase } from './sink.ts';

export interface Clock {
  readonly phases: Partial<Record<Phase, number>>;
  /** Adds the time since the last mark to `phase`. */
  mark(phase: Phase): void;
  /** Likewise, to two phases that one wait had in it: `laterMs` of it, but not more than it was, to the later one. */
  markBoth(earlier: Phase, later: Phase, laterMs: number): void;
}

export function startClock(): Clock {
  const phases: Partial<Record<Phase, number>> = {};
  let last = performance.now();
  const add = (phase: Phase, ms: number): void => {
    phases[phase] = (phases[phase] ?? 0) + ms;
  };
  const sinceLast = (): number => {
    const before = last;
    last = performance.now();
    return last - before;
  };
  return {
    phases,
    mark: (phase) => add(phase, sinceLast()),
    markBoth(earlier, later, laterMs) {
      const both = sinceLast();
      const share = Math.min(both, Math.max(0, laterMs));
      add(earlier, both - share);
      add(later, share);
    },
  };
}
