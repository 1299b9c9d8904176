/**
 * Binary COPY into the table itself, for keys that it does not hold: no stage, no merge, and the server writes whole pages
 * of rows at a time. Measured against stage and merge it takes the database a third less processor time a record.
 *
 * What must stay true:
 * - COPY has no ON CONFLICT. Somebody else may have stored a key since it was asked for: then the unique index refuses
 *   the COPY, all of it is rolled back, and the batch goes through the stage.
 * - Rows of a refused COPY stay in the table as dead rows until vacuum. So it is not tried again soon after a failure:
 *   that is the sink's to remember.
 */
import { type Counts, failpoint, failpointsArmed, fault, noCounts, SinkError } from '@inator/runtime';
import { classify } from '../faults/classify.ts';
import { copyIn } from './copy-in.ts';
import { commit, type WriteContext } from './path.ts';

/** What COPY into the table met, and the stage does not meet or handles. */
class InTheWay extends Error {}

export function isInTheWay(error: unknown): boolean {
  return error instanceof InTheWay;
}

/** Writes records with absent keys, one a key; `last` commits. Throws what `isInTheWay` knows, or a `SinkError`. */
export async function copyStraight<R>(context: WriteContext<R>, last: boolean): Promise<Counts> {
  const { lease, batch, sql, encoder, bytes, clock } = context;
  const { records } = batch;
  bytes.at = 0;
  encoder.copy(bytes, records, true);
  if (failpointsArmed) await failpoint('before-copy');
  let taken: number;
  try {
    const text = `${sql.begin}; ${sql.straight}`;
    taken = await copyIn(lease, text, bytes.buffer.subarray(0, bytes.at), () => clock.mark('stage'));
  } catch (error) {
    const found = classify(error, { stage: 'copy', copied: sql.table.name });
    if (found.is === 'unavailable') throw found;
    // An error without a place is not of a row by itself: row security, say. The merge may be free of it, or says its own.
    throw found.culprit === undefined || isOfAnIndex(error) ? new InTheWay() : found;
  }
  clock.mark('copy');
  if (taken !== records.length) {
    const reason = `table "${sql.table.name}" took ${records.length - taken} of ${records.length} records without storing them: a trigger or rule`;
    throw new SinkError('misconfigured', fault('store-misconfigured', 'copy', reason));
  }
  if (sql.enterSeen !== undefined) await lease.query(sql.enterSeen, [records.map(({ key }) => key)]);
  if (last) await commit(context);
  return { ...noCounts, created: records.length };
}

/** Unique and exclusion violations: COPY tells a line for them as well, but they are of two rows. */
function isOfAnIndex(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return code === '23505' || code === '23P01';
}
