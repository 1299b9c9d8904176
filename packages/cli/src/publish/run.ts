/** All inputs of one `publish`, one after the other. */
import { recordTypes } from '@inator/discogs';
import { counted } from '../io.ts';
import { extractionCompleteBody } from './completion.ts';
import { openRejects, type PublishedFile, type PublishWorld, publishFile } from './file.ts';
import type { Plan, PublishOptions } from './plan.ts';
import { announce } from './pump.ts';
import { createRate } from './rate.ts';
import { type RunSummary, summarise } from './summary.ts';

export interface PublishResult {
  readonly summary: RunSummary;
  /** Records of the last file that the same command would pass over; undefined where it starts at the beginning. */
  readonly resumesAfter: number | undefined;
  readonly failure: { readonly error: unknown } | undefined;
}

/**
 * Whether the run ends with `extraction_complete`: on request, and by default only where it is true for certain: the
 * XML dumps of all kinds of record were published to their ends.
 */
function isExtraction(files: readonly PublishedFile[], options: PublishOptions): boolean {
  if (files.some(({ summary }) => summary.ended !== 'complete' && summary.ended !== 'before')) return false;
  if (options.complete !== undefined) return options.complete;
  return recordTypes.every((type) => files.some(({ plan }) => plan.type === type && plan.format === 'xml'));
}

/**
 * Records by kind, as `extraction_complete` declares them. A kind of which anything was refused is left out: its rows are
 * not in the ledgers of this run, and where a count is declared, keys that came another way could make up for them. What
 * is not declared is never purged.
 */
function declarable(files: readonly PublishedFile[]): {
  readonly counts: Readonly<Record<string, number>>;
  readonly refused: ReadonlyMap<string, number>;
} {
  const counts: Record<string, number> = {};
  const refused = new Map<string, number>();
  for (const { plan, total } of files) {
    if (plan.type === undefined) continue;
    counts[plan.type] = (counts[plan.type] ?? 0) + total.published;
    if (total.refused > 0) refused.set(plan.type, (refused.get(plan.type) ?? 0) + total.refused);
  }
  for (const type of refused.keys()) delete counts[type];
  return { counts, refused };
}

/** False when it was interrupted. */
async function announceExtraction(
  files: readonly PublishedFile[],
  startedAt: Date,
  options: PublishOptions,
  world: PublishWorld,
): Promise<boolean> {
  const { counts, refused } = declarable(files);
  const names = files.map(({ plan }) => plan.name);
  const body = extractionCompleteBody(counts, names, startedAt);
  for (const exchange of new Set(files.map(({ plan }) => plan.exchange))) {
    const outlet = await world.outletOf(exchange);
    if (!(await announce(outlet, exchange, body, options.allowUnroutable, world.signal))) return false;
  }
  for (const [type, records] of refused) {
    world.warn(
      `${counted(records, 'record')} of ${type} refused: extraction_complete declares no number of ${type}, so that no service purges them; publish all of them without a refusal first`,
    );
  }
  return true;
}

/** Publishes what was planned. The first failure ends the run; what was confirmed before stays confirmed and saved. */
export async function publishAll(
  plans: readonly Plan[],
  options: PublishOptions,
  world: PublishWorld,
): Promise<PublishResult> {
  const startedAt = new Date();
  const started = performance.now();
  const rate = options.rate === undefined ? undefined : createRate(options.rate);
  const [first] = plans;
  const shared = options.rejects === undefined || first === undefined ? undefined : openRejects(first.places, world);
  const files: PublishedFile[] = [];
  let failure: PublishResult['failure'];
  let ended: RunSummary['ended'] = 'complete';
  try {
    for (const plan of plans) {
      if (world.signal.aborted) break;
      const file = await publishFile(plan, options, world, { rate, shared });
      files.push(file);
      if (file.failure !== undefined) throw file.failure.error;
    }
    const announced =
      world.signal.aborted ||
      options.dryRun ||
      !isExtraction(files, options) ||
      (await announceExtraction(files, startedAt, options, world));
    if (world.signal.aborted || !announced) ended = 'interrupted';
    else {
      // Only now: until every file is done, the state of a finished one keeps it from being published twice.
      for (const file of files) await file.state?.remove();
    }
  } catch (error) {
    failure = { error };
    ended = 'failed';
  }
  try {
    await shared?.close();
  } catch (error) {
    failure ??= { error };
    ended = 'failed';
  }
  const milliseconds = performance.now() - started;
  const summary = summarise(
    files.map((file) => file.summary),
    { dryRun: options.dryRun, ended, milliseconds },
  );
  return { summary, resumesAfter: files.at(-1)?.saved?.published, failure };
}
