/**
 * The end of an extraction, and what may be purged then.
 *
 * A *run* is everything a lane's queue delivers between two `extraction_complete`. What a run did not bring has vanished
 * at the producer. A sink keeps a ledger of the keys that a run brought, because unchanged records are not touched and
 * no stamp on them could tell; what the ledger lacks at the end may be purged. A wrong purge loses data and a purge
 * that was skipped loses nothing, so everything doubtful skips it. The judgement is here, one for all stores.
 */
import type { Signal } from './model.ts';

/** `off`: no ledger, no cost. `report`: keeps the ledger and tells what would be purged. `purge`: purges it. */
export const purgeModes = ['off', 'report', 'purge'] as const;
export type PurgeMode = (typeof purgeModes)[number];

export interface PurgeSettings {
  readonly mode: PurgeMode;
  /** Of the records stored, at most this share may vanish at once, from 0 to 1. */
  readonly maxFraction: number;
  /**
   * How long the ledger of a run that looks incomplete may stand still before it counts as incomplete, in milliseconds:
   * other replicas may still be writing what they were given before the signal.
   */
  readonly patienceMs: number;
}

/** Nothing is kept and nothing purged. */
export const noPurge: PurgeSettings = Object.freeze({ mode: 'off', maxFraction: 0.1, patienceMs: 10_000 });

/** Why a purge did not happen; `docs/guides/extraction-complete.md` explains each. Operators alert on these words. */
export const skipReasons = {
  unidentified: 'the signal has no version or no started_at, so a repetition of it could not be told',
  older: 'a later extraction was completed before',
  undeclared: 'the signal does not say how many records of this type there are',
  'dead-letters': 'records of the run were dead-lettered',
  incomplete: 'the ledger saw fewer keys than the producer says it published',
  empty: 'the run brought nothing',
  'over-limit': 'more would vanish than PURGE_MAX_FRACTION allows',
  'store-refused': 'the store refused to delete',
  'switched-off': 'PURGE_MODE was changed before the purge came to its end',
} as const;
export type SkipReason = keyof typeof skipReasons;

/** What became of an extraction in one lane. */
export interface Closing {
  readonly is: 'purged' | 'reported' | 'skipped';
  readonly why: SkipReason | undefined;
  /** A sentence with the numbers. */
  readonly reason: string | undefined;
  /** Records of the type, as the producer counts them. */
  readonly declared: number | undefined;
  /** Distinct keys in the ledger. */
  readonly seen: number;
  /** Records in the store when the run ended. */
  readonly stored: number;
  /** Records in the store that the run did not bring. */
  readonly vanished: number;
  /** Of these, how many were deleted; fewer than vanished when some came back meanwhile. */
  readonly purged: number;
  /** True when this is the memory of an extraction that was closed before: the signal came again. */
  readonly repeated: boolean;
}

export interface Extraction {
  readonly version: string;
  readonly startedAt: Date;
}

/** Which extraction a signal ends; undefined when it cannot be told from another one. */
export function extractionOf(signal: Signal & { readonly is: 'extraction_complete' }): Extraction | undefined {
  const startedAt = new Date(signal.startedAt ?? '');
  if (signal.version === undefined || Number.isNaN(startedAt.getTime())) return undefined;
  return { version: signal.version, startedAt };
}

/** What a sink counted when the run ended. */
export interface Tally {
  readonly declared: number | undefined;
  readonly seen: number;
  readonly stored: number;
  readonly vanished: number;
  /** Records of the run that went to the dead letters, in whichever replica. */
  readonly deadLettered: number;
}

export type Judgement =
  | { readonly is: 'purge' | 'report' }
  | { readonly is: 'skip'; readonly why: SkipReason; readonly reason: string };

/** Whether what vanished may be purged. Total: what is not certain is skipped. */
export function judgeRun(tally: Tally, { mode, maxFraction }: PurgeSettings): Judgement {
  const { declared, seen, stored, vanished, deadLettered } = tally;
  const skip = (why: SkipReason, numbers: string): Judgement => ({
    is: 'skip',
    why,
    reason: `${skipReasons[why]}: ${numbers}`,
  });
  if (declared === undefined) return skip('undeclared', `${seen} keys were seen`);
  if (deadLettered > 0) return skip('dead-letters', `${deadLettered} dead letters, ${seen} keys of ${declared} seen`);
  if (seen < declared) return skip('incomplete', `${seen} keys of ${declared}`);
  if (seen === 0) return skip('empty', `${stored} records would vanish`);
  if (vanished > stored * maxFraction) {
    return skip('over-limit', `${vanished} of ${stored} records, and ${maxFraction} of them are allowed`);
  }
  return { is: mode === 'purge' ? 'purge' : 'report' };
}

/** A purge of a signal whose deadline is the end of the service: it goes on when the signal is delivered again. */
export class MarkInterrupted extends Error {
  constructor() {
    super('the service stops; the signal is delivered again and the purge goes on then');
    this.name = 'MarkInterrupted';
  }
}
