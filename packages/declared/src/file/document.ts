/** The text of a model file as a value, with the place of everything in it. YAML 1.2; JSON is read as the YAML it is. */
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';

export interface Place {
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
}

export interface ModelFault extends Place {
  readonly reason: string;
}

export type Way = readonly (string | number)[];

export interface ModelDocument {
  readonly value: unknown;
  /** Where the value at `way` stands; of what is absent, where its parent stands. */
  placeOf(way: Way): Place;
  /** Where the name of the member at `way` stands. */
  placeOfName(way: Way): Place;
}

/** Characters of the largest model file: what is larger is another file given by mistake. */
const largestFile = 1024 * 1024;
const start: Place = { line: 1, column: 1 };

export function readDocument(text: string): ModelDocument | { readonly faults: readonly ModelFault[] } {
  if (text.length > largestFile) {
    return {
      faults: [{ ...start, reason: `the file has ${text.length} characters; a model has at most ${largestFile}` }],
    };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true, uniqueKeys: true });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const wrong: readonly YAMLError[] = [...document.errors, ...document.warnings];
  if (wrong.length > 0) {
    return { faults: wrong.map(({ pos, message }) => ({ ...placeAt(pos[0]), reason: lowerFirst(message) })) };
  }
  const dangling: ModelFault[] = [];
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return;
      const reason = `the alias \`*${alias.source}\` refers to an anchor that is not there`;
      dangling.push({ ...placeAt(alias.range?.[0] ?? 0), reason });
    },
  });
  if (dangling.length > 0) return { faults: dangling };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch {
    return { faults: [{ ...start, reason: 'the aliases of the file refer to too much' }] };
  }
  const offsetOf = (node: Node | null | undefined): number | undefined => node?.range?.[0];
  return {
    value,
    placeOf: (way) => placeAt(offsetOf(nearestNode(document, way)) ?? 0),
    placeOfName(way) {
      const parent = nearestNode(document, way.slice(0, -1));
      const name = String(way.at(-1));
      const pair = isMap(parent)
        ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === name)
        : undefined;
      const key = isPair(pair) ? pair.key : undefined;
      return placeAt((isScalar(key) ? offsetOf(key) : undefined) ?? offsetOf(parent) ?? 0);
    },
  };
}

/** The node at `way`, or the last one on the way that is there and stands somewhere. */
function nearestNode(document: Document, way: Way): Node | null | undefined {
  let node = resolved(document, document.contents);
  let nearest = node;
  for (const step of way) {
    let next: unknown;
    if (isMap(node)) next = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))?.value;
    else if (isSeq(node)) next = node.items[Number(step)];
    node = resolved(document, next as Node | null | undefined);
    if (node === null || node === undefined) break;
    if (node.range !== undefined) nearest = node;
  }
  return nearest;
}

function resolved(document: Document, node: Node | null | undefined): Node | null | undefined {
  return isAlias(node) ? node.resolve(document) : node;
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
