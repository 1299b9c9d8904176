/** Stage by binary COPY, then one merge: for keys that the table may hold already. Four round trips a batch. */
import { failpoint, failpointsArmed } from '@inator/runtime';
import { classify } from '../faults/classify.ts';
import { copyIn } from './copy-in.ts';
import type { MergeRow } from './merge.ts';
import { commit, countsOf, type WritePath } from './path.ts';

export const writeStaged: WritePath = async (context) => {
  const { lease, batch, sql, encoder, bytes, clock, begun } = context;
  bytes.at = 0;
  encoder.copy(bytes, batch.records);
  if (failpointsArmed) await failpoint('before-copy');
  try {
    // BEGIN, its limits, the stage and the COPY go out in one message.
    const text = begun ? sql.stageAndCopy : `${sql.begin}; ${sql.stageAndCopy}`;
    await copyIn(lease, text, bytes.buffer.subarray(0, bytes.at), () => clock.mark('stage'));
  } catch (error) {
    throw classify(error, { stage: 'copy' });
  }
  clock.mark('copy');
  const { rows } = await lease.query<MergeRow & Record<string, unknown>>(sql.mergeStage);
  const counts = await countsOf(context, rows[0], batch.records.length);
  clock.mark('merge');
  await commit(context);
  return counts;
};
