/**
 * Neo4j against the books: I1, I3 and I5. Nodes are compared one by one, with every relationship that leaves them; the
 * whole graph is compared by count with the reference of the domain, which shares no code with the models.
 */
import { expectedGraph, labelOf, type RecordType, recordTypes } from '@inator/discogs';
import type { Graph } from '../../support/stores.ts';
import type { Ledger } from '../ledger.ts';
import type { Good, Message, Workload } from '../workload.ts';
import { type Violation, violation } from './violation.ts';

const page = 1_000;

export interface GraphCheck {
  readonly graph: Graph;
  readonly workload: Pick<Workload, 'bodyOf'>;
}

interface NodeRow extends Record<string, unknown> {
  readonly id: string;
  readonly hash: string | null;
  readonly seq: number | null;
  readonly name: string | null;
  readonly edges: readonly string[];
}

/** I1 for these records: hash, version, name or title, and the relationships that the record itself asserts. */
export async function checkNodes({ graph, workload }: GraphCheck, goods: readonly Good[]): Promise<Violation[]> {
  const found: Violation[] = [];
  for (const type of recordTypes) {
    const wanted = goods.filter((good) => good.type === type);
    const wrong = new Map<string, string[]>();
    const blame = (what: string, id: string): void => void wrong.set(what, [...(wrong.get(what) ?? []), id]);
    for (let from = 0; from < wanted.length; from += page) {
      const part = wanted.slice(from, from + page);
      const rows = await graph.query<NodeRow>(
        `unwind $ids as id match (n:${labelOf[type]} {id: id})
         return id, n.sha256 as hash, n.seq as seq, coalesce(n.title, n.name) as name,
           [(n)-[e]->(o) | type(e) + ' ' + labels(o)[0] + ' ' + coalesce(o.id, o.name)] as edges`,
        { ids: part.map(({ id }) => String(id)) },
      );
      const nodes = new Map(rows.map((row) => [row.id, row]));
      if (nodes.size < rows.length) blame('twice', `${rows.length - nodes.size} of ${part.length}`);
      for (const good of part) {
        const id = String(good.id);
        const node = nodes.get(id);
        const what = node === undefined ? 'missing' : differs(node, good, workload.bodyOf(good));
        if (what !== undefined) blame(what, id);
      }
    }
    for (const [what, ids] of wrong)
      found.push(
        violation('I1', `nodes ${labelOf[type]}`, what, ids, {
          mayHeal: what !== 'twice',
          as: what === 'twice' ? 'duplicated' : 'lost',
        }),
      );
  }
  return found;
}

function differs(node: NodeRow, good: Good, body: Buffer): string | undefined {
  const record = JSON.parse(String(body)) as Json;
  if (node.hash === null) return 'only named, never written';
  if (node.seq !== (good.version || null)) return 'of another version';
  if (node.hash !== record.sha256) return 'of another hash';
  if (node.name !== (record.title ?? record.name)) return 'of another name';
  const wanted = leaving(good.type, record);
  const has = new Set(node.edges);
  if (has.size < node.edges.length) return 'with a relationship twice';
  if (has.size !== wanted.size || [...wanted].some((edge) => !has.has(edge))) return 'with other relationships';
  return undefined;
}

type Json = Readonly<Record<string, unknown>>;

/** The relationships that leave a record of the sample, read as plainly as can be. */
function leaving(type: RecordType, record: Json): Set<string> {
  const ids = (list: unknown): readonly string[] =>
    ((list ?? []) as readonly { readonly id: string }[]).map(({ id }) => id);
  const texts = (list: unknown): readonly string[] => (list ?? []) as readonly string[];
  const edges = (what: string, ends: readonly string[]): string[] => ends.map((end) => `${what} ${end}`);
  switch (type) {
    case 'artists':
      return new Set([
        ...edges('MEMBER_OF Artist', ids(record.groups)),
        ...edges('ALIAS_OF Artist', ids(record.aliases)),
      ]);
    case 'labels':
      return new Set(edges('SUBLABEL_OF Label', record.parentLabel === undefined ? [] : ids([record.parentLabel])));
    case 'masters':
    case 'releases':
      return new Set([
        ...edges('BY Artist', ids(record.artists)),
        ...edges('ON Label', ids(record.labels)),
        ...edges('DERIVED_FROM Master', record.master_id === undefined ? [] : [String(record.master_id)]),
        ...edges('IS Genre', texts(record.genres)),
        ...edges('IS Style', texts(record.styles)),
      ]);
  }
}

