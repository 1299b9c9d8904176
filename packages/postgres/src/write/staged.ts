/**
 * Stage by binary COPY, then one merge: for keys that the table may hold already. Everything up to the merge is one message,
 * the rows, and one answer: the fewest waits that leave the last word on the commit to us.
 */
import { type Fault, failpoint, failpointsArmed } from '@inator/runtime';
import { classify } from '../faults/classify.ts';
import { copyIn } from './copy-in.ts';
import type { Broken } from './judging.ts';
import type { MergeRow } from './merge.ts';
import { commit, countsOf, type WritePath } from './path.ts';

/** Read before and after the merge, whose time would otherwise not be told from the COPY's: milliseconds of the server's clock. */
const now = 'SELECT pg_catalog.date_part(\'epoch\', pg_catalog.clock_timestamp()) * 1000 AS "now"';

interface Now {
  readonly now: number;
}

export const writeStaged: WritePath = async (context) => {
  const { lease, batch, sql, encoder, bytes, clock, begun, judging, refuse } = context;
  const { begin, stageAndCopy } = { ...sql, ...judging };
  bytes.at = 0;
  encoder.copy(bytes, batch.records);
  if (failpointsArmed) await failpoint('before-copy');
  const merging = judging === undefined ? [] : [judging.refuse];
  const text = [...(begun ? [] : [begin]), stageAndCopy, now, ...merging, sql.mergeStage, now].join('; ');
  let ready = false;
  const answer = await copyIn(lease, text, bytes.buffer.subarray(0, bytes.at), () => {
    ready = true;
    clock.mark('stage');
  }).catch((error: unknown) => {
    throw classify(error, { stage: ready ? 'merge' : 'copy' });
  });
  const [[before], ...rest] = answer.results as [[Now], ...(readonly unknown[])[]];
  const [[after], merged, taken] = rest.reverse() as [[Now], [MergeRow], Broken[] | undefined];
  clock.markBoth('copy', 'merge', after.now - before.now);
  for (const { index, demand } of taken ?? []) refuse(index, judging?.faults[demand] as Fault);
  const counts = await countsOf(context, merged[0], batch.records.length - (taken?.length ?? 0));
  clock.mark('merge');
  await commit(context);
  return counts;
};
