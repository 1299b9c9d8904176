/** Strings of a JSON body, byte by byte: where one ends, and whether both stores can hold it. */

/** What was noticed in the strings passed so far. Indexes into the body, -1 while nothing was noticed. */
export interface TextNotes {
  /** The first escape of U+0000, which PostgreSQL cannot store. */
  nul: number;
  /** The first escape of half a surrogate pair. */
  surrogate: number;
  /** The last backslash: a text that begins after it holds no escape. */
  escape: number;
}

const plain = 0;
const quote = 1;
const backslash = 2;
const control = 3;

/** What each byte means inside a string. Bytes over 0x7f are plain: that they are UTF-8 is checked for the whole body. */
const inString = new Uint8Array(256);
inString.fill(control, 0, 0x20);
inString[0x22] = quote;
inString[0x5c] = backslash;

/** Values of hexadecimal digits, 255 for other bytes. */
const hexadecimal = new Uint8Array(256).fill(255);
for (const [digits, first] of [
  ['0123456789', 0],
  ['abcdef', 10],
  ['ABCDEF', 10],
] as const) {
  for (let i = 0; i < digits.length; i++) hexadecimal[digits.charCodeAt(i)] = first + i;
}

const shortEscapes = new Set([...'"\\/bfnrt'].map((c) => c.charCodeAt(0)));

/** The code unit of the four hexadecimal digits at `at`, or -1. */
function codeUnit(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 > end) return -1;
  let value = 0;
  for (let i = at; i < at + 4; i++) {
    const digit = hexadecimal[bytes[i] as number] as number;
    if (digit === 255) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/**
 * The index of the quote that ends the string whose first byte after the opening quote is at `from`; where the string is
 * malformed, the complement (`~index`) of the byte at fault, which is `end` when the body ends first.
 */
export function endOfString(bytes: Uint8Array, from: number, end: number, notes: TextNotes): number {
  let i = from;
  for (;;) {
    // Most bytes of most bodies pass through this line.
    while (i < end && inString[bytes[i] as number] === plain) i++;
    if (i >= end) return ~end;
    const kind = inString[bytes[i] as number];
    if (kind === quote) return i;
    if (kind === control) return ~i;
    notes.escape = i;
    i = afterEscape(bytes, i, end, notes);
    if (i < 0) return i;
  }
}

/** The index after the escape whose backslash is at `at`, or the complement of the byte at fault. */
function afterEscape(bytes: Uint8Array, at: number, end: number, notes: TextNotes): number {
  if (at + 1 >= end) return ~end;
  const letter = bytes[at + 1] as number;
  if (letter !== 0x75) return shortEscapes.has(letter) ? at + 2 : ~(at + 1);
  const unit = codeUnit(bytes, at + 2, end);
  if (unit < 0) return ~(at + 2);
  if (unit === 0 && notes.nul < 0) notes.nul = at;
  if (unit >= 0xd800 && unit <= 0xdfff) {
    if (unit < 0xdc00 && isLowSurrogateEscape(bytes, at + 6, end)) return at + 12;
    if (notes.surrogate < 0) notes.surrogate = at;
  }
  return at + 6;
}

function isLowSurrogateEscape(bytes: Uint8Array, at: number, end: number): boolean {
  if (bytes[at] !== 0x5c || bytes[at + 1] !== 0x75) return false;
  const unit = codeUnit(bytes, at + 2, end);
  return unit >= 0xdc00 && unit <= 0xdfff;
}
