/** The few top-level members that say what a message is, read without parsing the rest. */
import type { Fault } from '../fault.ts';
import type { Limits } from '../model.ts';
import { integerText } from './number.ts';
import { asBuffer, createScanner, type Member, type MemberKind, unescaped } from './scan.ts';

/** A member's value as far as an envelope needs it. */
export interface EnvelopeValue {
  readonly kind: MemberKind;
  /** The text of a string. Undefined for every other kind. */
  readonly text: string | undefined;
  /** An integer's shortest decimal text, exact at any length up to `longestInteger`. Undefined for everything else. */
  readonly integer: string | undefined;
}

/** Digits of the longest integer that is still read: as long as the longest key. */
export const longestInteger = 255;

export type EnvelopeReading<K extends string> =
  /** The body is a record that both stores can hold. A key that is absent is undefined; of duplicates the last counts. */
  | {
      readonly is: 'ok';
      readonly values: Readonly<Record<K, EnvelopeValue | undefined>>;
      /** Where the members `kept` stand, for `parseExcerpt`. */
      readonly spans: readonly number[];
    }
  | { readonly is: 'refused'; readonly fault: Fault };

/**
 * A reader of the top-level members `keys` from bodies within `limits`, for the hot path: one pass over the bytes, which
 * checks the whole body on its way (see `scan.ts`). What it reads equals what `JSON.parse` would have given. Total.
 * Of the members `kept` it notes where they stand, to be parsed later, if ever.
 */
export function createEnvelopeReader<const K extends string>(
  limits: Limits,
  keys: readonly K[],
  kept: readonly string[] = [],
): (body: Uint8Array) => EnvelopeReading<K> {
  const wanted = [...new Set([...keys, ...kept])];
  const keptAt = kept.map((key) => wanted.indexOf(key));
  const scan = createScanner(limits, wanted);
  return (body) => {
    const found = scan(body);
    if (found.is === 'refused') return found;
    const values = {} as Record<K, EnvelopeValue | undefined>;
    for (let k = 0; k < keys.length; k++) {
      const member = found.members[k];
      values[keys[k] as K] = member === undefined ? undefined : envelopeValue(body, member);
    }
    return { is: 'ok', values, spans: kept.length === 0 ? nowhere : spansOf(keptAt, found.members) };
  };
}

const nowhere: readonly number[] = [];

function spansOf(kept: readonly number[], members: readonly (Member | undefined)[]): readonly number[] {
  const spans: number[] = [];
  for (const k of kept) {
    const member = members[k];
    if (member !== undefined) spans.push(member.keyStart, member.kind === 'string' ? member.end + 1 : member.end);
  }
  return spans;
}

function envelopeValue(body: Uint8Array, { kind, start, end, escaped }: Member): EnvelopeValue {
  switch (kind) {
    case 'string': {
      const text = escaped ? unescaped(body, start, end) : asBuffer(body).toString('utf8', start, end);
      return { kind, text, integer: undefined };
    }
    case 'number':
      return { kind, text: undefined, integer: integerText(body, start, end, longestInteger) };
    default:
      return { kind, text: undefined, integer: undefined };
  }
}
