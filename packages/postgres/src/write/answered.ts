/** A batch of which is known what the table holds: each record goes the shortest way that is right for it. */
import { addCounts, type Counts, type Keyed, noCounts, SinkError } from '@inator/runtime';
import { type Answer, beginAlike } from './ask.ts';
import { commit, type WriteContext, type WritePath } from './path.ts';
import { copyStraight, isInTheWay } from './straight.ts';

/** The way straight into the table, while it may be taken. */
export interface StraightWay {
  /** The COPY. */
  readonly sql: string;
  /** Told when it was refused. */
  readonly refused: () => void;
}

/**
 * What is known is left out. Absent keys go straight into the table when `straight` allows it and they are at least half
 * of what is sent: beside fewer of them a second COPY costs more than it saves. Everything else goes by `write`.
 *
 * No transaction does both: each meets the others' in key order, which two statements in one could not. The others come
 * first, because what may be refused is among them; until then nothing is committed. `ask` has begun a transaction.
 * Counts and culprits are those of the batch as it was given.
 */
export async function writeAnswered<R>(
  context: WriteContext<R>,
  { sameShape, known, absent, others }: Answer,
  write: WritePath,
  straight: StraightWay | undefined,
): Promise<Counts> {
  const begun = { ...context, begun: true };
  const unchanged = { ...noCounts, unchanged: known.length };
  if (absent.length + others.length === 0) {
    await commit(context);
    return unchanged;
  }
  if (straight === undefined || !sameShape || absent.length === 0 || absent.length < others.length) {
    const rest = known.length === 0 ? undefined : [...absent, ...others].sort((a, b) => a - b);
    return addCounts(unchanged, await picked(begun, rest, write));
  }
  if (others.length === 0) return addCounts(unchanged, await orElse(context, absent, write, straight, known));
  const counts = addCounts(unchanged, await picked(begun, others, write));
  const isSame = await beginAlike(context);
  return addCounts(counts, await orElse(context, absent, write, isSame ? straight : undefined, []));
}

/**
 * Straight into the table, or as ever when that is refused or not allowed. A transaction has begun; `entered` are the
 * records that it has entered into the ledger, where one is kept: they were seen even if the COPY is undone.
 */
async function orElse<R>(
  context: WriteContext<R>,
  absent: readonly number[],
  write: WritePath,
  straight: StraightWay | undefined,
  entered: readonly number[],
): Promise<Counts> {
  const { lease, sql, batch } = context;
  if (straight === undefined) return picked({ ...context, begun: true }, absent, write);
  try {
    return await picked(context, absent, (part) => copyStraight(part, straight.sql));
  } catch (error) {
    if (!isInTheWay(error)) throw error;
    straight.refused();
    await lease.query('ROLLBACK');
    if (sql.enterSeen === undefined || entered.length === 0) return picked(context, absent, write);
    await lease.query(sql.begin);
    await lease.query(sql.enterSeen, [entered.map((index) => batch.records[index]?.key)]);
    return picked({ ...context, begun: true }, absent, write);
  }
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
    const refuse: WriteContext<R>['refuse'] = (index, found) => context.refuse(indices[index] as number, found);
    return await write({ ...context, batch: { ...batch, records }, refuse });
  } catch (error) {
    if (!(error instanceof SinkError) || error.culprit === undefined) throw error;
    const { is, fault, halve, slow, cause } = error;
    throw new SinkError(is, fault, { culprit: indices[error.culprit], halve, slow, cause });
  }
}
