/** Times the phases of one write. */
import type { Phase } from './sink.ts';

export interface Clock {
  readonly phases: Partial<Record<Phase, number>>;
  /** Adds the time since the last mark to `phase`. */
  mark(phase: Phase): void;
}

export function startClock(): Clock {
  const phases: Partial<Record<Phase, number>> = {};
  let last = performance.now();
  return {
    phases,
    mark(phase) {
      const now = performance.now();
      phases[phase] = (phases[phase] ?? 0) + now - last;
      last = now;
    },
  };
}
