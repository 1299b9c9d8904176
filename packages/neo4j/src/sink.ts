/**
 * The graph as a place where batches land.
 *
 * One explicit transaction a batch: read what the store holds of the batch's keys, without locks; lock and read again
 * only the nodes that will be rewritten; write nodes and relationships; take back what is asserted no longer; commit.
 * Of a batch that brings nothing new, only the first step runs.
 *
 * What stands in the graph afterwards does not depend on how records were cut into batches:
 * - a relationship with one owner is touched only by writers that hold the lock of its owner's node, so it may be
 *   created without looking, once its absence was read under that lock;
 * - a relationship that both ends assert carries who does, and goes with the last;
 * - shared nodes and relationships are only ever added.
 *
 * The record's node carries `sha256` and, where versions exist, `seq`. Taking `sha256` away from a node makes the next
 * arrival of its record write it anew, relationships included. Properties that a model does not name are left alone.
 */
import {
  type Batch,
  type Clock,
  failpoint,
  failpointsArmed,
  type GraphModel,
  noPurge,
  type Receipt,
  type Sink,
  SinkError,
  startClock,
} from '@inator/runtime';
import {
  assumed,
  heldEdge,
  type Judged,
  type LockedRow,
  lost,
  onlyRow,
  raced,
  receipt,
  type Sightings,
  sighted,
} from './answers.ts';
import { askedOf, assemble, type Held, type Plan, rewrites } from './assemble.ts';
import type { TurnEnd } from './concurrency.ts';
import { blame } from './culprit.ts';
import type { Neo4j } from './driver.ts';
import { classify } from './faults.ts';
import { createLedger, dropLedger, type LedgerSettings } from './ledger/ledger.ts';
import { ledgerLabels } from './ledger/nodes.ts';
import { ledgerStatement } from './ledger/statements.ts';
import { createPropertyNames } from './names.ts';
import { createOutlook, type FirstLook } from './outlook.ts';
import { constraint, createRestarts, deadlock } from './restarts.ts';
import { prepareSchema } from './schema.ts';
import { shapeOf } from './shape.ts';
import {
  asParameters,
  keepingPlan,
  lockStatement,
  pruneStatement,
  readStatement,
  writeStatement,
} from './statements.ts';
import type { Transaction } from './transaction.ts';
import { hashFault, keyFault, seqFault } from './values.ts';
import { type Candidate, judge, reduce, ties } from './version.ts';

/** For planning all statements of a model on a cold server; 50 s were seen on an overloaded one. */
const planningMs = 180_000;

export interface GraphSinkOptions {
  /**
   * Tries of one batch before it is handed back as `unavailable`, default 5. Only what a fresh start mends at once is
   * tried here: a deadlock, or another writer having made or deleted a node in between.
   */
  readonly attempts?: number | undefined;
  /** Keep a ledger of the keys seen, and what to do with what a complete extraction did not bring. Default: off. */
  readonly purge?: LedgerSettings | undefined;
}

export interface GraphSinkStats {
  /** Fresh starts within `write`, by Neo4j's code, or `raced` when another writer was found to have been faster. */
  readonly restarts: Readonly<Record<string, number>>;
}

export interface GraphSink<R> extends Sink<R> {
  stats(): GraphSinkStats;
}

/**
 * Writes the records of `model` into the graph. `neo4j` belongs to the caller: closing the sink does not close it.
 * Throws `SinkError` `misconfigured` when the model contradicts itself.
 */
