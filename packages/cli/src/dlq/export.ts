/** Letters as JSONL, into a file that nobody else may read, or to standard output. */
import { type FileHandle, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CliError, messageOf } from '../exit.ts';
import type { Io } from '../io.ts';
import { safeJson } from './text.ts';

export interface Lines {
  add(value: object): void | Promise<void>;
  /** Resolves when everything is on disk. */
  close(): Promise<void>;
}

/** Bytes gathered before they are written. */
const chunkBytes = 256 * 1024;

async function toFile(path: string): Promise<Lines> {
  let file: FileHandle;
  try {
    // Never over an earlier export; for its owner alone, because letters hold records.
    file = await open(path, 'wx', 0o600);
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new CliError(exists ? `${path} exists already` : `${path} cannot be written: ${messageOf(error)}`, {
      next: exists ? 'name another file, or remove it' : 'name another file',
      cause: error,
    });
  }
  let chunk: string[] = [];
  let bytes = 0;
  async function flush(): Promise<void> {
    const text = chunk.join('');
    chunk = [];
    bytes = 0;
    await file.writeFile(text);
  }
  return {
    add(value) {
      const line = `${JSON.stringify(value)}\n`;
      chunk.push(line);
      bytes += line.length;
      return bytes > chunkBytes ? flush() : undefined;
    },
    async close() {
      await flush();
      await file.sync();
      await file.close();
    },
  };
}

/** `-` is standard output. Throws `CliError` when the file exists. */
export function openExport(io: Io, path: string): Promise<Lines> {
  if (path !== '-') return toFile(resolve(io.cwd, path));
  return Promise.resolve({
    add(value) {
      // Perhaps a terminal: what would act on it is escaped, which JSON readers undo.
      io.stdout.write(`${safeJson(value)}\n`);
    },
    close: () => Promise.resolve(),
  });
}
