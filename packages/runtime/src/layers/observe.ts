/** Checks that a sink kept its word about every record. Silence can never mean success. */

import type { Batch } from '../batch.ts';
import { fault } from '../fault.ts';
import { type Receipt, SinkError } from '../sink.ts';
import type { Write } from './write.ts';

export function observe<R>(inner: Write<R>): Write<R> {
  return async (batch, context) => {
    const receipt = await inner(batch, context);
    verify(batch, receipt);
    return receipt;
  };
}

function verify<R>(batch: Batch<R>, receipt: Receipt): void {
  const { outcomes, counts } = receipt;
  if (outcomes.length !== batch.records.length) {
    throw defect(`${outcomes.length} outcomes for ${batch.records.length} records of ${batch.model.name}`);
  }
  let refused = 0;
  for (const outcome of outcomes) if (outcome.is === 'refused') refused += 1;
  const counted = counts.created + counts.updated + counts.unchanged + counts.stale + counts.collapsed;
  if (counted + refused !== batch.records.length) {
    throw defect(`${counted} counted and ${refused} refused of ${batch.records.length} records of ${batch.model.name}`);
  }
}

function defect(what: string): SinkError {
  return new SinkError('suspect', fault('defect', 'settle', `the sink did not account for every record: ${what}`));
}
