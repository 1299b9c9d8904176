/**
 * Records whose numbers are the texts they were written as. A double loses digits: two ids become one, a fraction an
 * integer, and a large number infinite, so a model proposed from doubles would refuse its own sample.
 */
import { integerText } from '@inator/runtime';

export type ExactValue = string | boolean | null | NumberText | readonly ExactValue[] | ExactObject;
export interface ExactObject {
  readonly [name: string]: ExactValue | undefined;
}

/** Digits of the longest integer that a bigint column reads before it judges its range. */
const mostDigits = 400;

export class NumberText {
  readonly source: string;
  /** All digits of an integer, `10e-1` as "1"; undefined of any other number. */
  readonly digits: string | undefined;
  constructor(source: string) {
    const bytes = Buffer.from(source);
    this.source = source;
    this.digits = integerText(bytes, 0, bytes.length, mostDigits);
  }
  /** Equal texts for equal keys. */
  toJSON(): string {
    return this.digits ?? this.source;
  }
}

const quote = 0x22;
const backslash = 0x5c;
/** No text of a record that passed the scan holds it: such a record is refused. */
const mark = '\u0000';

/** Behind the string whose opening quote is at `at`. */
function stringEnd(text: string, at: number): number {
  let end = at + 1;
  for (let code = text.charCodeAt(end); code !== quote && end < text.length; code = text.charCodeAt(end)) {
    end += code === backslash ? 2 : 1;
  }
  return end + 1;
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const inNumber = /[-+.\deE]/;

/** Every number of a JSON text as a string that starts with the mark. */
function withMarkedNumbers(text: string): string {
  let marked = '';
  let taken = 0;
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      at = stringEnd(text, at);
    } else if (code === 0x2d || isDigit(code)) {
      let end = at + 1;
      while (inNumber.test(text.charAt(end))) end += 1;
      marked += `${text.slice(taken, at)}"\\u0000${text.slice(at, end)}"`;
      taken = end;
      at = end;
    } else at += 1;
  }
  return marked + text.slice(taken);
}

/** The record in a body that a scan has passed (`createEnvelopeReader`). */
export function parseExact(body: Uint8Array): ExactObject {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  return JSON.parse(withMarkedNumbers(text), (_, value: unknown) =>
    typeof value === 'string' && value.startsWith(mark) ? new NumberText(value.slice(mark.length)) : value,
  ) as ExactObject;
}

/** True when a double, written in its shortest form or with as many digits as this decimal, is this decimal again. */
export function isExactDouble(source: string): boolean {
  const value = Number(source);
  if (!Number.isFinite(value)) return false;
  const digits = significant(source);
  if (digits === '' || value === 0) return digits === '';
  // Both: of two decimals equally near, the shortest form may be the lower one, and a given number of digits rounds up.
  if (significant(String(value)) === digits) return true;
  // 17 digits tell any two doubles apart.
  return digits.length <= 17 && significant(value.toExponential(digits.length - 1)) === digits;
}

/** The digits of a decimal without the zeros around them. */
function significant(decimal: string): string {
  return (decimal.split(/[eE]/, 1)[0] ?? '').replace(/[^\d]/g, '').replace(/^0+|0+$/g, '');
}
