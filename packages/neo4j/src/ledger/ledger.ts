/**
 * The ledger of one label: which keys the run under way brought, and the purge of what a completed run did not bring.
 *
 *     run under way ── extraction_complete ──▶ judging ──▶ purging, list by list ──▶ purged
 *                                                └──▶ reported · skipped
 *
 * Each state is durable, so the signal, delivered again after a crash, goes on there. What must stay true: a batch's keys
 * are in the ledger when its records are committed, and not sooner; a node is deleted under its lock, after the ledger was
 * asked once more; a writer that might have found it unchanged has locked it as well (`careful`), or ended before.
 */
import {
  type Closing,
  completeRun,
  delay,
  failpoint,
  failpointsArmed,
  type MarkContext,
  MarkInterrupted,
  type PurgeSettings,
  type RunLedger,
  type RunSteps,
  skipReasons,
} from '@inator/runtime';
import type { Neo4j } from '../driver.ts';
import { classify } from '../faults.ts';
import type { GraphShape } from '../shape.ts';
import type { Transaction } from '../transaction.ts';
import { judge } from './judge.ts';
import {
  closeRun,
  condemn,
  isSuperseded,
  type Known,
  noteOlder,
  readExtraction,
  readRun,
  readUnfinished,
  settle,
} from './nodes.ts';
import { createPurge } from './purge.ts';

export interface Ledger extends RunLedger {
  /** The label whose ledger it is. */
  readonly of: string;
  /** Makes the node that says which run is under way; its constraint must be there. */
  prepare(signal: AbortSignal): Promise<void>;
}

export interface LedgerSettings extends PurgeSettings {
  /**
   * How long a writer's transaction can live, in any replica: after so long every writer works carefully. Default: as
   * long as one of ours.
   */
  readonly transactionMs?: number;
}

/** Entries deleted a transaction, of a few thousand bytes each. */
const entriesAtOnce = 500;

/** `type` is what the producer calls the records in its counts. */
export function createLedger<R>(neo4j: Neo4j, shape: GraphShape<R>, type: string, settings: LedgerSettings): Ledger {
  const of = shape.labels[shape.primary]?.label ?? '';
  const transactionMs = settings.transactionMs ?? neo4j.transactionMs;
  const purgeChunk = createPurge(of, shape);

  const transact =
    (abort: AbortSignal) =>
    <T>(work: (transaction: Transaction) => Promise<T>) =>
      inOne(neo4j, work, abort);

  /** Deletes list by list; `fenceAt` is when the last writer that is not careful has ended. */
  const purge = async (known: Known, fenceAt: number, { abort, draining }: MarkContext): Promise<Closing> => {
    const run = transact(abort);
    await forget(run, of, 's.counted = true');
    await delay(Math.max(0, fenceAt - performance.now()), AbortSignal.any([abort, draining]));
    let { purged } = known.closing;
    for (;;) {
      if (draining.aborted || abort.aborted) throw new MarkInterrupted();
      if (failpointsArmed) await failpoint('purge-chunk');
      try {
        const gone = await run((transaction) => purgeChunk(transaction, known));
        if (gone === undefined) break;
        purged += gone;
      } catch (error) {
        const refusal = classify(error);
        const forbidden = refusal.fault.native?.startsWith('Neo.ClientError.Security.Forbidden') === true;
        if (!forbidden) throw refusal;
        const reason = `${skipReasons['store-refused']}: ${refusal.fault.reason}`;
        const closing: Closing = { ...known.closing, is: 'skipped', why: 'store-refused', reason, purged };
        return finish(known, 'skipped', closing, abort);
      }
    }
    return finish(known, 'purged', { ...known.closing, purged }, abort);
  };

  const finish = async (
    known: Known,
    state: 'purged' | 'skipped' | 'reported',
    closing: Closing,
    abort: AbortSignal,
  ): Promise<Closing> => {
    const run = transact(abort);
    await forget(run, of, 's.run <= $run', known.run);
    await run((transaction) => settle(transaction, of, known.extraction, state, closing));
    return { ...closing, repeated: false };
  };

  /** From wherever an extraction stands to its end. */
  const goOn = async (known: Known, context: MarkContext): Promise<Closing> => {
    const { abort, draining } = context;
    const fenceAt = performance.now() + transactionMs;
    const judged =
      known.state === 'judging'
        ? await judge(
            {
              of,
              shape,
              settings,
              transact: transact(abort),
              pause() {
                if (draining.aborted || abort.aborted) throw new MarkInterrupted();
              },
            },
            known,
          )
        : known;
    if (judged.state === 'purging') return purge(judged, fenceAt, context);
    if (judged.state === 'judging') throw new RangeError('a judged extraction is still being judged');
    return finish(judged, judged.state, judged.closing, abort);
  };

  const steps: RunSteps<Known> = {
    abandon: (abort) => abandon(transact(abort), of),
    unfinished: (abort) => transact(abort)((transaction) => readUnfinished(transaction, of)),
    find: (extraction, abort) => transact(abort)((transaction) => readExtraction(transaction, of, extraction)),
    isSuperseded: (extraction, abort) => transact(abort)((transaction) => isSuperseded(transaction, of, extraction)),
    noteOlder: (extraction, closing, abort) =>
      transact(abort)((transaction) => noteOlder(transaction, of, extraction, closing)),
    startOver: (abort) => startOver(transact(abort), of),
    readRun: (abort) => transact(abort)((transaction) => readRun(transaction, of)),
    closeRun: (extraction, declared, abort) =>
      transact(abort)((transaction) => closeRun(transaction, of, extraction, declared)),
    goOn,
  };

  return {
    of,

    async prepare(signal) {
      await transact(signal)((transaction) => transaction.run('MERGE (:InatorRun {of: $of})', { of }));
    },

    condemn: (abort) => transact(abort)((transaction) => condemn(transaction, of)),

    complete: (signal, context) => completeRun(steps, signal, type, settings, context),
  };
}

