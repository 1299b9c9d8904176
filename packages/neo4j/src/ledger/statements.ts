/** The Cypher of the ledger that depends on a model. Values travel inside one map, as in the writing statements. */

import { bookkeeping, type GraphShape, type OwnedGroup, sideMark } from '../shape.ts';
import { quoted } from '../statements.ts';

const hash = quoted(bookkeeping.hash);

/** Appends the batch's keys to the ledger and reads what the store holds, in one round trip. Gives `part`, and `careful` with each. */
export function ledgerStatement(readStatement: string): string {
  return `OPTIONAL MATCH (run:InatorRun {of: $p.of})
CREATE (:InatorSeen {of: $p.of, run: coalesce(run.number, 0), keys: $p.keys})
WITH coalesce(run.careful, false) AS careful
CALL () {
${readStatement}
}
RETURN part, careful`;
}

/** A page of own nodes after `$p.after`, by key: is it a record, and is it a stub that nothing refers to. */
export function pageStatement<R>(shape: GraphShape<R>): string {
  const { label, key } = own(shape);
  return `MATCH (n:${label}) WHERE n.${key} > $p.after
WITH n ORDER BY n.${key} LIMIT toInteger($p.limit)
RETURN n.${key} AS key, n.${hash} IS NOT NULL AS record, n.${hash} IS NULL AND NOT EXISTS { (n)--() } AS orphan`;
}

/** Locks the nodes of `$p.keys` in that order, and gives those that are records. */
export function holdStatement<R>(shape: GraphShape<R>): string {
  const { label, key } = own(shape);
  return `UNWIND $p.keys AS key
MATCH (n:${label} {${key}: key})
USING INDEX n:${label}(${key})
SET n.${key} = key
WITH n WHERE n.${hash} IS NOT NULL
RETURN collect(n.${key}) AS held`;
}

/** Of these keys, those that came after the run was counted. */
export const backStatement = `MATCH (s:InatorSeen {of: $p.of}) WHERE s.counted IS NULL
UNWIND s.keys AS key
WITH key WHERE key IN $p.keys
RETURN collect(DISTINCT key) AS back`;

/** Takes back what the records of `$p.keys` assert, and gives the keys of the other ends. */
export function releaseStatement<R>(shape: GraphShape<R>, group: OwnedGroup<R>): string {
  const { label, key } = own(shape);
  const other = shape.labels[group.other];
  if (other === undefined) throw new RangeError('a label index outside its shape');
  const near = `n:${label} {${key}: key}`;
  const edge = `[e:${quoted(group.type)}]`;
  const far = `o:${quoted(other.label)}`;
  const pattern = group.owner === 'from' ? `(${near})-${edge}->(${far})` : `(${near})<-${edge}-(${far})`;
  const [mine, theirs] = group.owner === 'from' ? [sideMark.from, sideMark.to] : [sideMark.to, sideMark.from];
  return `UNWIND $p.keys AS key
MATCH ${pattern}
USING INDEX n:${label}(${key})
${group.twoSided ? `SET e.${mine} = false\nREMOVE e.${mine}\n` : ''}WITH e, o.${quoted(other.key)} AS end${
    group.twoSided ? `\nWHERE e.${theirs} IS NULL` : ''
  }
DELETE e
RETURN collect(DISTINCT end) AS ends`;
}

/** Makes stubs of the nodes of `$p.keys` that something still refers to: the key and what the model says a stub keeps. */
export function demoteStatement<R>(shape: GraphShape<R>): string {
  const { label, key } = own(shape);
  const kept = (shape.primaryStep.keptAsStub ?? []).map(quoted).map((name) => `, ${name}: n.${name}`);
  return `UNWIND $p.keys AS key
MATCH (n:${label} {${key}: key})
USING INDEX n:${label}(${key})
WITH n WHERE EXISTS { (n)--() }
SET n = {${key}: n.${key}${kept.join('')}}`;
}

/**
 * Deletes the nodes of `$p.keys` that nothing refers to, under their locks. Not DETACH: a relationship that came after
 * we looked makes the server refuse, and the chunk is tried again. `records` says whether records go too, or only stubs.
 */
export function deleteStatement(name: string, keyName: string, records: boolean): string {
  const label = quoted(name);
  const key = quoted(keyName);
  return `UNWIND $p.keys AS key
MATCH (n:${label} {${key}: key})
USING INDEX n:${label}(${key})
SET n.${key} = key
WITH n WHERE ${records ? '' : `n.${hash} IS NULL AND `}NOT EXISTS { (n)--() }
DELETE n
RETURN count(*) AS deleted`;
}

function own<R>({ labels, primary }: GraphShape<R>): { readonly label: string; readonly key: string } {
  const found = labels[primary];
  if (found === undefined) throw new RangeError('a label index outside its shape');
  return { label: quoted(found.label), key: quoted(found.key) };
}
