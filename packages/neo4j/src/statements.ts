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
const met = quoted(bookkeeping.met);

/** The lists of a statement, as its parameters. */
export function asParameters(lists: Readonly<Record<string, readonly unknown[]>>): Parameters {
  return { p: lists };
}

/**
 * No plan is thrown away because the graph has grown: nodes are found by their constrained keys in every plan, which a
 * test makes sure of, so a new plan would be the old one again, seconds later.
 */
export const keepingPlan = (text: string): string => `CYPHER replan=skip\n${text}`;

const given = (list: string): string => `$p.${list}`;

/** Lists of the writing statement: names by number, for a shape's labels and groups. */
export const list = {
  /** Own nodes not seen in the store: `[key, hash, seq, …properties in the order of their names]`. */
  fresh: 'fresh',
  /** Own nodes that exist and are locked: `[key, properties to set, null to remove]`. */
  known: 'known',
  /** Other nodes of label i: `[key, …properties]`, or the bare key where the label has no properties. */
  others: (label: number): string => `n${label}`,
  /**
   * Owned group i: for each own node, fresh before known, its other ends: indices of those to be created, or, where the
   * relationship has properties, `[index, …properties]` of all that the record asserts.
   */
  owned: (group: number): string => `e${group}`,
  /** Shared group i: pairs of indices. */
  shared: (group: number): string => `s${group}`,
} as const;

/**
 * What the store holds of `rows` = `[key, hash, seq]`, without locks: an `[i]` where there is nothing, `[i, hash, seq]`
 * where there is something other than the same hash at no lesser version.
 */
export function readStatement<R>({ labels, primary }: GraphShape<R>): string {
  const { label, key } = own(labels[primary]);
  return `UNWIND range(0, size(${given('rows')}) - 1) AS i
WITH i, ${given('rows')}[i] AS r
OPTIONAL MATCH (n:${label} {${key}: r[0]})
WITH i, r, n, n.${hash} AS hash, n.${seq} AS seq
WHERE hash IS NULL OR hash <> r[1] OR coalesce(r[2], -1) > coalesce(seq, -1)
RETURN collect(CASE WHEN n IS NULL THEN [i] ELSE [i, hash, seq] END) AS found`;
}

/**
 * Locks the nodes of `keys`, in that order, and then reads what they hold. Only a lock taken before makes the comparison
 * of versions safe: without it two writers can both read the older one. The lock is taken by setting the key to itself,
 * which writes nothing; setting a property that is taken back later costs half the statement. Of each:
 * `[key, hash, seq, edges]`, `edges` by owned group the other ends' keys, with the marks of both sides where the group is two-sided.
 */
export function lockStatement<R>({ labels, primary, owned }: GraphShape<R>): string {
  const { label, key } = own(labels[primary]);
  const groups = owned.map((group) => {
    const other = own(labels[group.other]);
    const what = group.twoSided ? `[o.${other.key}, e.${sideMark.from}, e.${sideMark.to}]` : `o.${other.key}`;
    return `[${pattern(group, 'n', 'e', `o:${other.label}`)} | ${what}]`;
  });
  return `UNWIND ${given('keys')} AS key
MATCH (n:${label} {${key}: key})
USING INDEX n:${label}(${key})
SET n.${key} = key
WITH n
RETURN collect([n.${key}, n.${hash}, n.${seq}, [${groups.join(', ')}]]) AS locked`;
}

/** Nodes and relationships of a batch. `names` are the property names by label. */
export function writeStatement<R>(shape: GraphShape<R>, names: readonly (readonly string[])[]): string {
  const { labels, primary, owned, shared } = shape;
  const self = own(labels[primary]);
  const parts = [
    subquery('fresh', [
      `MERGE (n:${self.label} {${self.key}: r[0]})`,
      `ON CREATE SET ${sets([bookkeeping.hash, bookkeeping.seq, ...(names[primary] ?? [])])}`,
      // Somebody made it since it was looked up: the caller starts over. New nodes are not touched twice for that.
      `ON MATCH SET n.${met} = true`,
      'WITH i, n ORDER BY i',
      `RETURN collect(n) AS fresh, count(n.${met}) AS met`,
    ]),
    subquery('known', [
      `MATCH (n:${self.label} {${self.key}: r[0]})`,
      `USING INDEX n:${self.label}(${self.key})`,
      'SET n += r[1]',
      'WITH i, n ORDER BY i',
      'RETURN collect(n) AS known',
    ]),
  ];
  labels.forEach(({ label, key }, i) => {
    const listed = names[i] ?? [];
    parts.push(
      subquery(list.others(i), [
        `MERGE (n:${quoted(label)} {${quoted(key)}: ${listed.length === 0 ? 'r' : 'r[0]'}})`,
        ...(listed.length === 0 ? [] : [`ON CREATE SET ${sets(listed)}`]),
        'WITH i, n ORDER BY i',
        `RETURN collect(n) AS others${i}`,
      ]),
    );
  });
  const nodes = (i: number): string => (i === primary ? `mine + others${i}` : `others${i}`);
  parts.push(
    'WITH met, size(known) AS held, fresh + known AS mine',
    ...labels.map((_, i) => `, others${i}`),
    `WITH met, held, mine${labels.map((_, i) => `, ${nodes(i)} AS nodes${i}`).join('')}`,
  );
  owned.forEach((group, i) => {
    const carries = group.properties.length > 0;
    const edge = group.twoSided
      ? [`MERGE ${pattern(group, 'a', 'e', 'b')}`, `SET e.${sideMark[group.owner]} = true`]
      : carries
        ? [
            `MERGE ${pattern(group, 'a', 'e', 'b')}`,
            `SET ${group.properties.map((name, p) => `e.${quoted(name)} = y[${p + 1}]`).join(', ')}`,
          ]
        : [`CREATE ${pattern(group, 'a', '', 'b')}`];
    parts.push(
      `CALL (mine, nodes${group.other}) {`,
      `UNWIND range(0, size(${given(list.owned(i))}) - 1) AS x`,
      `WITH mine[x] AS a, ${given(list.owned(i))}[x] AS ends`,
      'UNWIND ends AS y',
      carries ? `WITH a, y, nodes${group.other}[y[0]] AS b` : `WITH a, nodes${group.other}[y] AS b`,
      ...edge,
      `RETURN count(*) AS owned${i} }`,
    );
  });
  shared.forEach(({ type, from, to }, i) => {
    parts.push(
      `CALL (nodes${from}${from === to ? '' : `, nodes${to}`}) {`,
      `UNWIND ${given(list.shared(i))} AS pair`,
      `WITH nodes${from}[pair[0]] AS a, nodes${to}[pair[1]] AS b`,
      `MERGE (a)-[:${quoted(type)}]->(b)`,
      `RETURN count(*) AS shared${i} }`,
    );
  });
  parts.push('RETURN met, held');
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

/** Sets what follows the key in a row. */
function sets(names: readonly string[]): string {
  return names.map((name, i) => `n.${quoted(name)} = r[${i + 1}]`).join(', ');
}

function subquery(source: string, body: readonly string[]): string {
  return [
    'CALL () {',
    `UNWIND range(0, size(${given(source)}) - 1) AS i`,
    `WITH i, ${given(source)}[i] AS r`,
    ...body,
    '}',
  ].join('\n');
}
