/** Numbers by their text alone: a JavaScript number would already have lost what is asked about. */

/**
 * The largest decimal exponent of a leading digit, the most digits after the point and the largest exponent that may be
 * written: what PostgreSQL's `numeric`, hence jsonb, holds (numeric.h: a weight of 15 bits in base 10,000, a scale of
 * 14 bits, exponents under INT_MAX / 2). Seen on PostgreSQL 15: 1e131071 is stored, 1e131072 and 1e-16384 are not.
 */
const largestPower = 131_071;
const largestScale = 16_383;
const largestExponent = 1_073_741_823;

/** The parts of a JSON number: indexes into the body. Where a part is absent its start equals its end. */
interface Parts {
  /** First digit before the point. */
  whole: number;
  wholeEnd: number;
  fraction: number;
  fractionEnd: number;
  /** The exponent, 0 when absent, capped a little over `largestExponent`. */
  exponent: number;
}

function partsOf(bytes: Uint8Array, start: number, end: number): Parts {
  const whole = bytes[start] === 0x2d ? start + 1 : start;
  let i = whole;
  while (i < end && isDigit(bytes[i])) i++;
  const wholeEnd = i;
  let fraction = i;
  let fractionEnd = i;
  if (bytes[i] === 0x2e && i < end) {
    fraction = ++i;
    while (i < end && isDigit(bytes[i])) i++;
    fractionEnd = i;
  }
  let exponent = 0;
  if (i < end) {
    i++; // the e
    const negative = bytes[i] === 0x2d;
    if (negative || bytes[i] === 0x2b) i++;
    for (; i < end; i++) exponent = Math.min(exponent * 10 + ((bytes[i] as number) - 0x30), largestExponent + 1);
    if (negative) exponent = -exponent;
  }
  return { whole, wholeEnd, fraction, fractionEnd, exponent };
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** Whether PostgreSQL's jsonb can hold the JSON number in `bytes[start, end)`, which must be well-formed. */
export function numberFits(bytes: Uint8Array, start: number, end: number): boolean {
  const { whole, wholeEnd, fraction, fractionEnd, exponent } = partsOf(bytes, start, end);
  if (Math.abs(exponent) >= largestExponent) return false;
  if (fractionEnd - fraction - exponent > largestScale) return false;
  if (bytes[whole] !== 0x30) return wholeEnd - whole - 1 + exponent <= largestPower;
  let leading = fraction;
  while (leading < fractionEnd && bytes[leading] === 0x30) leading++;
  return leading === fractionEnd || exponent - (leading - fraction) - 1 <= largestPower;
}

/**
 * The integer in `bytes[start, end)`, a well-formed JSON number, as its shortest decimal text: `1.0` and `10e-1` are "1",
 * `-0` is "0", and a hundred digits stay a hundred digits. Undefined when it is not an integer or its text would be
 * longer than `longest`.
 */
export function integerText(bytes: Uint8Array, start: number, end: number, longest: number): string | undefined {
  const { whole, wholeEnd, fraction, fractionEnd, exponent } = partsOf(bytes, start, end);
  const ascii = (from: number, to: number): string => {
    let text = '';
    for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i] as number);
    return text;
  };
  if (wholeEnd - whole > longest + largestScale || fractionEnd - fraction > largestScale) return undefined;
  let digits = ascii(whole, wholeEnd) + ascii(fraction, fractionEnd);
  const shift = exponent - (fractionEnd - fraction);
  if (shift < 0) {
    if (!/^0*$/.test(digits.slice(shift))) return undefined;
    digits = digits.slice(0, shift);
  }
  digits = digits.replace(/^0+/, '');
  if (digits === '') return '0';
  if (digits.length + Math.max(shift, 0) > longest) return undefined;
  if (shift > 0) digits += '0'.repeat(shift);
  return bytes[start] === 0x2d ? `-${digits}` : digits;
}
