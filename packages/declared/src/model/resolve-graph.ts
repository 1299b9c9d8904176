/** Graphs: labels with one key property each, edges that somebody owns, paths that go through the same lists. */
import type { Reporter } from '../file/check.ts';
import type { Way } from '../file/document.ts';
import type { EdgeFile, GraphFile, ModelFile, NodeFile, PropertiesFile, PropertyFile } from '../file/shape.ts';
import { listsOf, nameAsStep, type Path, pathsOf } from '../path/path.ts';
import type { DeclaredEdge, DeclaredGraph, DeclaredNode, DeclaredProperty } from './types.ts';

/** Names the sink keeps its books in, on every node. */
const reserved = ['sha256', 'seq'];
/** Properties of one label, over the whole file: the sink stops a model at 64, taking them for data. */
const mostProperties = 60;
const defaultAs = 'id';

interface Site<T> {
  readonly type: string;
  readonly way: Way;
  readonly file: T;
}

export function resolveGraphs(file: ModelFile, report: Reporter): ReadonlyMap<string, DeclaredGraph> {
  const graphs = Object.entries(file.types).flatMap(([type, { graph }]): Site<GraphFile>[] =>
    graph === undefined ? [] : [{ type, way: ['types', type, 'graph'], file: graph }],
  );
  const asOf = keyProperties(graphs, report);
  const sides = sidesOf(graphs, report);
  const named = new Map<string, Set<string>>();

  const propertiesOf = (
    properties: PropertiesFile | null | undefined,
    way: Way,
    lists: string,
    key: string | undefined,
  ): readonly DeclaredProperty[] =>
    Object.entries(properties ?? {}).map(([name, short]) => {
      const at: Way = [...way, name];
      const long: PropertyFile = typeof short === 'string' ? { type: short } : short;
      if (key !== undefined && reserved.includes(name)) {
        report.name(at, `\`${name}\` is a property in which the service keeps its books: call this one otherwise`);
      }
      if (name === key) report.name(at, `\`${name}\` holds the key already`);
      const [path] = pathsOf(long.path ?? nameAsStep(name));
      if (path === undefined) throw new RangeError(`the path of property ${name} was not checked`);
      judgeLists(path, long, [...at, 'path'], lists, report);
      for (const option of ['zone', 'epoch'] as const) {
        if (long[option] !== undefined && long.type !== 'timestamptz') {
          report.name([...at, option], `\`${option}\` is for timestamptz, and \`${name}\` is ${long.type}`);
        }
      }
      const { zone, epoch } = long;
      return { name, type: long.type, path, time: { zone, epoch } };
    });

  const nodeOf = (node: NodeFile, way: Way): DeclaredNode & { readonly lists: string } => {
    const key = pathsOf(node.key);
    const lists = longest(key, [...way, 'key'], report);
    const as = asOf(node.label);
    const properties = propertiesOf(node.properties, [...way, 'properties'], lists, as);
    count(named, node.label, properties, way, report);
    return { label: node.label, as, key, properties, lists };
  };

  const edgeOf = (edge: EdgeFile, way: Way): DeclaredEdge => {
    const from = edge.from ? nodeOf(edge.from, [...way, 'from']) : undefined;
    const to = edge.to ? nodeOf(edge.to, [...way, 'to']) : undefined;
    if (from === undefined && to === undefined) {
      report.value(way, `edge \`${edge.type}\` needs \`from\` or \`to\`: the other end is the record's own node`);
    }
    const lists = longestOf([from?.lists ?? '', to?.lists ?? ''], way, report);
    const properties = propertiesOf(edge.properties, [...way, 'properties'], lists, undefined);
    const twoSided = sides.isTwoSided(edge, way);
    if (properties.length > 0 && from !== undefined && to !== undefined) {
      report.value([...way, 'properties'], `edge \`${edge.type}\` belongs to no one record, so it has no properties`);
    }
    if (properties.length > 0 && twoSided) {
      report.value(
        [...way, 'properties'],
        `edge \`${edge.type}\` is asserted from both its ends, so it has no properties`,
      );
    }
    return { type: edge.type, from, to, twoSided, properties };
  };

  return new Map(
    graphs.map(({ type, way, file: graph }) => {
      const as = asOf(graph.label);
      const properties = propertiesOf(graph.properties, [...way, 'properties'], '', as);
      count(named, graph.label, properties, way, report);
      const nodes = (graph.nodes ?? []).map((node, i) => nodeOf(node, [...way, 'nodes', i]));
      const edges = (graph.edges ?? []).map((edge, i) => edgeOf(edge, [...way, 'edges', i]));
      judgeProperties(edges, way, report);
      return [type, { label: graph.label, as, properties, nodes, edges }];
    }),
  );
}

