/** What strangers wrote, made safe to print: a letter's body and headers come from whoever may publish. */
import { isUtf8 } from 'node:buffer';

const escaped = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;

/** One line without anything a terminal acts on, or that is not seen: controls, directions, halves of characters. */
export function visible(text: string): string {
  return text
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, escaped);
}

/** JSON on one line that is safe on a terminal as well: what JSON leaves raw beyond ASCII controls is escaped. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[\u007f\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

/** Characters of a body, or of a reason, that an excerpt keeps. */
const excerptLength = 200;

export function shortened(text: string): string {
  return text.length > excerptLength ? `${text.slice(0, excerptLength)}…` : text;
}

/** The body as visible text, or as hexadecimal where it is no UTF-8. */
export function bodyText(body: Buffer, full: boolean): string {
  if (!isUtf8(body)) {
    const shown = full ? body : body.subarray(0, excerptLength / 4);
    return `(not UTF-8) ${shown.toString('hex')}${shown.length < body.length ? '…' : ''}`;
  }
  // Four bytes a character at most; a character cut in half at the end is cut off again.
  const text = full ? body.toString('utf8') : body.subarray(0, excerptLength * 4).toString('utf8');
  return visible(full ? text : shortened(text));
}

/** A header as JSON holds it: byte strings as `{"base64": …}`, integers beyond a double as text. */
export function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return value.map(jsonValue);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, jsonValue(inner)]));
  }
  return value;
}
