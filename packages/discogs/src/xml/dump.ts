/**
 * Streams a Discogs dump (`.xml`, or `.xml.gz` of any number of gzip members) as message bodies.
 *
 * A record that cannot be read costs that record: it is reported with its place, and reading goes on at the next record's
 * start. Only what leaves no such start ends the file: a broken archive, a file that stops in the middle.
 */
import { defaultLimits } from '@inator/runtime';
import { isRecordType, type RecordType } from '../types.ts';
import { createTextDecoder, inflated, type Place, placeAfter } from './chunks.ts';
import { createElementReader } from './elements.ts';
import { bodyOf } from './record.ts';

/** Where in the uncompressed file: line from 1, byte from 0, and which record it is, from 1. */
export interface DumpPosition extends Place {
  readonly record: number;
}

export interface DumpRecord {
  readonly is: 'record';
  readonly type: RecordType;
  readonly id: string;
  /** The message body, as the extractor publishes it. */
  readonly body: Buffer;
  /** Where its start tag begins. */
  readonly position: DumpPosition;
}

export interface DumpError {
  readonly is: 'error';
  readonly reason: string;
  /** True when the file could not be read to its end: the last item. */
  readonly fatal: boolean;
  /** Where the record begins that cannot be read; for a fatal error outside a record, where the file broke. */
  readonly position: DumpPosition;
}

export type DumpItem = DumpRecord | DumpError;

export interface DumpOptions {
  /** What the file must hold. Left out: what its root element says. */
  readonly type?: RecordType;
  /** Bytes of one record's XML, checked once a chunk. Default: the limit of a body, 8 MiB. */
  readonly recordBytes?: number;
}

/**
 * The items of a dump in the order of the file, errors among them; never throws for what the file holds. Reads one chunk
 * of `source` when asked for more, so a slow consumer holds the reading back.
 */
export async function* readDump(
  source: AsyncIterable<Uint8Array>,
  options: DumpOptions = {},
): AsyncGenerator<DumpItem, void, undefined> {
  const file = createDumpFile(options);
  try {
    for await (const chunk of inflated(source)) {
      yield* file.push(chunk);
      if (file.broken) return;
    }
  } catch (error) {
    yield file.cutShort(`the file cannot be read on: ${error instanceof Error ? error.message : String(error)}`);
    return;
  }
  yield* file.end();
}

/** A record's element, and what its start tag looks like; a sublabel is a `label` too, but holds no elements. */
const shapes: Readonly<Record<RecordType, { readonly element: string; readonly start: RegExp }>> = {
  artists: { element: 'artist', start: /<artist>/ },
  labels: { element: 'label', start: /<label>\s*<[^/]/ },
  masters: { element: 'master', start: /<master\s/ },
  releases: { element: 'release', start: /<release\s/ },
};

/** Kept of text without a start, because what tells a record's tag from a sublabel's may come with the next chunk. */
const overlap = 64;

function createDumpFile(options: DumpOptions) {
  const limit = options.recordBytes ?? defaultLimits.recordBytes;
  const decode = createTextDecoder();
  const elementName = (root: string): string | undefined =>
    isRecordType(root) && (options.type ?? root) === root ? shapes[root].element : undefined;

  let elements = createElementReader(elementName);
  let type: RecordType | undefined;
  let items: DumpItem[] = [];
  let records = 0;
  let broken = false;
  /** Where the text after the last chunk begins. */
  let reached: Place = { line: 1, byte: 0 };
  /** The text in which the record after a bad one has not been found yet. */
  let searching: { text: string; at: Place } | undefined;

  const error = (reason: string, fatal: boolean, at: Place): DumpError => {
    if (fatal) broken = true;
    return { is: 'error', reason, fatal, position: { line: at.line, byte: at.byte, record: records } };
  };

  const collect = (): void => {
    if (type === undefined && elements.root !== undefined && isRecordType(elements.root)) type = elements.root;
    for (const { value, at } of elements.take()) {
      records++;
      const made = bodyOf(type as RecordType, value);
      if (made === undefined) items.push(error('the record has no id', false, at));
      else {
        const position = { line: at.line, byte: at.byte, record: records };
        items.push({ is: 'record', type: type as RecordType, id: made.id, body: made.body, position });
      }
    }
  };

  /** Reads `text` up to its end or to a fault; what is left after the fault, or nothing. */
  const read = (text: string, at: Place): { text: string; at: Place } | undefined => {
    const stop = elements.write(text, at);
    collect();
    const { record } = elements;
    if (stop === undefined) {
      if (record === undefined || placeAfter(at, text).byte - record.byte <= limit) return undefined;
      records++;
      items.push(error(`the record is longer than ${limit} bytes`, false, record));
      return { text: '', at: placeAfter(at, text) };
    }
    if (record !== undefined) records++;
    items.push(error(stop.reason, type === undefined || elements.closed, record ?? stop.at));
    return broken ? undefined : { text: text.slice(stop.resume), at: stop.at };
  };

  const feed = (chunk: { readonly text: string; readonly at: Place }): void => {
    let rest: { text: string; at: Place } | undefined = chunk;
    while (rest !== undefined) {
      if (searching !== undefined && type !== undefined) {
        const from: number = shapes[type].start.exec(rest.text)?.index ?? -1;
        const keep: number = from < 0 ? Math.max(rest.text.length - overlap, 0) : from;
        rest = { text: rest.text.slice(keep), at: placeAfter(rest.at, rest.text.slice(0, keep)) };
        searching = from < 0 ? rest : undefined;
        if (searching !== undefined) return;
        elements = createElementReader(elementName, type);
      }
      searching = read(rest.text, rest.at);
      rest = searching;
    }
  };

  return {
    get broken(): boolean {
      return broken;
    },
    *push(bytes: Buffer, last = false): Generator<DumpItem, void, undefined> {
      const chunk = decode(bytes, last);
      reached = placeAfter(chunk.at, chunk.text);
      feed(searching === undefined ? chunk : { text: searching.text + chunk.text, at: searching.at });
      const found = items;
      items = [];
      yield* found;
    },
    cutShort(reason: string): DumpItem {
      if (elements.record !== undefined && searching === undefined) records++;
      return error(reason, true, elements.record ?? reached);
    },
    *end(): Generator<DumpItem, void, undefined> {
      yield* this.push(Buffer.alloc(0), true);
      const closed = searching === undefined ? elements.closed : searching.text.includes(`</${type}>`);
      if (!broken && !closed) yield this.cutShort('the file ends before its root element is closed');
    },
  };
}
