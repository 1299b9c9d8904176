/**
 * PostgreSQL's binary `numeric`: digits in base 10,000, the weight of the first, the sign and the display scale.
 * Decimal text goes in, so nothing passes through a float and every digit that came is stored.
 */
import { type Bytes, putInt16, putInt32 } from './bytes.ts';
import { CellError } from './cell-error.ts';

const positive = 0x0000;
const negative = 0x4000;
const notANumber = 0xc000;

/** Limits of the type: digits before and after the decimal point (PostgreSQL documentation, "Numeric Types"). */
const maxIntegerDigits = 131_072;
const maxScale = 16_383;

const decimal = /^([+-]?)(\d+)?(?:\.(\d*))?(?:[eE]([+-]?\d{1,7}))?$/;

export function putNumeric(out: Bytes, text: string): void {
  if (text === 'NaN') {
    putWords(out, 0, notANumber, 0, []);
    return;
  }
  const match = decimal.exec(text);
  const whole = match?.[2] ?? '';
  const fraction = match?.[3] ?? '';
  if (match === null || whole.length + fraction.length === 0) {
    throw new CellError('value-refused', 'numeric wants decimal text');
  }
  const exponent = Number(match[4] ?? 0);
  const { integer, decimals } = shift(whole.replace(/^0+/, ''), fraction, exponent);
  if (integer.length > maxIntegerDigits || decimals.length > maxScale) {
    throw new CellError('number-out-of-range', 'a number has more digits than numeric can hold');
  }
  // Groups of four digits are counted from the decimal point outwards.
  const left = integer.padStart(Math.ceil(integer.length / 4) * 4, '0');
  const right = decimals.padEnd(Math.ceil(decimals.length / 4) * 4, '0');
  const digits = left + right;
  const words: number[] = [];
  for (let i = 0; i < digits.length; i += 4) words.push(Number(digits.slice(i, i + 4)));
  let weight = left.length / 4 - 1;
  let first = 0;
  while (first < words.length && words[first] === 0) first += 1;
  weight -= first;
  let last = words.length;
  while (last > first && words[last - 1] === 0) last -= 1;
  const kept = words.slice(first, last);
  const sign = match[1] === '-' && kept.length > 0 ? negative : positive;
  putWords(out, kept.length === 0 ? 0 : weight, sign, decimals.length, kept);
}

/** Moves the decimal point by `exponent`, without arithmetic. */
function shift(whole: string, fraction: string, exponent: number): { integer: string; decimals: string } {
  if (Math.abs(exponent) > maxIntegerDigits + maxScale) {
    if (/^0*$/.test(whole + fraction)) return { integer: '', decimals: '' };
    throw new CellError('number-out-of-range', 'a number has a larger exponent than numeric can hold');
  }
  if (exponent >= 0) {
    const moved = fraction.padEnd(exponent, '0');
    return { integer: (whole + moved.slice(0, exponent)).replace(/^0+/, ''), decimals: moved.slice(exponent) };
  }
  const padded = whole.padStart(-exponent, '0');
  const cut = padded.length + exponent;
  return { integer: padded.slice(0, cut).replace(/^0+/, ''), decimals: padded.slice(cut) + fraction };
}

function putWords(out: Bytes, weight: number, sign: number, scale: number, words: readonly number[]): void {
  putInt32(out, 8 + words.length * 2);
  putInt16(out, words.length);
  putInt16(out, weight);
  putInt16(out, sign);
  putInt16(out, scale);
  for (const word of words) putInt16(out, word);
}
