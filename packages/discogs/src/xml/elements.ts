/** The record elements of a dump: the children of its root, as values, with where they begin. */
import { SaxesParser } from 'saxes';
import { type Place, placeAfter } from './chunks.ts';
import { addMember, elementValue, type Members, type Value } from './record.ts';

export interface Element {
  readonly value: Value;
  readonly at: Place;
}

/** Why reading stopped; the reader is of no use afterwards. */
export interface Stop {
  readonly reason: string;
  readonly at: Place;
  /** Index into the text last written from which a later record may begin. */
  readonly resume: number;
}

export interface ElementReader {
  /** Reads text that stands at `at` in the file. */
  write(text: string, at: Place): Stop | undefined;
  /** The records completed since the last call. */
  take(): Element[];
  /** Name of the root element, once it was read. */
  readonly root: string | undefined;
  /** True when the root was closed. */
  readonly closed: boolean;
  /** Where the record now open begins. */
  readonly record: Place | undefined;
}

/** Deeper than anything in a dump, and shallow enough for what reads the record later. */
const deepest = 100;

interface Frame {
  readonly name: string;
  members: Members | undefined;
  text: string;
}

/** What is thrown out of the parser to end it. */
class Halt extends Error {
  readonly index: number;
  constructor(reason: string, index: number) {
    super(reason);
    this.index = index;
  }
}

/** Whether what stands at `index` of `text` is in a CDATA section or a comment, given whether the text begins in one. */
function isLiteral(text: string, index: number, before: boolean): boolean {
  const open = Math.max(text.lastIndexOf('<![CDATA[', index), text.lastIndexOf('<!--', index));
  const closed = Math.max(text.lastIndexOf(']]>', index), text.lastIndexOf('-->', index));
  return open === closed ? before : open > closed;
}

/**
 * Index of the first ampersand that begins no entity, or -1. The parser would look for its semicolon through all the
 * records that follow.
 */
function bareAmpersand(text: string, literal: boolean): number {
  for (const { index } of text.matchAll(/&(?!(?:[A-Za-z_][\w.-]{0,30}|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)/g)) {
    if (!isLiteral(text, index, literal)) return index;
  }
  return -1;
}

/**
 * @param elementName The element of a record of that root, or undefined where the root is none that is known.
 * @param root Given when reading begins inside the root, at a record.
 */
export function createElementReader(elementName: (root: string) => string | undefined, root?: string): ElementReader {
  const parser = new SaxesParser();
  /** The root first, then the record, then what stands in it. */
  const frames: Frame[] = [];
  let rootName: string | undefined;
  let recordName: string | undefined;
  let done: Element[] = [];
  let closed = false;
  let record: Place | undefined;
  /** The text being read, and how far its place has been reckoned. */
  let current = '';
  let base = 0;
  /** Characters given to the parser. (Between writes its own `position` counts the last text twice.) */
  let written = 0;
  /** Whether the text written so far ends inside a CDATA section or a comment. */
  let literal = false;
  let known: { readonly index: number; readonly place: Place } = { index: 0, place: { line: 1, byte: 0 } };

  const placeAt = (index: number): Place => {
    const place = placeAfter(known.place, current.slice(known.index, index));
    known = { index, place };
    return place;
  };
  const index = (): number => Math.max(parser.position - base, 0);

  parser.on('opentagstart', ({ name }) => {
    // The parser stands behind the character that ended the name.
    const start = Math.max(index() - name.length - 2, 0);
    const parent = frames.at(-1);
    if (frames.length === 1) record = placeAt(start);
    // Only a label's list of sublabels holds elements named as the record is.
    else if (name === recordName && parent?.name !== 'sublabels') throw new Halt('the record is not closed', start);
    if (frames.length > deepest) throw new Halt(`the record nests deeper than ${deepest} elements`, index());
    if (parent === undefined) {
      recordName = elementName(name);
      if (recordName === undefined) throw new Halt('the root element is not that of the dump expected', start);
      rootName = name;
    } else if (frames.length === 1 && name !== recordName) {
      throw new Halt(`an element that is not a ${recordName} stands where a record should`, index());
    }
    frames.push({ name, members: undefined, text: '' });
  });
  parser.on('attribute', ({ name, value }) => {
    const frame = frames.at(-1);
    if (frame === undefined || frames.length === 1) return;
    frame.members ??= {};
    addMember(frame.members, `@${name}`, value);
  });
  parser.on('text', (text) => {
    const frame = frames.at(-1);
    if (frame !== undefined) frame.text += frames.length > 1 ? text : '';
  });
  parser.on('cdata', (text) => {
    const frame = frames.at(-1);
    if (frame !== undefined) frame.text += frames.length > 1 ? text : '';
  });
  /** Takes back the last end tag. The parser reports one before it finds that it is another's. */
  let reopen: (() => void) | undefined;
  parser.on('closetag', () => {
    reopen = undefined;
    const frame = frames.pop();
    if (frame === undefined) return;
    if (frames.length === 0) {
      closed = true;
      reopen = () => {
        closed = false;
      };
      return;
    }
    const value = elementValue(frame.members, frame.text);
    if (frames.length > 1) {
      const parent = frames.at(-1) as Frame;
      parent.members ??= {};
      addMember(parent.members, frame.name, value);
      return;
    }
    const at = record as Place;
    done.push({ value, at });
    record = undefined;
    reopen = () => {
      done.pop();
      record = at;
    };
  });
  parser.on('error', (error) => {
    if (error.message.endsWith('unexpected close tag.')) reopen?.();
    // What is found fault with may be the start of the next record: step back onto its bracket.
    const at = index();
    throw new Halt(error.message.replace(/^(?:[^:]*:)?\d+:\d+: /, ''), current[at - 1] === '<' ? at - 1 : at);
  });

  if (root !== undefined) {
    const tag = `<${root}>`;
    parser.write(tag);
    written = tag.length;
  }

  return {
    write(text, at) {
      current = text;
      base = written;
      written += text.length;
      known = { index: 0, place: at };
      const ampersand = bareAmpersand(text, literal);
      literal = isLiteral(text, text.length, literal);
      try {
        parser.write(ampersand < 0 ? text : text.slice(0, ampersand));
        if (ampersand >= 0) throw new Halt('an ampersand begins no entity', ampersand);
        return undefined;
      } catch (error) {
        if (!(error instanceof Halt)) throw error;
        return { reason: error.message, at: placeAfter(at, text.slice(0, error.index)), resume: error.index };
      }
    },
    take() {
      const taken = done;
      done = [];
      return taken;
    },
    get root() {
      return rootName;
    },
    get closed() {
      return closed;
    },
    get record() {
      return record;
    },
  };
}
