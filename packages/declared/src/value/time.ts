/**
 * Times and dates by their text, to the microsecond and without a JavaScript Date, which knows milliseconds only.
 *
 * Read: `2024-05-01T12:30:00.123456Z`, a space for the T, offsets `+02:00`, `+0200`, `+02`; seconds and their fraction may
 * be left out. A fraction beyond microseconds is rounded as PostgreSQL rounds it.
 */

const date = /^(\d{4})-(\d\d)-(\d\d)$/;
const time = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,30}))?)? ?(Z|z|[+-]\d\d(?::?\d\d)?)?$/;
const offset = /^([+-])(\d\d):?(\d\d)?$/;

const microsecondsADay = 86_400_000_000n;
const millisecondsADay = 86_400_000;

/** Days since 1970-01-01, or undefined when the text is no date of the calendar. */
export function daysOf(text: string): number | undefined {
  const match = date.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  // There is no year 0 in PostgreSQL.
  if (year === 0) return undefined;
  const made = new Date(0);
  made.setUTCFullYear(year, month - 1, day);
  if (made.getUTCFullYear() !== year || made.getUTCMonth() !== month - 1 || made.getUTCDate() !== day) return undefined;
  return made.getTime() / millisecondsADay;
}

/** Minutes east of UTC of `Z`, `+02:00` …; undefined when it is no offset PostgreSQL takes (up to 15:59). */
export function minutesOf(zone: string): number | undefined {
  if (zone === 'Z' || zone === 'z') return 0;
  const match = offset.exec(zone);
  if (match === null) return undefined;
  const [hours, minutes] = [Number(match[2]), Number(match[3] ?? 0)];
  if (hours > 15 || minutes > 59) return undefined;
  return (match[1] === '-' ? -1 : 1) * (hours * 60 + minutes);
}

/** What keeps a text from being a time; `zone` when nothing says how far it is from UTC. */
export type NoTime = 'shape' | 'zone';

/** Microseconds since 1970 in UTC. `assumed`: minutes east of UTC where the text does not say. */
export function microsecondsOf(text: string, assumed: number | undefined): bigint | NoTime {
  const match = time.exec(text);
  const days = match === null ? undefined : daysOf(match[1] ?? '');
  if (match === null || days === undefined) return 'shape';
  const [hours, minutes, seconds] = [Number(match[2]), Number(match[3]), Number(match[4] ?? 0)];
  // A leap second is the first of the next minute, as in PostgreSQL.
  if (hours > 23 || minutes > 59 || seconds > 60) return 'shape';
  const zone = match[6];
  const east = zone === undefined ? assumed : minutesOf(zone);
  if (east === undefined) return zone === undefined ? 'zone' : 'shape';
  const whole = BigInt((hours * 60 + minutes - east) * 60 + seconds) * 1_000_000n;
  return BigInt(days) * microsecondsADay + whole + BigInt(fractionOf(match[5]));
}

/** Digits behind the point as microseconds: through a double and rounded half to even, which is what PostgreSQL does. */
function fractionOf(digits: string | undefined): number {
  if (digits === undefined) return 0;
  if (digits.length <= 6) return Number(digits.padEnd(6, '0'));
  const exact = Number(`0.${digits}`) * 1_000_000;
  const floor = Math.floor(exact);
  if (exact - floor !== 0.5) return Math.round(exact);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** `2024-05-01T12:30:00.123456Z`: one text a moment, which sorts as the moments do from year 1 to 9999. */
export function timeText(microseconds: bigint): string {
  let seconds = microseconds / 1_000_000n;
  let rest = microseconds % 1_000_000n;
  if (rest < 0n) {
    rest += 1_000_000n;
    seconds -= 1n;
  }
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, -5);
  return rest === 0n ? `${whole}Z` : `${whole}.${String(rest).padStart(6, '0')}Z`;
}

/**
 * The range of times, in microseconds since 1970, both ends included: what both stores hold. It begins where PostgreSQL's
 * `timestamptz` does, at 4714-11-24 BC (its documentation of date/time types), and ends with what `timeText` and a `Date`
 * can say. Beyond it a time must be refused first. What is read from a text has four digits of a year, so it is inside.
 */
export const earliestMicroseconds = -210_866_803_200_000_000n;
export const furthestMicroseconds = 8_640_000_000_000_000_000n;
