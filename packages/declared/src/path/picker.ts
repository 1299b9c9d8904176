/**
 * Finds the values of given paths in a body, in one pass over its bytes and without building the rest.
 *
 * Nothing is parsed that nobody asked for, and a number stays the text it was: a value of JSON.parse would already have
 * lost the digits beyond a double. What is found equals what PostgreSQL's jsonb would find: of a member that stands twice
 * the last counts, with everything in it.
 */
import type { MemberKind } from '@inator/runtime';
import type { Path } from './path.ts';

/** A value and where it stands in the body: strings without their quotes, objects and lists with their brackets. */
export interface Found {
  readonly kind: MemberKind;
  readonly start: number;
  readonly end: number;
  /** The string holds an escape, so that its bytes are not yet its text. */
  readonly escaped: boolean;
  /** Of an object that is looked into: the wanted members, by their number in the plan. */
  readonly members: readonly (Found | undefined)[] | undefined;
  /** Of a list that is looked into. */
  readonly elements: readonly Found[] | undefined;
}

/** One step of a path, resolved: the number of a wanted member, each element, or one. */
export type Hop =
  | { readonly is: 'member'; readonly index: number }
  | { readonly is: 'each' }
  | { readonly is: 'at'; readonly index: number };

export interface Route {
  readonly text: string;
  readonly hops: readonly Hop[];
}

export interface Picker {
  /** Total for bodies that a scan has passed (`createEnvelopeReader`); given anything else it may read rubbish. */
  pick(body: Uint8Array): Found;
  route(path: Path): Route;
}

interface Want {
  readonly names: string[];
  readonly bytes: Buffer[];
  readonly members: Want[];
  element: Want | undefined;
}

const newWant = (): Want => ({ names: [], bytes: [], members: [], element: undefined });

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** A picker of `paths`; only these may be asked for with `route`. */
export function createPicker(paths: readonly Path[]): Picker {
  const root = newWant();
  const routes = new Map(paths.map((path) => [path.text, routeIn(root, path)]));

  let bytes: Uint8Array = Buffer.alloc(0);
  /** The next byte to look at. */
  let at = 0;

  const skipSpace = (): void => {
    while ((bytes[at] as number) <= 0x20) at += 1;
  };
  /** Leaves a string whose opening quote is at `at`; true when it holds an escape. */
  const skipString = (): boolean => {
    let escaped = false;
    at += 1;
    for (;;) {
      const byte = bytes[at];
      if (byte === quote || byte === undefined) break;
      if (byte === backslash) {
        escaped = true;
        at += 1;
      }
      at += 1;
    }
    at += 1;
    return escaped;
  };
  const skipScalar = (): void => {
    for (; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (byte <= 0x20 || byte === comma || byte === closeBrace || byte === closeBracket) return;
    }
  };
  const skip = (): void => {
    const first = bytes[at];
    if (first === quote) {
      skipString();
      return;
    }
    if (first !== openBrace && first !== openBracket) {
      skipScalar();
      return;
    }
    for (let depth = 0; at < bytes.length; ) {
      const byte = bytes[at];
      if (byte === quote) {
        skipString();
        continue;
      }
      if (byte === openBrace || byte === openBracket) depth += 1;
      else if (byte === closeBrace || byte === closeBracket) depth -= 1;
      at += 1;
      if (depth === 0) return;
    }
  };

  const indexOfKey = (want: Want, start: number, end: number, escaped: boolean): number => {
    if (escaped) return want.names.indexOf(unescaped(bytes, start, end));
    for (let k = 0; k < want.bytes.length; k += 1) {
      const name = want.bytes[k] as Buffer;
      if (name.length !== end - start) continue;
      let i = 0;
      while (i < name.length && name[i] === bytes[start + i]) i += 1;
      if (i === name.length) return k;
    }
    return -1;
  };

  const object = (want: Want): Found => {
    const start = at;
    if (want.members.length === 0) {
      skip();
      return { kind: 'object', start, end: at, escaped: false, members: undefined, elements: undefined };
    }
    const members: (Found | undefined)[] = new Array(want.members.length).fill(undefined);
    at += 1;
    for (skipSpace(); bytes[at] === quote; skipSpace()) {
      const key = at + 1;
      const escaped = skipString();
      const index = indexOfKey(want, key, at - 1, escaped);
      skipSpace();
      at += 1; // the colon
      skipSpace();
      if (index < 0) skip();
      else members[index] = value(want.members[index] as Want);
      skipSpace();
      if (bytes[at] === comma) at += 1;
    }
    at += 1;
    return { kind: 'object', start, end: at, escaped: false, members, elements: undefined };
  };

  const list = (want: Want): Found => {
    const start = at;
    if (want.element === undefined) {
      skip();
      return { kind: 'array', start, end: at, escaped: false, members: undefined, elements: undefined };
    }
    const elements: Found[] = [];
    at += 1;
    for (skipSpace(); at < bytes.length && bytes[at] !== closeBracket; skipSpace()) {
      elements.push(value(want.element));
      skipSpace();
      if (bytes[at] === comma) at += 1;
    }
    at += 1;
    return { kind: 'array', start, end: at, escaped: false, members: undefined, elements };
  };

  const value = (want: Want): Found => {
    const start = at;
    const first = bytes[at];
    if (first === openBrace) return object(want);
    if (first === openBracket) return list(want);
    const scalar = { members: undefined, elements: undefined };
    if (first === quote) {
      const escaped = skipString();
      return { kind: 'string', start: start + 1, end: at - 1, escaped, ...scalar };
    }
    skipScalar();
    const kind = first === 0x6e ? 'null' : first === 0x74 || first === 0x66 ? 'boolean' : 'number';
    return { kind, start, end: at, escaped: false, ...scalar };
  };

  return {
    pick(body) {
      bytes = body;
      at = 0;
      skipSpace();
      const found = value(root);
      bytes = nothing;
      return found;
    },
    route(path) {
      const route = routes.get(path.text);
      if (route === undefined) throw new RangeError(`the path ${path.text} was not planned for`);
      return route;
    },
  };
}

/** A picker must not keep the last body alive. */
const nothing = new Uint8Array(0);

function routeIn(root: Want, path: Path): Route {
  let want = root;
  const hops = path.steps.map((step): Hop => {
    if (step.is !== 'member') {
      want.element ??= newWant();
      want = want.element;
      return step;
    }
    let index = want.names.indexOf(step.name);
    if (index < 0) {
      index = want.names.length;
      want.names.push(step.name);
      want.bytes.push(Buffer.from(step.name));
      want.members.push(newWant());
    }
    want = want.members[index] as Want;
    return { is: 'member', index };
  });
  return { text: path.text, hops };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function unescaped(bytes: Uint8Array, start: number, end: number): string {
  return JSON.parse(asBuffer(bytes).toString('utf8', start - 1, end + 1)) as string;
}

/** The text of a string; of any other scalar its source text. */
export function textOf(body: Uint8Array, { escaped, start, end }: Found): string {
  return escaped ? unescaped(body, start, end) : asBuffer(body).toString('utf8', start, end);
}

/** The JSON text of a value, byte for byte. */
export function sourceOf(body: Uint8Array, { kind, start, end }: Found): Uint8Array {
  return kind === 'string' ? body.subarray(start - 1, end + 1) : body.subarray(start, end);
}
