/** The reject file: one JSON object a line for every item that was not published, in the order of the input. */
import { isUtf8 } from 'node:buffer';
import { type FileHandle, open, rm, stat, truncate } from 'node:fs/promises';
import type { Item } from './item.ts';

export interface Rejects {
  readonly path: string;
  /** Bytes in the file, everything added included. */
  readonly length: number;
  add(file: string, item: Extract<Item, { is: 'refused' }>): void;
  /**
   * Cuts the file back to `length`: what an interrupted run wrote after its last saved position is found again. Called
   * before the first `add`; 0 removes the file, and nothing is created for an input without rejects.
   */
  cutTo(length: number): Promise<void>;
  /** Everything added is in the file when it resolves. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Bytes of the original kept in a reject: enough to mend and publish again, but a file of garbage stays bounded. */
export const keptOfReject = 64 * 1024;

/** One line of the file. `text` is the item as it stood; `base64` instead where it is not UTF-8. */
export function rejectLine(file: string, item: Extract<Item, { is: 'refused' }>): string {
  const raw = item.raw?.subarray(0, keptOfReject);
  const original =
    raw === undefined
      ? {}
      : isUtf8(raw)
        ? { text: Buffer.from(raw).toString('utf8') }
        : { base64: Buffer.from(raw).toString('base64') };
  const cut = raw !== undefined && raw.length < (item.raw?.length ?? 0) ? { truncated: true } : {};
  const { line, byte } = item.at;
  return `${JSON.stringify({
    file,
    line,
    byte,
    code: item.fault.code,
    reason: item.fault.reason,
    key: item.key,
    ...original,
    ...cut,
  })}\n`;
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
      const bytes = Buffer.from(rejectLine(name, item));
      pending.push(bytes);
      length += bytes.length;
    },
    async cutTo(wanted) {
      const stats = await stat(path).catch(() => undefined);
      // Only a regular file is cut: a pipe or /dev/null has nothing to cut.
      if (stats?.isFile() !== true) length = 0;
      else if (wanted === 0) {
        await rm(path);
        length = 0;
      } else {
        length = Math.min(stats.size, wanted);
        await truncate(path, length);
      }
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
