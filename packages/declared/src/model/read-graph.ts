/** A record's part in the graph: what the paths of its edges and nodes lead to. */
import type { EdgeRow, NodeRow, Properties, PropertyValue } from '@inator/runtime';
import type { Found, Picker } from '../path/picker.ts';
import {
  type Lists,
  listsIn,
  type Relative,
  relativeTo,
  type Standing,
  through,
  valueAt,
  valuesAt,
} from '../path/walk.ts';
import { propertyOf, type ToProperty } from '../value/property.ts';
import { Wrong } from '../value/wrong.ts';
import { keyOf, type Scalar } from './read-key.ts';
import type { DeclaredEdge, DeclaredGraph, DeclaredNode, DeclaredProperty } from './types.ts';

export interface GraphValues {
  readonly key: string;
  readonly properties: Properties;
  /** By further node of the model, then by edge: the nodes at its ends that are not the record's own. */
  readonly nodes: readonly (readonly NodeRow[])[];
  readonly edges: readonly EdgeValues[];
}

export interface EdgeValues {
  readonly from: readonly NodeRow[];
  readonly to: readonly NodeRow[];
  readonly rows: readonly EdgeRow[];
}

/** A picker's values as the rules of keys see them. */
export type ScalarOf = (body: Uint8Array, found: Found | undefined | Wrong) => Scalar;

type ReadProperties = (
  body: Uint8Array,
  root: Found,
  standing: Standing,
) => Record<string, PropertyValue | null> | Wrong;
type ReadNode = (body: Uint8Array, root: Found, standing: Standing) => NodeRow | undefined | Wrong;

export type ReadGraph = (body: Uint8Array, root: Found, key: string) => GraphValues | Wrong;

const none: readonly never[] = [];

export function createGraphReader(graph: DeclaredGraph, picker: Picker, scalarOf: ScalarOf): ReadGraph {
  const propertyReader = (properties: readonly DeclaredProperty[], depth: number, of: string): ReadProperties => {
    const readers = properties.map((property) => oneProperty(property, picker, depth, of));
    return (body, root, standing) => {
      const values: Record<string, PropertyValue | null> = {};
      for (const { name, read } of readers) {
        const value = read(body, root, standing);
        if (value instanceof Wrong) return value;
        values[name] = value;
      }
      return values;
    };
  };

  const nodeReader = (node: DeclaredNode, depth: number): ReadNode => {
    const keys = node.key.map((path) => relativeTo(picker.route(path), depthOf(path, depth, picker)));
    const names = keys.map(({ text }) => `the key ${text} of a ${node.label}`);
    const readProperties = propertyReader(node.properties, depth, node.label);
    return (body, root, standing) => {
      const key = keyOf(
        keys.map((relative) => scalarOf(body, valueAt(root, standing, relative))),
        names,
      );
      // A blank reference names nothing, as an absent one.
      if (key instanceof Wrong) return isBlank(body, root, standing, keys, scalarOf) ? undefined : key;
      if (key === undefined) return undefined;
      const properties = readProperties(body, root, standing);
      return properties instanceof Wrong ? properties : { key, properties };
    };
  };

  const ownProperties = propertyReader(graph.properties, 0, graph.label);
  const nodes = graph.nodes.map((node) => {
    const lists = listsOfNode(node, picker);
    return { lists, read: nodeReader(node, lists.length), what: `the ${node.label} of a record` };
  });
  const edges = graph.edges.map((edge) => edgeReader(edge, picker, nodeReader, propertyReader));

  return (body, root, key) => {
    const properties = ownProperties(body, root, []);
    if (properties instanceof Wrong) return properties;
    const rowsByNode: NodeRow[][] = [];
    for (const { lists, read, what } of nodes) {
      const rows: NodeRow[] = [];
      const wrong = through(root, lists, (standing) => {
        const row = read(body, root, standing);
        if (row instanceof Wrong) return row;
        if (row !== undefined) rows.push(row);
        return undefined;
      });
      if (wrong !== undefined)
        return wrong.says.startsWith('the ') ? wrong : new Wrong(wrong.code, `${what}: ${wrong.says}`);
      rowsByNode.push(rows);
    }
    const values: EdgeValues[] = [];
    for (const read of edges) {
      const found = read(body, root, key);
      if (found instanceof Wrong) return found;
      values.push(found);
    }
    return { key, properties, nodes: rowsByNode, edges: values };
  };
}

