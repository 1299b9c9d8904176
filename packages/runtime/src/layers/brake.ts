/**
 * Stops a lane that refuses too much, instead of emptying its queue into the dead letters after a schema change or a bad
 * deploy. Faults that the record itself proves, and faults for which only the store's word stands, are counted apart:
 * the store may take its word back (a column's type is restored), so little of that is tolerated; a proven fault will
 * never heal, so only a flood of them, which means that the producers have changed, stops the lane.
 */
import { type BackoffOptions, backoffMs, delay } from '../backoff.ts';
import { type Fault, fault } from '../fault.ts';
import type { Keyed } from '../model.ts';
import type { Receipt } from '../sink.ts';
import { createTally } from './tally.ts';
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
  /** Of the record whose refusal was one too many. */
  readonly index: number;
  constructor(found: Fault, index: number) {
    super(`the brake is on: ${found.reason}`);
    this.name = 'Braked';
    this.fault = found;
    this.index = index;
  }
}

/** Refusals of one batch: from the first on they weigh against every writer, and they stay when the whole batch is through. */
export interface Trial {
  /** Throws `Braked` when this refusal is one too many. */
  refuse(index: number, found: Fault): void;
  commit(): void;
  /** To be called in any case: what was not committed is forgotten. */
  close(): void;
}

export interface Brake {
  readonly on: Fault | undefined;
  trial(records: number): Trial;
  passed(records: number): void;
  /** A proven refusal outside a batch (decoding): true when it may be dead-lettered, false when it must be detained. */
  admit(found: Fault): boolean;
  /** The refusal of this record was one too many. */
  engage(found: Fault, record?: Keyed<unknown>): void;
  /**
   * A batch went through. It lets the brake go when the store has taken a record whose refusal was one too many; a
   * neighbour proves nothing, until as many records as the brake looks at were written, begun while it was `on`.
   */
  took(records: readonly Keyed<unknown>[], receipt: Receipt, on: Fault | undefined): void;
  disengage(by: 'store' | 'operator'): void;
  /** Resolves when the brake lets go, or the signal aborts. */
  off(signal: AbortSignal): Promise<void>;
}

export function createBrake(
  settings: BrakeSettings,
  changed: { on(found: Fault, refused: number, of: number): void; off(by: 'store' | 'operator'): void },
): Brake {
  /** Stands still while the brake is on for it: else what passes beside would wash it, and let the next refusals through. */
  const word = createTally(settings.window);
  const proven = createTally(settings.window);
  /** Of the batches that are being tried. */
  const open = { word: 0, proven: 0, records: 0 };
  let on: Fault | undefined;
  /** Records whose refusal was one too many, by content: they may come again in another batch, or another session. */
  const tipping = new Set<string>();
  let writtenSince = 0;
  /** After an operator's word this many refusals are let through: what is in the lane now, not what comes after. */
  let pardoned = 0;
  let waiters: (() => void)[] = [];

  const count = (found: Fault | undefined): void => {
    if (found !== undefined || on === undefined || on.proven) word.count(found !== undefined && !found.proven);
    proven.count(found?.proven ?? false);
  };
  const provenTooMany = (more: number): boolean =>
    proven.refused + open.proven + more > settings.provenShare * settings.window;
  const tooMany = (): boolean => {
    const of = Math.min(settings.window, word.seen + open.records);
    return word.refused + open.word > Math.max(settings.minimum, settings.share * of) || provenTooMany(0);
  };

  const brake: Brake = {
    get on() {
      return on;
    },
    passed(records) {
      for (let i = Math.min(records, settings.window); i > 0; i -= 1) count(undefined);
    },
    trial(records) {
      const refusals = new Map<number, Fault>();
      const own = { word: 0, proven: 0, records };
      open.records += records;
      return {
        refuse(index, found) {
          refusals.set(index, found);
          if (pardoned > 0) return;
          const kind = found.proven ? 'proven' : 'word';
          own[kind] += 1;
          open[kind] += 1;
          const inARow = found.proven ? 0 : run(refusals, index, found.code);
          if (inARow >= settings.inARow || tooMany()) throw new Braked(found, index);
        },
        commit() {
          this.close();
          for (let index = 0; index < records; index += 1) {
            const found = refusals.get(index);
            if (found !== undefined && pardoned > 0) pardoned -= 1;
            else count(found);
          }
        },
        close() {
          for (const kind of ['word', 'proven', 'records'] as const) {
            open[kind] -= own[kind];
            own[kind] = 0;
          }
        },
      };
    },
    admit(found) {
      if (pardoned > 0) {
        pardoned -= 1;
        return true;
      }
      if (provenTooMany(1)) {
        brake.engage(found);
        return false;
      }
      count(found);
      return true;
    },
    engage(found, record) {
      if (record !== undefined && !found.proven && tipping.size < settings.window) tipping.add(nameOf(record));
      if (on !== undefined) return;
      on = found;
      writtenSince = 0;
      changed.on(found, word.refused + proven.refused, Math.max(word.seen, proven.seen));
    },
    took(records, { outcomes, counts }, began) {
      if (on === undefined || on.proven) return;
      if (began === on) writtenSince += counts.created + counts.updated;
      const healed = records.some((record, index) => outcomes[index]?.is === 'stored' && tipping.has(nameOf(record)));
      if (healed || writtenSince >= settings.window) brake.disengage('store');
    },
    disengage(by) {
      if (by === 'operator') pardoned = settings.window;
      if (on === undefined) return;
      on = undefined;
      tipping.clear();
      word.forgive();
      proven.forgive();
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

const nameOf = ({ key, hash }: Keyed<unknown>): string => JSON.stringify([key, hash]);

/** Length of the unbroken run of refusals with this code around `index`, in order of arrival. */
function run(refusals: ReadonlyMap<number, Fault>, index: number, code: string): number {
  let length = 1;
  for (let i = index - 1; refusals.get(i)?.code === code; i -= 1) length += 1;
  for (let i = index + 1; refusals.get(i)?.code === code; i += 1) length += 1;
  return length;
}

/** Holds a batch while the brake is on, trying it again now and then: when the store takes its word back, it lets go. */
export function brakeLayer<R>(inner: Write<R>, brake: Brake, settings: BrakeSettings, limitMs: number): Write<R> {
  return async (batch, context) => {
    let heldSince: number | undefined;
    for (let attempt = 1; ; attempt += 1) {
      const began = brake.on;
      try {
        const receipt = await inner(batch, context);
        brake.took(batch.records, receipt, began);
        return receipt;
      } catch (error) {
        if (!(error instanceof Braked)) throw error;
        brake.engage(error.fault, batch.records[error.index]);
        if (context.gone.aborted) throw new LetGo('gone');
        heldSince ??= performance.now();
        // As with an outage: else the broker takes the deliveries back by force, and lends them at once again.
        if (performance.now() - heldSince > limitMs) throw new LetGo('timeout');
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
