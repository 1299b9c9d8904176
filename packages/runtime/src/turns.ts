/**
 * Whose suspects are tried first, where several lanes share a process. A record that ends the process raises the delivery
 * count of whatever was in hand in every lane, so that the first records of innocent lanes become suspects as well, and
 * would be condemned along with it. So only one lane at a time tries suspects, until it has none left. Which lane begins
 * goes by the count itself, which one life after the other raises by one: whoever is guilty, every other lane comes first
 * often enough to get its own suspects written, and its counts begin anew.
 */
import type { Events } from './events.ts';

export interface Turns {
  /** In the order of the lanes, which must be the same in every life of the process. */
  lane(): Turn;
}

export interface Turn {
  /** Calls `go` when this lane may try a suspect that was delivered so often before; at once while the turn is its own. */
  ask(count: number, go: () => void): void;
  /** The lane has no suspect in hand any more, or has lost its session. */
  pass(): void;
}

export interface TurnSettings {
  /** After the last lane has opened its session, its first deliveries are waited for, in milliseconds. */
  readonly arriveMs: number;
  /** A lane that cannot open its session is not waited for longer than this after the first suspect has come. */
  readonly absentMs: number;
  /** A lane that asks for nothing more within this time, because its record is held or braked, is not waited for either. */
  readonly stuckMs: number;
}

export const defaultTurns: TurnSettings = { arriveMs: 250, absentMs: 5_000, stuckMs: 30_000 };

export function createTurns(lanes: number, events: Events, settings: TurnSettings = defaultTurns): Turns {
  const waiting = new Map<number, { readonly count: number; readonly go: () => void }>();
  const opened = new Set<string>();
  let made = 0;
  /** Whose suspects come first in this life; decided when all lanes that can ask have had the time to. */
  let first: number | undefined;
  let asked = false;
  let holder: number | undefined;
  let stuck: NodeJS.Timeout | undefined;

  const later = (run: () => void, ms: number): NodeJS.Timeout => setTimeout(run, ms).unref();
  const off = events.on('session.opened', ({ lane }) => {
    opened.add(lane);
    if (opened.size < lanes) return;
    off();
    later(decide, settings.arriveMs);
  });

  function decide(): void {
    if (first !== undefined) return;
    const counts = [...waiting.values()].map(({ count }) => count);
    first = Math.max(0, ...counts) % lanes;
    grant();
  }

  function grant(): void {
    if (first === undefined || holder !== undefined) return;
    for (let i = 0; i < lanes; i += 1) {
      const index = (first + i) % lanes;
      const next = waiting.get(index);
      if (next === undefined) continue;
      waiting.delete(index);
      hold(index);
      next.go();
      return;
    }
  }

  function hold(index: number): void {
    holder = index;
    clearTimeout(stuck);
    stuck = later(() => release(index), settings.stuckMs);
  }

  function release(index: number): void {
    if (holder !== index) return;
    holder = undefined;
    clearTimeout(stuck);
    grant();
  }

  return {
    lane() {
      const index = made;
      made += 1;
      return {
        ask(count, go) {
          if (lanes === 1) {
            go();
            return;
          }
          if (!asked) {
            asked = true;
            later(decide, settings.absentMs);
          }
          if (holder === index) {
            hold(index);
            go();
            return;
          }
          waiting.set(index, { count, go });
          grant();
        },
        pass() {
          waiting.delete(index);
          release(index);
        },
      };
    },
  };
}