/** The counts of the whole graph, kept up to date round by round. */
export interface GraphTotals {
  /** Takes what a round has changed; before `ledger.closeRound()`. */
  advance(ledger: Pick<Ledger, 'touched' | 'before'>): void;
  nodes(ledger: Pick<Ledger, 'size'>): Readonly<Record<string, number>>;
  relationships(): Readonly<Record<string, number>>;
}

/** Shared relationships and the nodes of genres and styles are complete with the prologue: see workload.ts. */
export function createGraphTotals(prologue: readonly Message[], bodyOf: Workload['bodyOf']): GraphTotals {
  const world = expectedGraph(
    Object.fromEntries(
      recordTypes.map((type) => [type, prologue.filter(({ good }) => good?.type === type).map(({ body }) => body)]),
    ),
  );
  const relationships: Record<string, number> = { ...world.relationships };
  const add = (good: Good, sign: 1 | -1): void => {
    const own = expectedGraph({ [good.type]: [bodyOf(good)] }).relationships;
    for (const [type, count] of Object.entries(own))
      if (type !== 'PART_OF') relationships[type] = (relationships[type] ?? 0) + sign * count;
  };
  return {
    advance(ledger) {
      for (const good of ledger.touched()) {
        const before = ledger.before(good);
        if (before !== undefined) add(before, -1);
        add(good, 1);
      }
    },
    nodes: (ledger) => ({
      ...Object.fromEntries(recordTypes.map((type) => [labelOf[type], ledger.size(type)])),
      Genre: world.nodes.Genre ?? 0,
      Style: world.nodes.Style ?? 0,
    }),
    relationships: () => relationships,
  };
}

/** I3: the counts of the whole graph are the reference's. */
export async function checkCounts(
  graph: Graph,
  totals: GraphTotals,
  ledger: Pick<Ledger, 'size' | 'all'>,
): Promise<Violation[]> {
  const found: Violation[] = [];
  const compare = (what: string, has: number, wanted: number): void => {
    if (has === wanted) return;
    const said = `${has} instead of ${wanted}`;
    if (has > wanted)
      found.push(
        violation('I3', what, `too many, ${said}`, [], { as: 'duplicated', count: has - wanted, mayHeal: true }),
      );
    else found.push(violation('I1', what, `too few, ${said}`, [], { as: 'lost', count: wanted - has, mayHeal: true }));
  };
  const one = async (cypher: string): Promise<number> => (await graph.query<{ n: number }>(cypher))[0]?.n ?? 0;
  const nodes = totals.nodes(ledger);
  let sum = 0;
  for (const [label, wanted] of Object.entries(nodes)) {
    sum += wanted;
    const has = await one(`match (n:\`${label}\`) return count(n) as n`);
    const type = recordTypes.find((each) => labelOf[each] === label);
    if (has > wanted && type !== undefined) found.push(await strangers(graph, type, ledger));
    else compare(`nodes ${label}`, has, wanted);
  }
  compare('nodes of any label', await one('match (n) return count(n) as n'), sum);
  const relationships = totals.relationships();
  for (const [type, wanted] of Object.entries(relationships))
    compare(`relationships ${type}`, await one(`match ()-[r:\`${type}\`]->() return count(r) as n`), wanted);
  const all = Object.values(relationships).reduce((total, count) => total + count, 0);
  compare('relationships of any type', await one('match ()-[r]->() return count(r) as n'), all);
  return found;
}

async function strangers(graph: Graph, type: RecordType, ledger: Pick<Ledger, 'all'>): Promise<Violation> {
  const rows = await graph.query<{ id: string }>(`match (n:${labelOf[type]}) return n.id as id`);
  const known = new Set(ledger.all(type).map(({ id }) => String(id)));
  const extra = rows.map(({ id }) => id).filter((id) => !known.delete(id));
  return violation('I3', `nodes ${labelOf[type]}`, 'nodes that nobody published', extra, { as: 'duplicated' });
}

/** The services' open transactions. Theirs carry who they are of; the checker's own questions do not. */
export async function openTransactions(graph: Graph): Promise<readonly string[]> {
  const rows = await graph.query<{ id: string; app: string | null }>(
    'show transactions yield transactionId as id, metaData return id, metaData.app as app',
  );
  return rows.flatMap(({ id, app }) => (app?.startsWith('inator') ? [id] : []));
}

/** I5 on the server's side. */
export async function checkTransactions(graph: Graph): Promise<Violation[]> {
  const open = await openTransactions(graph);
  return open.length === 0 ? [] : [violation('I5', 'Neo4j', 'open transactions', open, { mayHeal: true })];
}
