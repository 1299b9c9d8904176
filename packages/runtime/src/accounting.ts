/** Where a writer's time goes. Every millisecond belongs to exactly one state, so the six sum to wall time. */
import type { WriterSnapshot, WriterState } from './events.ts';

export interface Accounting {
  enter(state: WriterState): void;
  readonly state: WriterState;
  /** Moves `ms` of the time already booked, or being booked, as `from` over to `to`. */
  move(from: WriterState, to: WriterState, ms: number): void;
  snapshot(): WriterSnapshot;
}

export function createAccounting(now: () => number = () => performance.now()): Accounting {
  const spent: Record<WriterState, number> = { idle: 0, decoding: 0, waiting: 0, writing: 0, holding: 0, settling: 0 };
  let state: WriterState = 'idle';
  let since = now();
  const book = (): void => {
    const at = now();
    spent[state] += at - since;
    since = at;
  };
  return {
    get state() {
      return state;
    },
    enter(next) {
      book();
      state = next;
    },
    move(from, to, ms) {
      spent[from] -= ms;
      spent[to] += ms;
    },
    snapshot() {
      book();
      return { state, spentMs: { ...spent } };
    },
  };
}
