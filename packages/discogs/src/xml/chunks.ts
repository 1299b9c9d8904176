/** From a file's bytes to text: inflated where they are gzip, cut only between characters. */
import { isUtf8 } from 'node:buffer';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** A place in the uncompressed file: line from 1, byte from 0. */
export interface Place {
  readonly line: number;
  readonly byte: number;
}

/** The place after `text`, which begins at `place`. */
export function placeAfter(place: Place, text: string): Place {
  let line = place.line;
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) line++;
  return { line, byte: place.byte + Buffer.byteLength(text) };
}

/** The bytes of `source`, inflated when they begin like gzip: all members, one after the other. */
export async function* inflated(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  const chunks = source[Symbol.asyncIterator]();
  const ahead: Uint8Array[] = [];
  let head = Buffer.alloc(0);
  while (head.length < 2) {
    const next = await chunks.next();
    if (next.done === true) break;
    ahead.push(next.value);
    head = Buffer.concat(ahead);
  }
  const whole = replay(head, chunks);
  if (head[0] !== 0x1f || head[1] !== 0x8b) {
    yield* whole;
    return;
  }
  // A failure destroys the stream with its error, which is what the loop over it sees; the callback has nothing to add.
  const inflating = pipeline(Readable.from(whole, { objectMode: false }), createGunzip(), () => {});
  for await (const chunk of inflating) yield chunk as Buffer;
}

async function* replay(head: Buffer, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  try {
    if (head.length > 0) yield head;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      yield Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
  } finally {
    await rest.return?.();
  }
}

export interface TextChunk {
  readonly text: string;
  /** Where it begins in the file. */
  readonly at: Place;
}

/**
 * Text of successive chunks, the `last` of which may be empty, cut neither inside a character nor inside a short tag or entity. Bytes that are not UTF-8 come out as U+0000, which XML forbids, so that the record they
 * stand in is found fault with, and no other.
 */
export function createTextDecoder(): (chunk: Buffer, last: boolean) => TextChunk {
  let cut = Buffer.alloc(0);
  let at: Place = { line: 1, byte: 0 };
  return (chunk, last) => {
    const bytes = cut.length === 0 ? chunk : Buffer.concat([cut, chunk]);
    const end = last ? bytes.length : (openAt(bytes) ?? bytes.length - tailLength(bytes));
    const whole = bytes.subarray(0, end);
    cut = Buffer.from(bytes.subarray(end));
    const text = isUtf8(whole) ? whole.toString('utf8') : marked(whole);
    const begin = at;
    at = { line: placeAfter(at, text).line, byte: at.byte + whole.length };
    return { text, at: begin };
  };
}

/** Longest tag and longest entity that are kept whole: longer than any start tag of a record, any name of a character. */
const longestTag = 256;
const longestEntity = 40;

/** Where a tag or an entity begins that the chunk's end cuts in two. */
function openAt(bytes: Buffer): number | undefined {
  const begun = (start: number, end: number, longest: number): number | undefined => {
    const tail = Math.max(bytes.length - longest, 0);
    const open = bytes.subarray(tail).lastIndexOf(start);
    return open >= 0 && bytes.indexOf(end, tail + open) < 0 ? tail + open : undefined;
  };
  return begun(0x3c, 0x3e, longestTag) ?? begun(0x26, 0x3b, longestEntity);
}

/** How many bytes at the end begin a character that they do not complete. */
function tailLength(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0;
  }
  return 0;
}

/** Decodes line by line, so that a U+FFFD that really stands in the file is not taken for a bad byte elsewhere. */
function marked(bytes: Buffer): string {
  let text = '';
  let from = 0;
  while (from < bytes.length) {
    const newline = bytes.indexOf(0x0a, from);
    const to = newline < 0 ? bytes.length : newline + 1;
    const line = bytes.subarray(from, to);
    const decoded = line.toString('utf8');
    text += isUtf8(line) ? decoded : decoded.replaceAll('\ufffd', '\0');
    from = to;
  }
  return text;
}
