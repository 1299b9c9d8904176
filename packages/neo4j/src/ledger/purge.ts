/** Deletes what vanished, one list of keys a transaction. */

import type { GraphShape } from '../shape.ts';
import { asParameters } from '../statements.ts';
import type { Transaction } from '../transaction.ts';
import { idOf, type Known } from './nodes.ts';
import { backStatement, deleteStatement, demoteStatement, holdStatement, releaseStatement } from './statements.ts';

/** Deletes the next list; resolves with how many records went, or undefined when no list is left. */
export type PurgeChunk = (transaction: Transaction, known: Known) => Promise<number | undefined>;

export function createPurge<R>(of: string, shape: GraphShape<R>): PurgeChunk {
  const hold = holdStatement(shape);
  const release = shape.owned.map((group) => releaseStatement(shape, group));
  const demote = demoteStatement(shape);
  const drop = shape.labels.map(({ label, key }) => ({
    records: deleteStatement(label, key, true),
    stubs: deleteStatement(label, key, false),
  }));

  const deleted = async (transaction: Transaction, text: string | undefined, keys: readonly string[]) => {
    if (keys.length === 0 || text === undefined) return 0;
    const { rows } = await transaction.run(text, asParameters({ keys }));
    return Number(rows[0]?.deleted ?? 0);
  };

  /** Locked first, then compared with what came since: a writer in between waits for us and finds the node gone. */
  const purgeRecords = async (transaction: Transaction, listed: readonly string[]): Promise<Gone> => {
    const { rows: locked } = await transaction.run(hold, asParameters({ keys: listed }));
    const { rows: returned } = await transaction.run(backStatement, asParameters({ of, keys: listed }));
    const back = new Set(returned[0]?.back as readonly string[]);
    const keys = ((locked[0]?.held ?? []) as readonly string[]).filter((key) => !back.has(key));
    if (keys.length === 0) return { records: 0, stubs: 0 };
    const ends = shape.labels.map(() => new Set<string>());
    for (const [i, { other }] of shape.owned.entries()) {
      const { rows } = await transaction.run(release[i] ?? '', asParameters({ keys }));
      for (const end of (rows[0]?.ends ?? []) as readonly string[]) ends[other]?.add(end);
    }
    await transaction.run(demote, asParameters({ keys }));
    await deleted(transaction, drop[shape.primary]?.records, keys);
    let stubs = 0;
    for (const [label, touched] of ends.entries())
      stubs += await deleted(transaction, drop[label]?.stubs, [...touched].sort());
    return { records: keys.length, stubs };
  };

  return async (transaction, known) => {
    const id = idOf(of, known.extraction);
    const { rows } = await transaction.run(
      `MATCH (x:InatorExtraction {id: $id}) SET x.purged = coalesce(x.purged, 0)
WITH x MATCH (v:InatorVanished {of: $of}) RETURN elementId(v) AS at, v.keys AS keys, v.records AS records LIMIT 1`,
      { id, of },
    );
    const [next] = rows;
    if (next === undefined) return undefined;
    const keys = next.keys as readonly string[];
    const gone =
      next.records === true
        ? await purgeRecords(transaction, keys)
        : { records: 0, stubs: await deleted(transaction, drop[shape.primary]?.stubs, keys) };
    await transaction.run(
      `MATCH (v:InatorVanished) WHERE elementId(v) = $at DELETE v
WITH 1 AS one MATCH (x:InatorExtraction {id: $id})
SET x.purged = x.purged + $records, x.stubs = coalesce(x.stubs, 0) + $stubs`,
      { at: next.at, id, records: BigInt(gone.records), stubs: BigInt(gone.stubs) },
    );
    return gone.records;
  };
}

interface Gone {
  readonly records: number;
  readonly stubs: number;
}
