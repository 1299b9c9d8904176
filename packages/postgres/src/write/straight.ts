/**
 * Binary COPY into the table itself, for keys that it does not hold: no stage, no merge, and the server writes whole pages
 * of rows at a time. Measured against stage and merge it takes the database a quarter to a third less processor time a record.
 *
 * What must stay true:
 * - Binary COPY takes whatever bytes fit a column's type: into a column that somebody altered they might fit by accident.
 *   So the table's shape must be what it was at the opening, and a lock has kept it so since it was compared.
 * - COPY has no ON CONFLICT. Somebody else may have stored a key since it was asked for: then the unique index refuses
 *   the COPY, all of it is rolled back, and the batch goes through the stage.
 * - Nothing is condemned here. Whatever the server refuses goes through the stage, which gives the verdict and the culprit.
 * - Rows of a refused COPY stay in the table as dead rows until vacuum. So it is not tried again soon after a failure:
 *   that is the sink's to remember.
 */
import { type Counts, failpoint, failpointsArmed, noCounts } from '@inator/runtime';
import { classify } from '../faults/classify.ts';
import { copyIn } from './copy-in.ts';
import { commit, swallowed, type WriteContext } from './path.ts';

/** What COPY into the table met, and the stage judges. */
class InTheWay extends Error {}

export function isInTheWay(error: unknown): boolean {
  return error instanceof InTheWay;
}

/**
 * Writes records with absent keys, one a key, by the COPY `text` in the transaction that has begun, and commits. Throws
 * what `isInTheWay` knows, or a `SinkError`.
 */
export async function copyStraight<R>(context: WriteContext<R>, text: string): Promise<Counts> {
  const { lease, batch, sql, encoder, bytes, clock } = context;
  const { records } = batch;
  bytes.at = 0;
  encoder.copy(bytes, records, true);
  if (failpointsArmed) await failpoint('before-copy');
  let taken: number;
  try {
    ({ taken } = await copyIn(lease, text, bytes.buffer.subarray(0, bytes.at), () => clock.mark('stage')));
  } catch (error) {
    const found = classify(error, { stage: 'copy' });
    throw found.is === 'unavailable' ? found : new InTheWay();
  }
  clock.mark('copy');
  if (taken !== records.length) throw swallowed(sql.table, 'copy', records.length - taken, records.length);
  if (sql.enterSeen !== undefined) await lease.query(sql.enterSeen, [records.map(({ key }) => key)]);
  await commit(context);
  return { ...noCounts, created: records.length };
}
