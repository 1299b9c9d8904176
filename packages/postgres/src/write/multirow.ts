/**
 * One statement for the batch: every column goes as one array parameter, so the limit of 65,535 parameters does not
 * bear on the number of rows. For servers or poolers where the role may make no temporary table.
 */
import { failpoint, failpointsArmed } from '@inator/runtime';
import type { MergeRow } from './merge.ts';
import { commit, countsOf, type WritePath } from './path.ts';

export const writeMultirow: WritePath = async (context) => {
  const { lease, batch, sql, encoder, bytes, clock, begun } = context;
  bytes.at = 0;
  const arrays = encoder.arrays(bytes, batch.records);
  if (failpointsArmed) await failpoint('before-copy');
  if (!begun) await lease.query(sql.begin);
  clock.mark('stage');
  const { rows } = await lease.query<MergeRow & Record<string, unknown>>(sql.mergeArrays, arrays);
  const counts = await countsOf(context, rows[0], batch.records.length);
  clock.mark('merge');
  await commit(context);
  return counts;
};
