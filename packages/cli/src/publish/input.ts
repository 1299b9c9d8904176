/** An input as bytes: a file or standard input, decompressed when it is gzip (by its magic bytes, all its members). */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CliError, messageOf } from '../exit.ts';

export interface Input {
  /** As the person named it; `-` for standard input. */
  readonly name: string;
  /** True for a regular file: it can be read again, so a run over it can be resumed. */
  readonly file: boolean;
  readonly gzip: boolean;
  /** Bytes on disk; undefined where nobody knows. */
  readonly size: number | undefined;
  /** Bytes of `size` that were read so far: what progress is measured by. */
  read(): number;
  /** The first decompressed chunk, for sniffing. It comes again in `chunks`. */
  readonly head: Buffer;
  /** The decompressed bytes from offset `from`. May be taken once. */
  chunks(from: number): AsyncIterable<Buffer>;
  /** Ends the reading; idempotent. */
  close(): void;
}

/** Bytes asked for at a time: fewer trips to the thread pool than the 64 KiB of the default. */
const readBytes = 256 * 1024;

function isGzip(head: Buffer): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** Takes chunks until there are `bytes` of them, and gives an iterable that starts with what was taken. */
async function peek(
  chunks: AsyncIterable<Buffer>,
  bytes: number,
): Promise<{ head: Buffer; all: AsyncIterable<Buffer> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.length < bytes) {
    const result = await iterator.next();
    if (result.done === true) break;
    head = Buffer.concat([head, result.value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    try {
      if (head.length > 0) yield head;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { head, all: all() };
}

/** Drops the first `bytes`; ends quietly when there are fewer. */
async function* dropped(chunks: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const chunk of chunks) {
    if (chunk.length <= left) left -= chunk.length;
    else {
      yield chunk.subarray(left);
      left = 0;
    }
  }
}

/** Decompresses member after member; fails on damaged data and on an end in the middle of a member. */
function gunzipped(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  // The failure reaches whoever iterates; here is nothing to do about it.
  return pipeline(Readable.from(chunks, { objectMode: false }), createGunzip(), () => undefined);
}

/** A failure of reading, as a sentence that names the input. */
function failure(name: string, error: unknown): CliError {
  if (error instanceof CliError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const why =
    code === 'ENOENT'
      ? 'there is no such file'
      : code.startsWith('Z_')
        ? `the gzip data is damaged or cut short (${messageOf(error)})`
        : messageOf(error);
  return new CliError(`${name}: ${why}`, { cause: error });
}

async function* named(name: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* chunks;
  } catch (error) {
    throw failure(name, error);
  }
}

/** The file at `path`, or standard input for `-`. The failure to open it names it. */
export async function openInput(path: string, stdin: Readable): Promise<Input> {
  const name = path === '-' ? '-' : basename(path);
  try {
    const stats = path === '-' ? undefined : await stat(path);
    if (stats?.isDirectory() === true) {
      throw new CliError(`${path} is a directory`, { next: `name its files: inator publish ${path}/*` });
    }
    const file = stats?.isFile() === true;
    let read = 0;
    let source: Readable | undefined;

    async function* raw(start: number): AsyncGenerator<Buffer> {
      read = start;
      source = path === '-' ? stdin : createReadStream(path, { highWaterMark: readBytes, start });
      for await (const chunk of source) {
        const bytes = chunk as Buffer;
        read += bytes.length;
        yield bytes;
      }
    }

    const start = await peek(raw(0), 2);
    const gzip = isGzip(start.head);
    const content = gzip ? await peek(gunzipped(start.all), 1) : start;
    return {
      name: path === '-' ? 'standard input' : name,
      file,
      gzip,
      size: file ? stats.size : undefined,
      head: content.head,
      read: () => read,
      chunks(from) {
        if (from === 0) return named(name, content.all);
        if (!file || gzip) return named(name, dropped(content.all, from));
        source?.destroy();
        return named(name, raw(from));
      },
      close() {
        source?.destroy();
      },
    };
  } catch (error) {
    throw failure(path, error);
  }
}