export function createGraphSink<R>(neo4j: Neo4j, model: GraphModel<R>, options: GraphSinkOptions = {}): GraphSink<R> {
  const attempts = options.attempts ?? 5;
  const shape = shapeOf(model);
  const names = createPropertyNames(shape);
  const purge = options.purge ?? noPurge;
  const ledger = purge.mode === 'off' ? undefined : createLedger(neo4j, shape, model.name, purge);
  const readText = keepingPlan(ledger === undefined ? readStatement(shape) : ledgerStatement(readStatement(shape)));
  const lockText = keepingPlan(lockStatement(shape));
  const pruneTexts = shape.owned.map((group) => keepingPlan(pruneStatement(shape, group)));
  let writeText = '';
  let writeNames = -1;
  const restarts: Record<string, number> = {};
  const outlook = createOutlook();

  /** Planned anew only when a property name was seen for the first time. */
  const currentWriteText = (): string => {
    const known = names.lists.reduce((sum, list) => sum + list.length, 0);
    if (known !== writeNames) {
      writeText = keepingPlan(writeStatement(shape, names.lists));
      writeNames = known;
    }
    return writeText;
  };

  const read = async (transaction: Transaction, candidates: readonly Candidate<R>[]): Promise<Sightings<R>> => {
    const asked = askedOf(candidates);
    const values = ledger === undefined ? asked : { ...asked, of: ledger.of };
    return sighted(candidates, await transaction.run(readText, asParameters(values)));
  };

  /** Locks the nodes of those that have one; the others are absent. */
  const lock = async (
    transaction: Transaction,
    wanted: readonly Candidate<R>[],
  ): Promise<{ readonly held: readonly Held<R>[]; readonly absent: readonly Candidate<R>[] }> => {
    const held: Held<R>[] = [];
    const absent: Candidate<R>[] = [];
    if (wanted.length === 0) return { held, absent };
    const { rows } = await transaction.run(lockText, asParameters({ keys: wanted.map(({ key }) => key) }));
    const parts = rows as readonly { readonly part: readonly LockedRow[] }[];
    const byKey = new Map(parts.flatMap(({ part }) => part).map((row) => [row[0], row]));
    for (const candidate of wanted) {
      const row = byKey.get(candidate.key);
      if (row === undefined) {
        absent.push(candidate);
        continue;
      }
      const [, hash, seq, groups] = row;
      const edges = shape.owned.map(({ owner, twoSided }, i) =>
        (groups[i] ?? []).map((edge) => heldEdge(edge, owner, twoSided)),
      );
      held.push({ candidate, verdict: judge({ hash, seq }, candidate), tied: ties({ hash, seq }, candidate), edges });
    }
    return { held, absent };
  };

  const writeOnce = async (
    batch: Batch<R>,
    candidates: readonly Candidate<R>[],
    look: FirstLook,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<Receipt> => {
    let plan: Plan | undefined;
    const transaction = await neo4j.begin({ signal });
    clock.mark('acquire');
    try {
      const { sightings, careful } =
        look === 'ask' ? await read(transaction, candidates) : assumed(candidates, look === 'lock');
      clock.mark('read');
      const changing = sightings.filter(
        ({ verdict, exists }) => (verdict !== 'unchanged' && verdict !== 'stale') || (careful && exists),
      );
      if (changing.length === 0) {
        // What was not to be written is seen all the same.
        if (ledger !== undefined) await transaction.commit();
        outlook.found({ keys: candidates.length, absent: 0, changed: 0 });
        return receipt(batch, sightings, clock, []);
      }

      if (failpointsArmed) await failpoint('before-copy');
      const { held, absent } = await lock(
        transaction,
        changing.filter(({ exists }) => exists).map(({ candidate }) => candidate),
      );
      if (look === 'ask' && absent.length > 0) raced('another writer deleted a node');
      clock.mark('read');
      const fresh = [...changing.filter(({ exists }) => !exists).map(({ candidate }) => candidate), ...absent];
      const final = new Map<string, Judged>(sightings.map((sighting) => [sighting.candidate.key, sighting]));
      for (const each of held) final.set(each.candidate.key, each);
      for (const { key } of absent) final.set(key, { verdict: 'create', tied: false });
      const judged = [...final.values()];
      const changed = held.filter(({ verdict }) => rewrites(verdict) || verdict === 'advance').length;
      const found = { keys: candidates.length, absent: fresh.length, changed };
      if (ledger === undefined && fresh.length + changed === 0) {
        outlook.found(found);
        return receipt(batch, judged, clock, []);
      }

      plan = assemble(shape, names, fresh, held);
      const written = await transaction.run(currentWriteText(), asParameters(plan.lists));
      clock.mark('nodes');
      const { later, rewritten } = onlyRow(written) as Record<'later' | 'rewritten', bigint>;
      if (rewritten !== BigInt(plan.rewritten) || later !== BigInt(plan.later)) raced('another writer deleted a node');
      if (written.relationshipsCreated < plan.creates) throw lost(plan.creates, written.relationshipsCreated);
      const answers = [written];
      if (failpointsArmed) await failpoint('mid-copy');
      for (const [i, gone] of plan.gone.entries()) {
        if (gone.length > 0) answers.push(await transaction.run(pruneTexts[i] ?? '', asParameters({ gone })));
      }
      clock.mark('edges');
      if (failpointsArmed) await failpoint('before-commit');
      await transaction.commit(failpointsArmed ? () => failpoint('commit-sent') : undefined);
      clock.mark('commit');
      if (failpointsArmed) await failpoint('after-commit');
      outlook.found(found);
      return receipt(batch, judged, clock, answers);
    } catch (thrown) {
      throw blame(classify(thrown), shape, names, plan);
    } finally {
      await transaction.rollback();
    }
  };

  const writeInTurn: typeof writeOnce = async (batch, candidates, look, clock, signal) => {
    const turn = await neo4j.concurrency.enter(signal);
    let end: TurnEnd = 'failed';
    try {
      const written = await writeOnce(batch, candidates, look, clock, signal);
      end = 'passed';
      return written;
    } catch (thrown) {
      if (classify(thrown).fault.native === deadlock) end = 'deadlocked';
      throw thrown;
    } finally {
      turn.leave(end);
    }
  };

  /**
   * Runs every statement once on nothing. A server that has just started takes seconds to plan the writing one, on a busy
   * machine tens of seconds: the writers would each plan it, side by side, inside the time of their first transaction.
   */
  const planAhead = async (signal: AbortSignal): Promise<void> => {
    const transaction = await neo4j.begin({ signal, timeoutMs: planningMs });
    try {
      await read(transaction, []);
      await transaction.run(lockText, asParameters({ keys: [] }));
      await transaction.run(currentWriteText(), asParameters(assemble(shape, names, [], []).lists));
      for (const text of pruneTexts) await transaction.run(text, asParameters({ gone: [] }));
    } catch (thrown) {
      throw classify(thrown);
    } finally {
      await transaction.rollback();
    }
  };

  return {
    async open(signal) {
      await prepareSchema(neo4j, ledger === undefined ? shape.labels : [...shape.labels, ...ledgerLabels], signal);
      await (ledger === undefined ? dropLedger(neo4j, shape, signal) : ledger.prepare(signal));
      await planAhead(signal);
    },

    async write(batch, signal) {
      batch.records.forEach(({ key, hash, seq }, culprit) => {
        const wrong = keyFault(key) ?? hashFault(hash) ?? seqFault(seq);
        if (wrong !== undefined) throw new SinkError('refused', wrong, { culprit });
      });
      const candidates = reduce(batch.records);
      const clock = startClock();
      const again = createRestarts(attempts, shape, restarts);
      let look = ledger === undefined ? outlook.next() : 'ask';
      for (;;) {
        try {
          const written = await writeInTurn(batch, candidates, look, clock, signal);
          return again.count === 0 ? written : { ...written, restarts: again.count };
        } catch (thrown) {
          const error = classify(thrown);
          if (look === 'create' && error.fault.native === constraint) {
            // Nobody was in the way: there was only no question. If it is another constraint, it will say so again.
            outlook.wrong();
            look = 'ask';
          } else await again.after(error, signal);
        }
      }
    },

    async mark(signal, _model, context) {
      return signal.is === 'extraction_complete' ? ledger?.complete(signal, context) : undefined;
    },

    ...(ledger === undefined ? {} : { condemn: (abort: AbortSignal) => ledger.condemn(abort) }),

    check: (signal) => neo4j.check(signal),

    async close() {},

    stats: () => ({ restarts: { ...restarts } }),
  };
}
