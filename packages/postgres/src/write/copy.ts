/** The default path: stage by binary COPY, then one merge. Four round trips a batch. */
import { failpoint, failpointsArmed } from '@inator/runtime';
import { from as copyFrom } from 'pg-copy-streams';
import { copyHeaderLength } from '../encode/rows.ts';
import { classify } from '../faults/classify.ts';
import type { Lease } from '../pool/lease.ts';
import type { MergeRow } from './merge.ts';
import { commit, countsOf, type WritePath } from './path.ts';

/**
 * One COPY message each. The server reads a message whole before it parses the rows in it, so there is a limit; below it
 * fewer messages are cheaper for us (a batch of 700 KB in one took a quarter less of our CPU than in slices of 64 KiB).
 */
const sliceBytes = 1024 * 1024;

export const writeByCopy: WritePath = async (context) => {
  const { lease, batch, sql, encoder, bytes, clock } = context;
  encoder.copy(bytes, batch.records);
  const body = bytes.buffer.subarray(0, bytes.at);
  if (failpointsArmed) await failpoint('before-copy');
  try {
    // BEGIN, its limits, the stage and the COPY go out in one message.
    await lease.timed(
      copyIn(lease, sql.stageAndCopy, body, () => clock.mark('stage')),
      'COPY',
    );
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

/** Resolves when the server has taken the rows; `onReady` when it has asked for them. */
function copyIn(lease: Lease, text: string, body: Buffer, onReady: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = lease.client.query(copyFrom(text));
    stream.on('error', (error) => {
      // Without this the stream would go on writing rows to a session that has left COPY.
      stream.destroy();
      reject(error);
    });
    stream.on('finish', resolve);
    // The header alone comes back when the server is ready for rows.
    stream.write(body.subarray(0, copyHeaderLength), (error) => {
      if (error) return;
      onReady();
      if (failpointsArmed) {
        const half = copyHeaderLength + Math.floor((body.length - copyHeaderLength) / 2);
        stream.write(body.subarray(copyHeaderLength, half));
        failpoint('mid-copy').then(
          () => stream.end(body.subarray(half)),
          (thrown: Error) => stream.destroy(thrown),
        );
        return;
      }
      for (let at = copyHeaderLength; at < body.length; at += sliceBytes) {
        stream.write(body.subarray(at, at + sliceBytes));
      }
      stream.end();
    });
  });
}