function edgeReader(
  edge: DeclaredEdge,
  picker: Picker,
  nodeReader: (node: DeclaredNode, depth: number) => ReadNode,
  propertyReader: (properties: readonly DeclaredProperty[], depth: number, of: string) => ReadProperties,
): (body: Uint8Array, root: Found, key: string) => EdgeValues | Wrong {
  const listed = [edge.from, edge.to].map((node) => (node === undefined ? [] : listsOfNode(node, picker)));
  const lists = listed.reduce((longest, one) => (one.length > longest.length ? one : longest));
  const from = edge.from && nodeReader(edge.from, lists.length);
  const to = edge.to && nodeReader(edge.to, lists.length);
  const readProperties =
    edge.properties.length === 0 ? undefined : propertyReader(edge.properties, lists.length, edge.type);
  return (body, root, key) => {
    const froms: NodeRow[] = [];
    const tos: NodeRow[] = [];
    const rows: EdgeRow[] = [];
    const wrong = through(root, lists, (standing) => {
      const start = from?.(body, root, standing);
      if (start instanceof Wrong) return start;
      const end = to?.(body, root, standing);
      if (end instanceof Wrong) return end;
      if ((from !== undefined && start === undefined) || (to !== undefined && end === undefined)) return undefined;
      const properties = readProperties?.(body, root, standing);
      if (properties instanceof Wrong) return properties;
      if (start !== undefined) froms.push(start);
      if (end !== undefined) tos.push(end);
      rows.push({ from: start?.key ?? key, to: end?.key ?? key, ...(properties === undefined ? {} : { properties }) });
      return undefined;
    });
    if (wrong !== undefined) return new Wrong(wrong.code, `edge ${edge.type}: ${wrong.says}`);
    return { from: from === undefined ? none : froms, to: to === undefined ? none : tos, rows };
  };
}

function oneProperty(property: DeclaredProperty, picker: Picker, depth: number, of: string) {
  const { name, type, path, time } = property;
  const convert: ToProperty = propertyOf(type, time);
  const relative = relativeTo(picker.route(path), depthOf(path, depth, picker));
  const isList = relative.hops.some(({ is }) => is === 'each');
  const where = (wrong: Wrong): Wrong =>
    new Wrong(wrong.code, `property ${name} of ${of} (${path.text}): ${wrong.says}`);
  const one = (body: Uint8Array, found: Found): PropertyValue | null | Wrong => {
    const value = convert(body, found);
    return value instanceof Wrong ? where(value) : value;
  };
  return {
    name,
    read(body: Uint8Array, root: Found, standing: Standing): PropertyValue | null | Wrong {
      if (!isList) {
        const found = valueAt(root, standing, relative);
        if (found instanceof Wrong) return where(found);
        return found === undefined ? null : one(body, found);
      }
      const all = valuesAt(root, standing, relative);
      if (all instanceof Wrong) return where(all);
      const texts: string[] = [];
      for (const found of all) {
        const value = one(body, found);
        if (value instanceof Wrong) return value;
        if (typeof value === 'string') texts.push(value);
      }
      // Neo4j tells an empty list from none; a record that has none says nothing.
      return texts.length === 0 ? null : texts;
    },
  };
}

function isBlank(
  body: Uint8Array,
  root: Found,
  standing: Standing,
  keys: readonly Relative[],
  scalarOf: ScalarOf,
): boolean {
  return keys.some((relative) => {
    const value = scalarOf(body, valueAt(root, standing, relative));
    return value !== undefined && !(value instanceof Wrong) && value.text?.trim() === '';
  });
}

/** The lists that a node's key goes through: those of the path that goes through most; the others share their beginning. */
function listsOfNode({ key }: DeclaredNode, picker: Picker): Lists {
  return key
    .map((path) => listsIn(picker.route(path)))
    .reduce((longest, lists) => (lists.length > longest.length ? lists : longest), []);
}

/** How many of the lists gone through a path shares; the check of the file has seen to it that it shares a beginning. */
function depthOf(path: DeclaredProperty['path'], depth: number, picker: Picker): number {
  return Math.min(depth, listsIn(picker.route(path)).length);
}