/** The one key property of each label: what is said anywhere holds everywhere. */
function keyProperties(graphs: readonly Site<GraphFile>[], report: Reporter): (label: string) => string {
  const said = new Map<string, string>();
  const owners = new Map<string, string>();
  const say = (label: string, as: string | undefined, way: Way): void => {
    if (as === undefined) return;
    const before = said.get(label);
    if (reserved.includes(as))
      report.value([...way, 'as'], `\`${as}\` is a property in which the service keeps its books`);
    if (before !== undefined && before !== as) {
      report.value([...way, 'as'], `label \`${label}\` has its key in \`${before}\` elsewhere, here in \`${as}\``);
    } else said.set(label, as);
  };
  for (const { type, way, file } of graphs) {
    const before = owners.get(file.label);
    if (before !== undefined) {
      report.value(
        [...way, 'label'],
        `label \`${file.label}\` is that of type \`${before}\` already: two types would overwrite each other's nodes`,
      );
    }
    owners.set(file.label, type);
    say(file.label, file.as, way);
  }
  for (const { way, file } of graphs) {
    for (const [i, node] of (file.nodes ?? []).entries()) say(node.label, node.as, [...way, 'nodes', i]);
    for (const [i, { from, to }] of (file.edges ?? []).entries()) {
      if (from) say(from.label, from.as, [...way, 'edges', i, 'from']);
      if (to) say(to.label, to.as, [...way, 'edges', i, 'to']);
    }
  }
  return (label) => said.get(label) ?? defaultAs;
}

/** Who asserts edges of one type between the same labels: the records at one end, at both, or those of a third label. */
function sidesOf(graphs: readonly Site<GraphFile>[], report: Reporter) {
  const owners = new Map<string, Set<string>>();
  const place = ({ type, from, to }: EdgeFile, own: string): readonly [ends: string, owner: string] => [
    JSON.stringify([type, from?.label ?? own, to?.label ?? own]),
    from && to ? 'nobody' : from ? 'to' : 'from',
  ];
  const ownLabel = (way: Way): string => graphs.find(({ type }) => type === way[1])?.file.label ?? '';
  for (const { file } of graphs) {
    for (const edge of file.edges ?? []) {
      const [ends, owner] = place(edge, file.label);
      owners.set(ends, (owners.get(ends) ?? new Set()).add(owner));
    }
  }
  return {
    isTwoSided(edge: EdgeFile, way: Way): boolean {
      const [ends, owner] = place(edge, ownLabel(way));
      const all = owners.get(ends) ?? new Set();
      if (all.has('nobody') && all.size > 1) {
        report.value(
          way,
          `edge \`${edge.type}\` between these labels is once the record's own and once between two others`,
        );
      }
      return owner !== 'nobody' && all.has('from') && all.has('to');
    },
  };
}

/** Edges of one type between the same ends are one relationship: they must carry the same properties. */
function judgeProperties(edges: readonly DeclaredEdge[], way: Way, report: Reporter): void {
  const seen = new Map<string, string>();
  for (const [i, { type, from, to, properties }] of edges.entries()) {
    const ends = JSON.stringify([type, from?.label, to?.label]);
    const names = JSON.stringify(properties.map(({ name }) => name).sort());
    if ((seen.get(ends) ?? names) !== names) {
      report.value([...way, 'edges', i], `edge \`${type}\` stands here with other properties than before`);
    }
    seen.set(ends, names);
  }
}

function count(
  named: Map<string, Set<string>>,
  label: string,
  properties: readonly DeclaredProperty[],
  way: Way,
  report: Reporter,
): void {
  const all = named.get(label) ?? new Set();
  for (const { name } of properties) all.add(name);
  named.set(label, all);
  if (all.size > mostProperties) report.value(way, `label \`${label}\` has more than ${mostProperties} properties`);
}

/** A property is one value where its node stands; beyond it, a list of texts. */
function judgeLists(path: Path, { type }: PropertyFile, way: Way, lists: string, report: Reporter): void {
  const own = listsOf(path);
  if (lists.startsWith(own)) return;
  if (!own.startsWith(lists)) {
    report.value(way, `the path "${path.text}" goes through another list than the key does`);
  } else if (type !== 'text') {
    report.value(way, `the path "${path.text}" leads to many values; only texts make a list, and this is ${type}`);
  }
}

function longest(paths: readonly Path[], way: Way, report: Reporter): string {
  return longestOf(paths.map(listsOf), way, report);
}

function longestOf(lists: readonly string[], way: Way, report: Reporter): string {
  let last = '';
  for (const one of lists) {
    if (one.startsWith(last)) last = one;
    else if (!last.startsWith(one))
      report.value(way, 'the paths go through two different lists: which elements belong together?');
  }
  return last;
}
