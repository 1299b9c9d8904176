/** Stage by binary COPY, then one merge: for keys that the table may hold already. Four round trips a batch. */
import { type Fault, failpoint, failpointsArmed } from '@inator/runtime';
import type { QueryResult } from 'pg';
import { classify } from '../faults/classify.ts';
import { copyIn } from './copy-in.ts';
import type { Broken } from './judging.ts';
import type { MergeRow } from './merge.ts';
import { commit, countsOf, type WriteContext, type WritePath } from './path.ts';

export const writeStaged: WritePath = async (context) => {
  const { lease, batch, encoder, bytes, clock, begun, judging } = context;
  const { begin, stageAndCopy } = { ...context.sql, ...judging };
  bytes.at = 0;
  encoder.copy(bytes, batch.records);
  if (failpointsArmed) await failpoint('before-copy');
  try {
    // BEGIN, its limits, the stage and the COPY go out in one message.
    const text = begun ? stageAndCopy : `${begin}; ${stageAndCopy}`;
    await copyIn(lease, text, bytes.buffer.subarray(0, bytes.at), () => clock.mark('stage'));
  } catch (error) {
    throw classify(error, { stage: 'copy' });
  }
  clock.mark('copy');
  const { row, refused } = await mergeStage(context);
  const counts = await countsOf(context, row, batch.records.length - refused);
  clock.mark('merge');
  await commit(context);
  return counts;
};

async function mergeStage<R>({ lease, sql, judging, refuse }: WriteContext<R>): Promise<{
  readonly row: MergeRow | undefined;
  readonly refused: number;
}> {
  if (judging === undefined) {
    const { rows } = await lease.query<MergeRow & Record<string, unknown>>(sql.mergeStage);
    return { row: rows[0], refused: 0 };
  }
  // Of several statements in one message the driver gives an array of results, which its types do not say.
  const results: unknown = await lease.query(`${judging.refuse}; ${sql.mergeStage}`);
  const [taken, merged] = results as [QueryResult<Broken>, QueryResult<MergeRow & Record<string, unknown>>];
  for (const { index, demand } of taken.rows) refuse(index, judging.faults[demand] as Fault);
  return { row: merged.rows[0], refused: taken.rows.length };
}
