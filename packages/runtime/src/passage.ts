/** What becomes of one sealed batch: written through the layers, settled, told of. */

import type { Batch } from './batch.ts';
import type { LaneCore } from './core.ts';
import type { LaneEvents } from './events.ts';
import { failpoint, failpointsArmed } from './failpoint.ts';
import type { Loan } from './intake.ts';
import { LetGo, type Write, type WriteContext } from './layers/write.ts';
import type { Settlement } from './settlement.ts';
import { asSinkError } from './sink.ts';
import { publishedAge, type Surround } from './surround.ts';
import type { Sealed, Writer } from './writer.ts';

/** Writes and settles one batch; whatever happens, it resolves. */
export type Passage<R> = (sealed: Sealed<R>, writer: Writer<R>) => Promise<void>;

export interface PassageParts<R> {
  readonly core: LaneCore;
  readonly queue: string;
  /** The sink within its layers. */
  readonly write: Write<R>;
  readonly settlement: Settlement;
  readonly around: Surround | undefined;
  /** The batch is durable, since `at` on the wall clock; nothing of it is settled yet. */
  committed(at: number): void;
  /** The batch is durable, since `committed` of `performance.now()`, and settled. */
  written(batch: Batch<R>, committed: number): void;
  /** Gives the session back: the broker delivers what is not settled again. */
  end(from: Loan): Promise<void>;
}

export function createPassage<R>(parts: PassageParts<R>): Passage<R> {
  const { core, around } = parts;
  const { events, name } = core;
  /** By writer: what its batch is made of. */
  const writing = new Map<number, Sealed<R>['deliveries']>();
  /** How often the record in hand that came most often was delivered before. */
  const mostReturns = (): number => {
    const counts = [...writing.values()].flatMap((deliveries) => deliveries.map(({ deliveryCount }) => deliveryCount));
    return counts.reduce((most, count) => Math.max(most, count), 0);
  };

  async function writeBatch(sealed: Sealed<R>, writer: Writer<R>): Promise<void> {
    const { batch, deliveries, loan: from, oldestAt } = sealed;
    const returned = (why: LaneEvents['batch.returned']['why']): void => {
      const found = core.holding.get(writer.index);
      events.emit('batch.returned', {
        lane: name,
        writer: writer.index,
        records: deliveries.length,
        why,
        fault: found,
      });
    };
    if (from.gone.signal.aborted) {
      returned('gone');
      return;
    }
    const began = performance.now();
    const progress = { attempts: 0 };
    writing.set(writer.index, deliveries);
    try {
      const receipt = await parts.write(batch, contextOf(core, from, writer, batch.records.length, progress));
      const committed = performance.now();
      const { acquire } = receipt.phases;
      if (acquire !== undefined) writer.accounting.move('writing', 'waiting', acquire);
      writer.accounting.enter('settling');
      const committedAt = Date.now();
      parts.committed(committedAt);
      core.totals.batches += 1;
      for (const count of ['created', 'updated', 'unchanged', 'stale', 'collapsed'] as const)
        core.totals[count] += receipt.counts[count];
      if (failpointsArmed) await failpoint('after-commit');
      const refused = await parts.settlement.settle(from, deliveries, batch.records, receipt.outcomes);
      parts.written(batch, committed);
      events.emit('batch.written', {
        lane: name,
        writer: writer.index,
        records: batch.records.length,
        bytes: batch.bytes,
        sealedBy: batch.sealedBy,
        attempts: progress.attempts,
        durationMs: committed - began,
        ageMs: committed - oldestAt,
        publishedAgeMs: publishedAge(deliveries, committedAt),
        receipt,
        refused,
      });
    } catch (error) {
      const letGo = error instanceof LetGo ? error.why : undefined;
      // The layers turn everything a sink throws into a verdict; anything else that gets here is a defect in them.
      // Nothing is settled, and the session is given back, so that the broker delivers the records again.
      if (letGo === undefined) events.emit('defect', { lane: name, fault: asSinkError(error).fault, error });
      returned(letGo ?? 'defect');
      if (letGo === undefined || letGo === 'timeout') {
        core.doubt = {
          fault: core.holding.get(writer.index) ?? asSinkError(error).fault,
          returns: mostReturns() + 1,
        };
        await parts.end(from);
      }
    } finally {
      writing.delete(writer.index);
      if (core.holding.delete(writer.index)) core.refresh();
    }
  }

  if (around === undefined) return writeBatch;
  return (sealed, writer) =>
    around(
      { lane: name, queue: parts.queue, writer: writer.index, batch: sealed.batch, deliveries: sealed.deliveries },
      () => writeBatch(sealed, writer),
    );
}

/** What one batch's write tells of itself. */
function contextOf<R>(
  core: LaneCore,
  from: Loan,
  writer: Writer<R>,
  records: number,
  progress: { attempts: number },
): WriteContext {
  const { events, name } = core;
  return {
    abort: core.abort.signal,
    gone: from.gone.signal,
    draining: core.stopping.signal,
    attempt() {
      progress.attempts += 1;
      if (progress.attempts > 1) core.totals.retries += 1;
      writer.accounting.enter('writing');
    },
    held(fault, attempt, delayMs) {
      writer.accounting.enter('holding');
      core.holding.set(writer.index, fault);
      events.emit('batch.held', { lane: name, writer: writer.index, records, fault, attempt, delayMs });
      core.refresh();
    },
    released(heldMs) {
      core.holding.delete(writer.index);
      events.emit('batch.released', { lane: name, writer: writer.index, heldMs });
      core.refresh();
    },
    split(size, fault, named) {
      events.emit('batch.split', { lane: name, writer: writer.index, records: size, fault, named });
    },
  };
}
