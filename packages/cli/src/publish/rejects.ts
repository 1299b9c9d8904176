/** The reject file: one JSON object a line for every item that was not published, in the order of the input. */
import { isUtf8 } from 'node:buffer';
import { type FileHandle, open, rm, stat, truncate } from 'node:fs/promises';
import { safeJson } from '../dlq/text.ts';
import { CliError } from '../exit.ts';
import type { Item } from './item.ts';

export interface Rejects {
  /** `standard error` where they are shown there, null where no place holds all of them. */
  readonly path: string | null;
  /** Bytes in the file, everything added included. */
  readonly length: number;
  add(file: string, item: Refused): void;
  /**
   * Cuts the file back to `length`: what an interrupted run wrote after its last saved position is found again. Called
   * before the first `add`; 0 removes the file, and nothing is created for an input without rejects. Rejects, and cuts
   * nothing, where the file is no reject file.
   */
  cutTo(length: number): Promise<void>;
  /** Counts `length` bytes as there, and leaves what follows to the next `cutTo`. */
  pass(length: number): void;
  /** Everything added is in the file when it resolves. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export type Refused = Extract<Item, { is: 'refused' }>;

/** How `path` calls standard error. */
export const standardError = 'standard error';

/** Bytes of the original kept in a reject: enough to mend and publish again, but a file of garbage stays bounded. */
export const keptOfReject = 64 * 1024;

/** What a line of the file tells. `text` is the item as it stood; `base64` instead where it is not UTF-8. */
function rejectOf(file: string, item: Refused): object {
  const raw = item.raw?.subarray(0, keptOfReject);
  const original =
    raw === undefined
      ? {}
      : isUtf8(raw)
        ? { text: Buffer.from(raw).toString('utf8') }
        : { base64: Buffer.from(raw).toString('base64') };
  const cut = raw !== undefined && raw.length < (item.raw?.length ?? 0) ? { truncated: true } : {};
  const { line, byte } = item.at;
  const { code, reason } = item.fault;
  return { file, line, byte, code, reason, key: item.key, ...original, ...cut };
}

/** Bytes that hold the first line of a reject file whole: a character of what is kept takes six at most. */
const firstLineBytes = 8 * keptOfReject;

/** True of a file that may be replaced: it is empty, or its first line is a reject. */
export async function isRejectFile(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(firstLineBytes), 0, firstLineBytes, 0);
    if (bytesRead === 0) return true;
    const [first = ''] = buffer.subarray(0, bytesRead).toString('utf8').split('\n', 1);
    const found = JSON.parse(first) as unknown;
    if (typeof found !== 'object' || found === null) return false;
    const { file: name, byte, code, reason } = found as Readonly<Record<string, unknown>>;
    return [name, code, reason].every((text) => typeof text === 'string') && typeof byte === 'number';
  } catch {
    return false;
  } finally {
    await file.close();
  }
}

/** Shows rejects on standard error, the first `most` of them. */
export function createShownRejects(show: (line: string) => void, most: number | undefined): Rejects {
  let shown = 0;
  return {
    path: most === undefined ? standardError : null,
    length: 0,
    add(name, item) {
      shown += 1;
      if (most === undefined || shown <= most) show(safeJson(rejectOf(name, item)));
    },
    cutTo: () => Promise.resolve(),
    pass() {},
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

export function createRejects(path: string): Rejects {
  let file: FileHandle | undefined;
  let pending: Buffer[] = [];
  let length = 0;
  let flushing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    if (pending.length === 0) return;
    const bytes = Buffer.concat(pending);
    pending = [];
    file ??= await open(path, 'a');
    await file.appendFile(bytes);
  }

  return {
    path,
    get length() {
      return length;
    },
    add(name, item) {
      const bytes = Buffer.from(`${JSON.stringify(rejectOf(name, item))}\n`);
      pending.push(bytes);
      length += bytes.length;
    },
    async cutTo(wanted) {
      const stats = await stat(path).catch(() => undefined);
      // Only a regular file is cut: a pipe or /dev/null has nothing to cut.
      if (stats?.isFile() !== true) {
        length = 0;
        return;
      }
      if (!(await isRejectFile(path))) {
        throw new CliError(`rejects cannot be written to ${path}: it is no reject file, and would be replaced`, {
          next: 'name another file for them: --rejects PATH',
        });
      }
      if (wanted === 0) {
        // Where the directory may not be changed, an empty file does as well.
        await rm(path).catch(() => truncate(path));
        length = 0;
      } else {
        length = Math.min(stats.size, wanted);
        await truncate(path, length);
      }
    },
    pass(wanted) {
      length = wanted;
    },
    flush() {
      // One after the other: two writes at once would tear lines.
      flushing = flushing.then(write);
      return flushing;
    },
    async close() {
      await this.flush();
      await file?.close();
      file = undefined;
    },
  };
}
