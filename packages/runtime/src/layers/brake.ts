/**
 * Stops a lane that refuses too much, instead of emptying its queue into the dead letters after a schema change or a bad
 * deploy. Faults that the record itself proves, and faults for which only the store's word stands, are counted apart:
 * the store may take its word back (a column's type is restored), so little of that is tolerated; a proven fault will
 * never heal, so only a flood of them, which means that the producers have changed, stops the lane.
 */
import { type BackoffOptions, backoffMs, delay } from '../backoff.ts';
import { type Fault, fault } from '../fault.ts';
import { LetGo, type Write } from './write.ts';

export interface BrakeSettings {
  /** How many of the last records are looked at. */
  readonly window: number;
  /** Refused on the store's word: at most this share of the window, */
  readonly share: number;
  /** but always this many, */
  readonly minimum: number;
  /** and never this many in a row with one code. */
  readonly inARow: number;
  /** Proven faults: at most this share of a full window. */
  readonly provenShare: number;
  /** Between two tries of a batch that the brake holds. */
  readonly probe: BackoffOptions;
}

export const defaultBrake: BrakeSettings = {
  window: 1000,
  share: 0.05,
  minimum: 20,
  inARow: 10,
  provenShare: 0.5,
  probe: { firstMs: 1_000, maxMs: 30_000 },
};

/** The batch refuses more than the brake allows: none of it is settled. */
export class Braked extends Error {
  readonly fault: Fault;
  constructor(found: Fault) {
    super(`the brake is on: ${found.reason}`);
    this.name = 'Braked';
    this.fault = found;
  }
}

/** Refusals of one batch, counted only when the whole batch is through. */
export interface Trial {
  /** Throws `Braked` when this refusal is one too many. */
  refuse(index: number, found: Fault): void;
  commit(): void;
}

export interface Brake {
  readonly on: Fault | undefined;
  trial(records: number): Trial;
  passed(records: number): void;
  /** A proven refusal outside a batch (decoding): true when it may be dead-lettered, false when it must be detained. */
  admit(found: Fault): boolean;
  engage(found: Fault): void;
  disengage(by: 'store' | 'operator'): void;
  /** Resolves when the brake lets go, or the signal aborts. */
  off(signal: AbortSignal): Promise<void>;
}

const passedMark = 0;
const wordMark = 1;
const provenMark = 2;

export function createBrake(
  settings: BrakeSettings,
  changed: { on(found: Fault, refused: number, of: number): void; off(by: 'store' | 'operator'): void },
): Brake {
  const ring = new Uint8Array(settings.window);
  const tally = [0, 0, 0];
  let seen = 0;
  let at = 0;
  let on: Fault | undefined;
  /** After an operator's word this many refusals are let through: what is in the lane now, not what comes after. */
  let pardoned = 0;
  let waiters: (() => void)[] = [];

  const count = (mark: 0 | 1 | 2): void => {
    if (seen === settings.window) tally[ring[at] ?? 0] = (tally[ring[at] ?? 0] ?? 0) - 1;
    else seen += 1;
    ring[at] = mark;
    tally[mark] = (tally[mark] ?? 0) + 1;
    at = (at + 1) % settings.window;
  };
  const tooMany = (word: number, proven: number, of: number): boolean =>
    word > Math.max(settings.minimum, settings.share * Math.min(settings.window, of)) ||
    proven > settings.provenShare * settings.window;

  const brake: Brake = {
    get on() {
      return on;
    },
    passed(records) {
      for (let i = Math.min(records, settings.window); i > 0; i -= 1) count(passedMark);
    },
    trial(records) {
      const refusals = new Map<number, Fault>();
      let word = 0;
      let proven = 0;
      return {
        refuse(index, found) {
          refusals.set(index, found);
          if (pardoned > 0) return;
          if (found.proven) proven += 1;
          else word += 1;
          const inARow = found.proven ? 0 : run(refusals, index, found.code);
          if (
            inARow >= settings.inARow ||
            tooMany((tally[wordMark] ?? 0) + word, (tally[provenMark] ?? 0) + proven, seen + records)
          ) {
            throw new Braked(found);
          }
        },
        commit() {
          for (let index = 0; index < records; index += 1) {
            const found = refusals.get(index);
            if (found === undefined) count(passedMark);
            else if (pardoned > 0) pardoned -= 1;
            else count(found.proven ? provenMark : wordMark);
          }
        },
      };
    },
    admit(found) {
      if (pardoned > 0) {
        pardoned -= 1;
        return true;
      }
      if (tooMany(tally[wordMark] ?? 0, (tally[provenMark] ?? 0) + 1, seen + 1)) {
        brake.engage(found);
        return false;
      }
      count(provenMark);
      return true;
    },
    engage(found) {
      if (on !== undefined) return;
      on = found;
      changed.on(found, (tally[wordMark] ?? 0) + (tally[provenMark] ?? 0), seen);
    },
    disengage(by) {
      if (by === 'operator') pardoned = settings.window;
      if (on === undefined) return;
      on = undefined;
      ring.fill(passedMark);
      tally[passedMark] = seen;
      tally[wordMark] = 0;
      tally[provenMark] = 0;
      changed.off(by);
      const woken = waiters;
      waiters = [];
      for (const wake of woken) wake();
    },
    off(signal) {
      if (on === undefined || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = (): void => {
          signal.removeEventListener('abort', wake);
          waiters = waiters.filter((other) => other !== wake);
          resolve();
        };
        waiters.push(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    },
  };
  return brake;
}

/** Length of the unbroken run of refusals with this code around `index`, in order of arrival. */
function run(refusals: ReadonlyMap<number, Fault>, index: number, code: string): number {
  let length = 1;
  for (let i = index - 1; refusals.get(i)?.code === code; i -= 1) length += 1;
  for (let i = index + 1; refusals.get(i)?.code === code; i += 1) length += 1;
  return length;
}

/** Holds a batch while the brake is on, trying it again now and then: when the store takes its word back, it lets go. */
export function brakeLayer<R>(inner: Write<R>, brake: Brake, settings: BrakeSettings): Write<R> {
  return async (batch, context) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const receipt = await inner(batch, context);
        if (brake.on !== undefined && !brake.on.proven) brake.disengage('store');
        return receipt;
      } catch (error) {
        if (!(error instanceof Braked)) throw error;
        brake.engage(error.fault);
        if (context.gone.aborted) throw new LetGo('gone');
        const wait = backoffMs(attempt, settings.probe);
        context.held(
          fault(
            'braked',
            error.fault.stage,
            `too many records are refused with ${error.fault.code}: ${error.fault.reason}`,
            { native: error.fault.native },
          ),
          attempt,
          wait,
        );
        const turn = new AbortController();
        const stop = AbortSignal.any([context.abort, context.gone, context.draining, turn.signal]);
        await Promise.race([delay(wait, stop), brake.off(stop)]);
        turn.abort();
        if (context.abort.aborted) throw new LetGo('aborted');
        // A drain does not wait for an operator: what the brake holds goes back to the queue, untouched.
        if (context.gone.aborted || context.draining.aborted) throw new LetGo('gone');
      }
    }
  };
}