type Transact = <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T>;

async function inOne<T>(neo4j: Neo4j, work: (transaction: Transaction) => Promise<T>, signal: AbortSignal): Promise<T> {
  const transaction = await neo4j.begin({ signal });
  try {
    const result = await work(transaction);
    await transaction.commit();
    return result;
  } finally {
    await transaction.rollback();
  }
}

/** Deletes entries of the ledger, a slice a transaction. */
async function forget(run: Transact, of: string, which: string, number = 0n): Promise<void> {
  const text = `MATCH (s:InatorSeen {of: $of}) WHERE ${which} WITH s LIMIT toInteger($limit) DELETE s RETURN count(*) AS n`;
  for (;;) {
    const parameters = { of, run: number, limit: entriesAtOnce };
    const { rows } = await run((transaction) => transaction.run(text, parameters));
    if (Number(rows[0]?.n ?? 0) < entriesAtOnce) return;
  }
}

async function startOver(run: Transact, of: string): Promise<void> {
  await run((transaction) => transaction.run('MATCH (run:InatorRun {of: $of}) REMOVE run.deadLettered', { of }));
  await forget(run, of, 'true');
}

async function abandon(run: Transact, of: string): Promise<void> {
  await run((transaction) =>
    transaction.run(
      `MATCH (x:InatorExtraction {of: $of, state: 'purging'})
SET x.state = 'skipped', x.why = 'switched-off', x.reason = $reason, x.finishedAt = datetime()
WITH x OPTIONAL MATCH (run:InatorRun {of: $of}) SET run.careful = false`,
      { of, reason: skipReasons['switched-off'] },
    ),
  );
}

/**
 * What must be done where a ledger was once kept and is not any more: a list of keys to purge, or half a ledger, must not
 * be there when it is switched on again, because nobody knows what came meanwhile.
 */
export async function dropLedger<R>(neo4j: Neo4j, shape: GraphShape<R>, signal: AbortSignal): Promise<void> {
  const of = shape.labels[shape.primary]?.label ?? '';
  const run: Transact = (work) => inOne(neo4j, work, signal);
  const { rows } = await run((transaction) =>
    transaction.run('OPTIONAL MATCH (run:InatorRun) WHERE run.of = $of RETURN run IS NOT NULL AS there', { of }),
  );
  if (rows[0]?.there !== true) return;
  const reason = skipReasons['switched-off'];
  await run((transaction) =>
    transaction.run(
      `MATCH (x:InatorExtraction {of: $of}) WHERE x.state IN ['judging', 'purging']
SET x.state = 'skipped', x.why = 'switched-off', x.reason = $reason, x.finishedAt = datetime()`,
      { of, reason },
    ),
  );
  await startOver(run, of);
  await run((transaction) => transaction.run('MATCH (run:InatorRun {of: $of}) DELETE run', { of }));
}
