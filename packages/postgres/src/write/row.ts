/** One statement a record, in one transaction: the baseline to compare with, and the path that names every culprit. */
import { addCounts, failpoint, failpointsArmed, type Keyed, noCounts } from '@inator/runtime';
import { classify, sessionIsGone } from '../faults/classify.ts';
import type { MergeRow } from './merge.ts';
import { commit, countsOf, type WritePath } from './path.ts';

export const writeByRow: WritePath = async (context) => {
  const { lease, batch, sql, encoder, bytes, clock, begun } = context;
  const { records } = batch;
  if (failpointsArmed) await failpoint('before-copy');
  if (!begun) await lease.query(sql.begin);
  clock.mark('stage');
  const winners = winnersOf(records);
  let counts = { ...noCounts, collapsed: records.length - winners.length };
  for (const index of winners) {
    bytes.at = 0;
    const parameters = encoder.row(bytes, records, index);
    try {
      const { rows } = await lease.query<MergeRow & Record<string, unknown>>(sql.mergeRow, parameters);
      counts = addCounts(counts, await countsOf(context, rows[0], 1));
    } catch (error) {
      if (sessionIsGone(error)) throw error;
      throw classify(error, { culprit: index });
    }
  }
  clock.mark('merge');
  await commit(context);
  return counts;
};

/** Indices of the records that win their key, in key order: what DISTINCT ON does in the other paths. */
export function winnersOf<R>(records: readonly Keyed<R>[]): readonly number[] {
  const winners = new Map<string, number>();
  records.forEach((record, index) => {
    const other = records[winners.get(record.key) ?? -1];
    if (other === undefined || wins(record, other)) winners.set(record.key, index);
  });
  const byKey = [...winners].map(([key, index]) => ({ key: Buffer.from(key), index }));
  return byKey.sort((a, b) => Buffer.compare(a.key, b.key)).map(({ index }) => index);
}

/** Whether a record wins against one that arrived before it. */
function wins<R>(later: Keyed<R>, earlier: Keyed<R>): boolean {
  if (later.seq === undefined) return earlier.seq === undefined;
  if (earlier.seq === undefined || later.seq !== earlier.seq)
    return earlier.seq === undefined || later.seq > earlier.seq;
  return Buffer.compare(Buffer.from(later.hash), Buffer.from(earlier.hash)) >= 0;
}
