/**
 * The Cypher of one model. Labels, types and property names come from the model, quoted; values travel only as
 * parameters. The texts are the same for every batch, so that each is planned once.
 *
 * New nodes, stubs and relationships are written by *one* statement. It holds the nodes it has merged in lists, and
 * relationships are lists of indices into them: nothing is looked up twice. That, measured, halves the server's work
 * against a statement for each label and type. Lists are collected in the order of their input, which `ORDER BY` makes
 * a promise of the language rather than of today's planner.
 *
 * **All parameters travel inside one map.** Neo4j plans a statement anew for every combination of its list parameters'
 * sizes (in powers of ten) and element types; planning the writing statement takes longer than running it. The sizes of
 * lists inside a map are not looked at, so each text is planned once.
 */

import { bookkeeping, type GraphShape, type OwnedGroup, sideMark } from './shape.ts';
import type { Parameters } from './transaction.ts';

export const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

const hash = quoted(bookkeeping.hash);
const seq = quoted(bookkeeping.seq);

/** The values of a statement, as its parameters. */
export function asParameters(values: Readonly<Record<string, unknown>>): Parameters {
  return { p: values };
}

/**
 * No plan is thrown away because the graph has grown: nodes are found by their constrained keys in every plan, which a
 * test makes sure of, so a new plan would be the old one again, seconds later.
 */
export const keepingPlan = (text: string): string => `CYPHER replan=skip\n${text}`;

const given = (list: string): string => `$p.${list}`;

/**
 * Lists of the writing statement, one a column: names by number, for a shape's labels and groups. Columns and not rows,
 * because the driver looks at every list and map for a dozen types of time and space before it packs it: rows took twice
 * as long to pack. A column that holds nothing but nulls is sent empty: what stands past the end of a list is null.
 */
export const list = {
  /** Own nodes not seen in the store: their keys; beside them hashes, versions, and properties by their place in the names. */
  fresh: 'fresh',
  /** Own nodes that exist, are locked, and are written anew. */
  known: 'known',
  /** Own nodes that exist, are locked, and only get a later version. */
  later: 'later',
  /** Other nodes of label i: their keys. */
  others: (label: number): string => `n${label}`,
  /** Owned group i: the other ends, of all that is to be created, or, where the group has properties, of all that is asserted. */
  owned: (group: number): string => `e${group}`,
  /** Shared group i: the ends that the relationships point to. */
  shared: (group: number): string => `s${group}`,
  /** Beside any of those. */
  hash: (beside: string): string => `${beside}_hash`,
  seq: (beside: string): string => `${beside}_seq`,
  property: (beside: string, name: number): string => `${beside}_${name}`,
  /** Beside ends: where the relationship comes from; own nodes are counted fresh before known. */
  from: (beside: string): string => `${beside}_from`,
} as const;

/** Keys whose answers come in one message: the driver reads one that fills several packets byte by byte. */
const answersAtOnce = 32;

/**
 * What the store holds of `keys`, without locks, in parts: `[size, absent, found]`, of how many keys it tells, which of
 * them have no node, and of those that hold something other than the same hash at no lesser version `[i, hash, seq]`.
 */
export function readStatement<R>({ labels, primary }: GraphShape<R>): string {
  const { label, key } = own(labels[primary]);
  return `UNWIND range(0, size(${given('keys')}) - 1) AS i
OPTIONAL MATCH (n:${label} {${key}: ${given('keys')}[i]})
WITH i, n, n.${hash} AS hash, n.${seq} AS seq
WITH i, n, hash, seq, hash = ${given('hashes')}[i] AND coalesce(${given('seqs')}[i], -1) <= coalesce(seq, -1) AS same
WITH i / ${answersAtOnce} AS number, count(*) AS size,
  collect(CASE WHEN n IS NULL THEN i END) AS absent,
  collect(CASE WHEN n IS NOT NULL AND NOT coalesce(same, false) THEN [i, hash, seq] END) AS found
RETURN [size, absent, found] AS part`;
}

/**
 * Locks the nodes of `keys`, in that order, and then reads what they hold. Only a lock taken before makes the comparison
 * of versions safe: without it two writers can both read the older one. The lock is taken by setting the key to itself,
 * which writes nothing; setting a property that is taken back later costs half the statement. In parts, of each:
 * `[key, hash, seq, edges]`, `edges` by owned group the other ends' keys, with the marks of both sides where the group is two-sided.
 */
export function lockStatement<R>({ labels, primary, owned }: GraphShape<R>): string {
  const { label, key } = own(labels[primary]);
  const groups = owned.map((group) => {
    const other = own(labels[group.other]);
    const what = group.twoSided ? `[o.${other.key}, e.${sideMark.from}, e.${sideMark.to}]` : `o.${other.key}`;
    return `[${pattern(group, 'n', 'e', `o:${other.label}`)} | ${what}]`;
  });
  return `UNWIND range(0, size(${given('keys')}) - 1) AS i
MATCH (n:${label} {${key}: ${given('keys')}[i]})
USING INDEX n:${label}(${key})
SET n.${key} = ${given('keys')}[i]
WITH i / ${answersAtOnce} AS number, [n.${key}, n.${hash}, n.${seq}, [${groups.join(', ')}]] AS row
WITH number, collect(row) AS part
RETURN part`;
}

