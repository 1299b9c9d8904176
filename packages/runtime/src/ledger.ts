/**
 * How a run is closed: the order of the steps, one for all stores. What a step does, and in which transaction, is the
 * store's.
 *
 * What must stay true: each step is durable by itself, so the signal, delivered again after a crash, goes on where the
 * first delivery stopped; an extraction is closed once; what is told once is told again, as a repetition.
 */
import { delay } from './backoff.ts';
import {
  type Closing,
  type Extraction,
  extractionOf,
  MarkInterrupted,
  type PurgeSettings,
  skipReasons,
} from './extraction.ts';
import type { Signal } from './model.ts';
import type { MarkContext } from './sink.ts';

type ExtractionComplete = Signal & { readonly is: 'extraction_complete' };

/** Which keys the run under way brought, of one kind of record. */
export interface RunLedger {
  /** Notes that a record of the run goes to the dead letters. Rejects with `SinkError`. */
  condemn(abort: AbortSignal): Promise<void>;
  /** Closes the run that the signal ends. Idempotent. Rejects with `SinkError` or `MarkInterrupted`. */
  complete(signal: ExtractionComplete, context: MarkContext): Promise<Closing>;
}

/** What a store remembers of an extraction. */
export interface KnownExtraction {
  readonly extraction: Extraction;
  readonly closing: Closing;
}

/** The steps of one store. All reject with `SinkError`, the last with `MarkInterrupted` too. */
export interface RunSteps<K extends KnownExtraction> {
  /** Ends purges that are not over: purging was switched off meanwhile. */
  abandon(abort: AbortSignal): Promise<void>;
  /** Extractions that did not come to their end, the oldest first. */
  unfinished(abort: AbortSignal): Promise<readonly K[]>;
  find(extraction: Extraction, abort: AbortSignal): Promise<K | undefined>;
  /** True when an extraction that began later is remembered. */
  isSuperseded(extraction: Extraction, abort: AbortSignal): Promise<boolean>;
  /** Remembers an extraction that closes nothing. */
  noteOlder(extraction: Extraction, closing: Closing, abort: AbortSignal): Promise<void>;
  /** Empties the ledger: the next record begins the next run. */
  startOver(abort: AbortSignal): Promise<void>;
  /** Keys of the run under way, and its dead letters. */
  readRun(abort: AbortSignal): Promise<{ readonly seen: number; readonly deadLettered: number }>;
  /** Ends the run under way: what is written from now on belongs to the next. */
  closeRun(extraction: Extraction, declared: number | undefined, abort: AbortSignal): Promise<K>;
  /** From wherever an extraction stands to its end. */
  goOn(known: K, context: MarkContext): Promise<Closing>;
}

/** Between two looks at a ledger that is not complete yet, in milliseconds. */
const pollMs = 250;

/** `type` is what the producer calls the records in its counts. */
export async function completeRun<K extends KnownExtraction>(
  steps: RunSteps<K>,
  signal: ExtractionComplete,
  type: string,
  settings: PurgeSettings,
  context: MarkContext,
): Promise<Closing> {
  const { abort } = context;
  const declared = signal.counts[type];
  const extraction = extractionOf(signal);
  if (settings.mode !== 'purge') await steps.abandon(abort);
  for (const known of await steps.unfinished(abort)) {
    const closing = await steps.goOn(known, context);
    if (extraction !== undefined && same(known.extraction, extraction)) return closing;
  }
  if (extraction === undefined) {
    await steps.startOver(abort);
    return skip('unidentified', declared);
  }
  const before = await steps.find(extraction, abort);
  if (before !== undefined) return before.closing;
  if (await steps.isSuperseded(extraction, abort)) {
    // The run under way belongs to somebody else: its ledger is left alone.
    const closing = skip('older', declared);
    await steps.noteOlder(extraction, closing, abort);
    return closing;
  }
  await settled(steps, declared, settings.patienceMs, context);
  return steps.goOn(await steps.closeRun(extraction, declared, abort), context);
}

/**
 * Other replicas may still hold records that were delivered before the signal. Waits while keys keep coming, until there are
 * enough; a run with dead letters is not waited for, because it is skipped whatever comes.
 */
async function settled<K extends KnownExtraction>(
  steps: RunSteps<K>,
  declared: number | undefined,
  patienceMs: number,
  { abort, draining }: MarkContext,
): Promise<void> {
  let best = -1;
  let since = performance.now();
  while (declared !== undefined) {
    const { seen, deadLettered } = await steps.readRun(abort);
    if (seen >= declared || deadLettered > 0) return;
    if (seen > best) {
      best = seen;
      since = performance.now();
    }
    if (performance.now() - since >= patienceMs) return;
    await delay(pollMs, AbortSignal.any([abort, draining]));
    if (draining.aborted || abort.aborted) throw new MarkInterrupted();
  }
}

function same(a: Extraction, b: Extraction): boolean {
  return a.version === b.version && a.startedAt.getTime() === b.startedAt.getTime();
}

function skip(why: 'unidentified' | 'older', declared: number | undefined): Closing {
  const none = { declared, seen: 0, stored: 0, vanished: 0, purged: 0, repeated: false };
  return { is: 'skipped', why, reason: skipReasons[why], ...none };
}
