/**
 * Finds the record at fault, so that a bad record costs one record. Three ways, cheapest first: the store names the
 * culprit; the model's strict check proves which records are bad, all of them at once; bisection.
 *
 * Parts of a batch are written one after the other, in order of arrival, so versions of a key never overtake each other;
 * a record that may be too slow is put off behind the others, and the later versions of its key with it.
 * Parts commit apart: a stop midway leaves neighbours written and unacked, which is harmless because writes are idempotent.
 */
import type { Batch } from '../batch.ts';
import type { Fault } from '../fault.ts';
import { fault } from '../fault.ts';
import { addCounts, type Counts, noCounts, type Outcome, type Receipt, SinkError, stored } from '../sink.ts';
import type { Brake, Trial } from './brake.ts';
import { PutOff, type Write, type WriteContext } from './write.ts';

export function isolate<R>(inner: Write<R>, brake: Brake): Write<R> {
  return async (batch, context) => {
    let receipt: Receipt;
    try {
      receipt = await inner(batch, context);
    } catch (error) {
      if (!(error instanceof SinkError)) throw error;
      const trial = brake.trial(batch.records.length);
      try {
        return await resolve(inner, trial, batch, context, error);
      } finally {
        trial.close();
      }
    }
    const refused = receipt.outcomes.flatMap((outcome, index) =>
      outcome.is === 'refused' ? [{ index, outcome }] : [],
    );
    const [first] = refused;
    if (first === undefined) {
      brake.passed(batch.records.length);
      return receipt;
    }
    // The store has written the others already; what it says of these counts like any other refusal.
    context.split(batch.records.length, first.outcome.fault, true);
    const trial = brake.trial(batch.records.length);
    try {
      for (const { index, outcome } of refused) trial.refuse(index, outcome.fault);
      trial.commit();
    } finally {
      trial.close();
    }
    return receipt;
  };
}

/** A part of the batch still to be written: indices into the whole. */
type Part = readonly number[];

async function resolve<R>(
  inner: Write<R>,
  trial: Trial,
  batch: Batch<R>,
  context: WriteContext,
  first: SinkError,
): Promise<Receipt> {
  const outcomes: Outcome[] = new Array(batch.records.length).fill(stored);
  const condemn = (index: number, found: Fault, attempts: number): void => {
    trial.refuse(index, found);
    outcomes[index] = { is: 'refused', fault: found, attempts };
  };
  let counts: Counts = noCounts;
  let phases: Receipt['phases'] = {};
  let graph: Receipt['graph'];
  let restarts = 0;
  let examined = false;

  /** What is left of `part` after `error` has been dealt with, as parts to write in order. */
  const divide = (part: Part, error: SinkError): Part[] => {
    if (!examined && batch.model.examine !== undefined && error.is === 'refused') {
      examined = true;
      const left = part.filter((index) => {
        const record = batch.records[index];
        const found = record === undefined ? undefined : batch.model.examine?.(record.record);
        if (found !== undefined) condemn(index, found, 1);
        return found === undefined;
      });
      if (left.length < part.length) {
        context.split(part.length, error.fault, true);
        return left.length > 0 ? [left] : [];
      }
    }
    const culprit = error.is === 'refused' && error.culprit !== undefined ? part[error.culprit] : undefined;
    if (culprit !== undefined) {
      context.split(part.length, error.fault, true);
      condemn(culprit, error.fault, 1);
      const left = part.filter((index) => index !== culprit);
      return left.length > 0 ? [left] : [];
    }
    const [only] = part;
    if (part.length === 1 && only !== undefined) {
      const verdict =
        error.is === 'refused'
          ? error.fault
          : fault('suspect-condemned', error.fault.stage, error.fault.reason, { native: error.fault.native });
      condemn(only, verdict, error.is === 'refused' && !error.halve ? 2 : 5);
      return [];
    }
    context.split(part.length, error.fault, false);
    const middle = part.length >> 1;
    return [part.slice(0, middle), part.slice(middle)];
  };

  const parts: Part[] = divide(
    batch.records.map((_, index) => index),
    first,
  );
  const putOff = new Set<number>();
  while (parts.length > 0) {
    const part = parts.shift() as Part;
    const [first] = part;
    const others = parts.length > 0 && first !== undefined && !putOff.has(first);
    try {
      const receipt = await inner(sub(batch, part), others ? { ...context, others } : context);
      counts = addCounts(counts, receipt.counts);
      phases = addPhases(phases, receipt.phases);
      restarts += receipt.restarts ?? 0;
      if (receipt.graph !== undefined) graph = addGraph(graph, receipt.graph);
      for (const [at, outcome] of receipt.outcomes.entries()) {
        const index = part[at];
        if (outcome.is === 'refused' && index !== undefined) condemn(index, outcome.fault, outcome.attempts);
      }
    } catch (error) {
      if (error instanceof PutOff && first !== undefined) {
        putOff.add(first);
        parts.push(...behind(batch, first, parts.splice(0)));
      } else if (error instanceof SinkError) parts.unshift(...divide(part, error));
      else throw error;
    }
  }
  trial.commit();
  return {
    outcomes,
    counts,
    phases,
    ...(restarts === 0 ? {} : { restarts }),
    ...(graph === undefined ? {} : { graph }),
  };
}

/** The parts with this record behind them, and behind it the later versions of its key: they must not be overtaken. */
function behind<R>(batch: Batch<R>, slow: number, parts: readonly Part[]): Part[] {
  const key = batch.records[slow]?.key;
  const isLater = (index: number): boolean => batch.records[index]?.key === key;
  const before = parts.map((part) => part.filter((index) => !isLater(index)));
  return [...before, [slow], parts.flat().filter(isLater)].filter((part) => part.length > 0);
}

function sub<R>(batch: Batch<R>, part: Part): Batch<R> {
  if (part.length === batch.records.length) return batch;
  const records = part.flatMap((index) => batch.records[index] ?? []);
  return { ...batch, records, bytes: records.reduce((sum, record) => sum + record.bytes, 0) };
}

function addPhases(a: Receipt['phases'], b: Receipt['phases']): Receipt['phases'] {
  const sum: Record<string, number> = { ...a };
  for (const [phase, ms] of Object.entries(b)) sum[phase] = (sum[phase] ?? 0) + ms;
  return sum;
}

function addGraph(a: Receipt['graph'], b: NonNullable<Receipt['graph']>): NonNullable<Receipt['graph']> {
  return {
    nodesCreated: (a?.nodesCreated ?? 0) + b.nodesCreated,
    relationshipsCreated: (a?.relationshipsCreated ?? 0) + b.relationshipsCreated,
    relationshipsDeleted: (a?.relationshipsDeleted ?? 0) + b.relationshipsDeleted,
  };
}
