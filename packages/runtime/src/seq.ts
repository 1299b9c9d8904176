/** Where a record's version comes from. A later version is never overwritten by an earlier one: see docs/guarantees.md. */
import type { Headers } from './delivery.ts';
import { type Fault, fault } from './fault.ts';

/**
 * `auto` takes the first that is there: header `x-seq` or `x-version`, the body's own version, the broker's
 * `timestamp_in_ms` stamp. The others take only what they name; `none` ignores versions.
 */
export const seqSources = ['auto', 'header', 'body', 'timestamp', 'none'] as const;
export type SeqSource = (typeof seqSources)[number];

/** The largest `bigint` a PostgreSQL column and a Neo4j integer hold. */
export const maxSeq = 2n ** 63n - 1n;

export type Sequenced =
  | { readonly is: 'seq'; readonly seq: bigint | undefined }
  | { readonly is: 'refused'; readonly fault: Fault };

const none: Sequenced = Object.freeze({ is: 'seq', seq: undefined });

function toSeq(value: unknown): bigint | undefined {
  let seq: bigint | undefined;
  if (typeof value === 'bigint') seq = value;
  // Above 2^53 a double may already have lost the version the producer meant: refused rather than guessed.
  else if (typeof value === 'number') seq = Number.isSafeInteger(value) ? BigInt(value) : undefined;
  else if (typeof value === 'string' && /^\d{1,19}$/.test(value)) seq = BigInt(value);
  return seq !== undefined && seq >= 0n && seq <= maxSeq ? seq : undefined;
}

/** The version of a delivery. A version that is there but is no integer from 0 to 2^63 - 1 is a fault of the record. */
export function sequence(source: SeqSource, headers: Headers, fromBody: string | undefined): Sequenced {
  if (source === 'none') return none;
  if (source === 'auto' || source === 'header') {
    const name = headers['x-seq'] !== undefined ? 'x-seq' : 'x-version';
    const value = headers[name];
    if (value !== undefined && value !== null) return checked(value, `header ${name}`);
    if (source === 'header') return none;
  }
  if ((source === 'auto' || source === 'body') && fromBody !== undefined) return checked(fromBody, 'the body');
  if (source === 'auto' || source === 'timestamp') {
    const stamp = headers.timestamp_in_ms;
    if (stamp !== undefined && stamp !== null) return checked(stamp, 'header timestamp_in_ms');
  }
  return none;
}

function checked(value: unknown, where: string): Sequenced {
  const seq = toSeq(value);
  if (seq === undefined) {
    return {
      is: 'refused',
      fault: fault('seq-invalid', 'validate', `the version in ${where} is not an integer from 0 to 2^63 - 1`, {
        proven: true,
      }),
    };
  }
  return { is: 'seq', seq };
}
