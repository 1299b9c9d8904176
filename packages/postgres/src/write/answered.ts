/** A batch of which is known what the table holds: each record goes the shortest way that is right for it. */
import { addCounts, type Counts, type Keyed, noCounts, SinkError } from '@inator/runtime';
import type { Answer } from './ask.ts';
import type { WriteContext, WritePath } from './path.ts';
import { copyStraight, isInTheWay } from './straight.ts';

/** Told that a COPY into the table was refused. */
export type StraightWatch = () => void;

/**
 * What is known is left out. Absent keys go straight into the table when `straight` allows it and they are at least half
 * of what is sent: beside fewer of them a second COPY costs more than it saves. Everything else goes by `write`, in the
 * same transaction. Counts and culprits are those of the batch as it was given.
 */
export async function writeAnswered<R>(
  context: WriteContext<R>,
  { known, absent, others }: Answer,
  write: WritePath,
  straight: StraightWatch | undefined,
): Promise<Counts> {
  const unchanged = { ...noCounts, unchanged: known.length };
  if (absent.length + others.length === 0) return unchanged;
  if (straight !== undefined && absent.length >= others.length) {
    try {
      return addCounts(unchanged, await inOne(context, absent, others, write));
    } catch (error) {
      if (leavesDeadRows(error)) straight();
      if (!isInTheWay(error)) throw error;
      await context.lease.query('ROLLBACK');
    }
  }
  const rest = known.length === 0 ? undefined : [...absent, ...others].sort((a, b) => a - b);
  return addCounts(unchanged, await picked(context, rest, write));
}

/** An outage is nobody's fault; what the server refused it would refuse again. */
function leavesDeadRows(error: unknown): boolean {
  return isInTheWay(error) || (error instanceof SinkError && (error.is === 'refused' || error.is === 'suspect'));
}

/** One transaction: absent keys first, in key order, then the others. */
async function inOne<R>(
  context: WriteContext<R>,
  absent: readonly number[],
  others: readonly number[],
  write: WritePath,
): Promise<Counts> {
  const isAll = others.length === 0;
  const created = await picked(context, absent, (part) => copyStraight(part, isAll));
  if (isAll) return created;
  return addCounts(created, await picked({ ...context, begun: true }, others, write));
}

/** Writes the records at `indices` (default: all) as a batch of their own. */
async function picked<R>(
  context: WriteContext<R>,
  indices: readonly number[] | undefined,
  write: (part: WriteContext<R>) => Promise<Counts>,
): Promise<Counts> {
  if (indices === undefined) return write(context);
  const { batch } = context;
  try {
    const records = indices.map((index) => batch.records[index] as Keyed<R>);
    return await write({ ...context, batch: { ...batch, records } });
  } catch (error) {
    if (!(error instanceof SinkError) || error.culprit === undefined) throw error;
    const { is, fault, halve, slow, cause } = error;
    throw new SinkError(is, fault, { culprit: indices[error.culprit], halve, slow, cause });
  }
}
