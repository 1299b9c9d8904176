/**
 * A set of keys that is small where keys are: of the millions that an extraction brings nearly all are integers, and one
 * takes a bit. Any other text takes an entry of a `Set`, some 100 bytes.
 */
export interface KeySet {
  add(key: string): void;
  has(key: string): boolean;
  readonly size: number;
}

/** Integers up to this have a bit, in pages of 2^16 that exist when they are needed. */
const largest = 2 ** 32 - 1;
const pageBits = 16;
const canonical = /^(?:0|[1-9]\d{0,9})$/;

export function createKeySet(): KeySet {
  const pages = new Map<number, Uint8Array>();
  const others = new Set<string>();
  let bits = 0;

  /** The key's number where its text is the one way to write it: `7`, and not `07`, which is another key. */
  const numberOf = (key: string): number | undefined => {
    if (!canonical.test(key)) return undefined;
    const value = Number(key);
    return value <= largest ? value : undefined;
  };

  return {
    add(key) {
      const value = numberOf(key);
      if (value === undefined) {
        others.add(key);
        return;
      }
      const at = value >>> pageBits;
      const page = pages.get(at) ?? new Uint8Array(2 ** (pageBits - 3));
      pages.set(at, page);
      const low = value & (2 ** pageBits - 1);
      const byte = page[low >>> 3] ?? 0;
      const mask = 1 << (low & 7);
      if ((byte & mask) !== 0) return;
      page[low >>> 3] = byte | mask;
      bits += 1;
    },
    has(key) {
      const value = numberOf(key);
      if (value === undefined) return others.has(key);
      const low = value & (2 ** pageBits - 1);
      return ((pages.get(value >>> pageBits)?.[low >>> 3] ?? 0) & (1 << (low & 7))) !== 0;
    },
    get size() {
      return bits + others.size;
    },
  };
}