/** Nodes and relationships of a batch. `names` are the property names by label. */
export function writeStatement<R>(shape: GraphShape<R>, names: readonly (readonly string[])[]): string {
  const { labels, primary, owned, shared } = shape;
  const self = own(labels[primary]);
  const ownNames = names[primary] ?? [];
  const parts = [
    subquery(list.fresh, [
      // Where somebody made it meanwhile, the constraint says so. MERGE would look it up first, and the constraint once more.
      `CREATE (n:${self.label} {${self.key}: ${at(list.fresh)}})`,
      `SET ${record(list.fresh, ownNames)}`,
      'WITH i, n ORDER BY i',
      'RETURN collect(n) AS fresh',
    ]),
    subquery(list.known, [
      `MATCH (n:${self.label} {${self.key}: ${at(list.known)}})`,
      `USING INDEX n:${self.label}(${self.key})`,
      `SET ${record(list.known, ownNames)}`,
      'WITH i, n ORDER BY i',
      'RETURN collect(n) AS known',
    ]),
    subquery(list.later, [
      `MATCH (n:${self.label} {${self.key}: ${at(list.later)}})`,
      `USING INDEX n:${self.label}(${self.key})`,
      `SET n.${seq} = ${at(list.seq(list.later))}`,
      'RETURN count(*) AS later',
    ]),
  ];
  labels.forEach(({ label, key }, i) => {
    const listed = names[i] ?? [];
    const others = list.others(i);
    parts.push(
      subquery(others, [
        `MERGE (n:${quoted(label)} {${quoted(key)}: ${at(others)}})`,
        ...(listed.length === 0 ? [] : [`ON CREATE SET ${sets('n', others, listed).join(', ')}`]),
        'WITH i, n ORDER BY i',
        `RETURN collect(n) AS others${i}`,
      ]),
    );
  });
  const nodes = (i: number): string => (i === primary ? `mine + others${i}` : `others${i}`);
  parts.push(
    'WITH later, size(known) AS rewritten, fresh + known AS mine',
    ...labels.map((_, i) => `, others${i}`),
    `WITH later, rewritten, mine${labels.map((_, i) => `, ${nodes(i)} AS nodes${i}`).join('')}`,
  );
  owned.forEach((group, g) => {
    const ends = list.owned(g);
    const edge = group.twoSided
      ? [`MERGE ${pattern(group, 'a', 'e', 'b')}`, `SET e.${sideMark[group.owner]} = true`]
      : group.properties.length > 0
        ? [`MERGE ${pattern(group, 'a', 'e', 'b')}`, `SET ${sets('e', ends, group.properties).join(', ')}`]
        : [`CREATE ${pattern(group, 'a', '', 'b')}`];
    parts.push(
      `CALL (mine, nodes${group.other}) {`,
      each(ends),
      `WITH i, mine[${place(list.from(ends))}] AS a, nodes${group.other}[${place(ends)}] AS b`,
      ...edge,
      `RETURN count(*) AS owned${g} }`,
    );
  });
  shared.forEach(({ type, from, to }, g) => {
    const ends = list.shared(g);
    parts.push(
      `CALL (nodes${from}${from === to ? '' : `, nodes${to}`}) {`,
      each(ends),
      `WITH nodes${from}[${place(list.from(ends))}] AS a, nodes${to}[${place(ends)}] AS b`,
      `MERGE (a)-[:${quoted(type)}]->(b)`,
      `RETURN count(*) AS shared${g} }`,
    );
  });
  parts.push('RETURN later, rewritten');
  return parts.join('\n');
}

/**
 * Takes back what records assert no longer: `gone` = `[own key, [other keys]]`. A two-sided relationship goes only when
 * the other side does not assert it either; taking back our mark locks it, so that of two sides letting go at once the
 * second sees what the first did.
 */
export function pruneStatement<R>({ labels, primary }: GraphShape<R>, group: OwnedGroup<R>): string {
  const self = own(labels[primary]);
  const other = own(labels[group.other]);
  const [mine, theirs] = group.owner === 'from' ? [sideMark.from, sideMark.to] : [sideMark.to, sideMark.from];
  return `UNWIND ${given('gone')} AS g
MATCH ${pattern(group, `n:${self.label} {${self.key}: g[0]}`, 'e', `o:${other.label}`)}
USING INDEX n:${self.label}(${self.key})
WHERE o.${other.key} IN g[1]
${group.twoSided ? `SET e.${mine} = false\nREMOVE e.${mine}\nWITH e WHERE e.${theirs} IS NULL\n` : ''}DELETE e`;
}

function own(label: { label: string; key: string } | undefined): { readonly label: string; readonly key: string } {
  if (label === undefined) throw new RangeError('a label index outside its shape');
  return { label: quoted(label.label), key: quoted(label.key) };
}

/** `near` is the record's own end: the arrow points according to the owner. */
function pattern<R>({ type, owner }: OwnedGroup<R>, near: string, edge: string, far: string): string {
  const relationship = `[${edge}:${quoted(type)}]`;
  return owner === 'from' ? `(${near})-${relationship}->(${far})` : `(${near})<-${relationship}-(${far})`;
}

/** The value of a column in the row that is read. */
const at = (column: string): string => `${given(column)}[i]`;

/** Places are sent as floats, which the driver packs without looking whether they are dates. */
const place = (column: string): string => `toInteger(${at(column)})`;

const each = (column: string): string => `UNWIND range(0, size(${given(column)}) - 1) AS i`;

function sets(variable: string, beside: string, names: readonly string[]): readonly string[] {
  return names.map((name, p) => `${variable}.${quoted(name)} = ${at(list.property(beside, p))}`);
}

/** What a record's own node is set to. */
function record(beside: string, names: readonly string[]): string {
  const own = [`n.${hash} = ${at(list.hash(beside))}`, `n.${seq} = ${at(list.seq(beside))}`];
  return [...own, ...sets('n', beside, names)].join(', ');
}

function subquery(column: string, body: readonly string[]): string {
  return ['CALL () {', each(column), ...body, '}'].join('\n');
}
