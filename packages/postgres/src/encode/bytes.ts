/** Bytes that grow while rows are encoded into them, and are used again by the next batch. */

export interface Bytes {
  buffer: Buffer;
  /** Where the next byte goes; everything before it is written. */
  at: number;
}

/** Buffers larger than this are not kept for the next batch: one huge batch must not pin its memory for ever. */
export const retainedBytes = 4 * 1024 * 1024;

const firstBytes = 256 * 1024;

export function newBytes(size = firstBytes): Bytes {
  return { buffer: Buffer.allocUnsafeSlow(size), at: 0 };
}

/** Makes room for `count` more bytes. Growing copies, so callers keep no reference to `buffer` across it. */
export function reserve(out: Bytes, count: number): void {
  const needed = out.at + count;
  if (needed <= out.buffer.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(needed, out.buffer.length * 2));
  out.buffer.copy(larger, 0, 0, out.at);
  out.buffer = larger;
}

export function putInt16(out: Bytes, value: number): void {
  reserve(out, 2);
  const { buffer } = out;
  buffer[out.at] = value >> 8;
  buffer[out.at + 1] = value;
  out.at += 2;
}

export function putInt32(out: Bytes, value: number): void {
  reserve(out, 4);
  setInt32(out.buffer, out.at, value);
  out.at += 4;
}

/** The caller has reserved the four bytes. */
export function setInt32(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value >> 24;
  buffer[at + 1] = value >> 16;
  buffer[at + 2] = value >> 8;
  buffer[at + 3] = value;
}

/**
 * Lends bytes to one write at a time each. A write gives its bytes back only when the server has read all of them; after
 * an error the socket may still hold a reference, so they are left to the garbage collector.
 */
export interface BytesPool {
  take(): Bytes;
  giveBack(bytes: Bytes): void;
}

export function createBytesPool(keep: number): BytesPool {
  const free: Bytes[] = [];
  return {
    take() {
      const bytes = free.pop() ?? newBytes();
      bytes.at = 0;
      return bytes;
    },
    giveBack(bytes) {
      if (free.length < keep && bytes.buffer.length <= retainedBytes) free.push(bytes);
    },
  };
}
