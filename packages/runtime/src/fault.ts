/**
 * What went wrong with one record or one batch, and who can mend it.
 *
 * A fault is data, not an exception: it travels from where it is found to the dead letter's headers, the log and the
 * metrics. Its `reason` never quotes the payload, because letters and logs are read by more people than the data is.
 */

/** Whom a fault is for: the producer of the record, whoever runs the store or the broker, the operator, or us. */
export type Blame = 'record' | 'store' | 'broker' | 'operator' | 'us';

/** Where on a record's way the fault was found. */
export type Stage = 'receive' | 'decode' | 'validate' | 'copy' | 'merge' | 'graph' | 'settle';

export interface FaultKind {
  readonly blame: Blame;
  /** One sentence for the reference: what it means and what mends it. */
  readonly means: string;
}

/**
 * Every fault code there is. `docs/reference/faults.md` is generated from this table; a code that is not here does not
 * compile. Codes are stable: operators filter dead letters by them.
 */
export const faultKinds = {
  'json-invalid': {
    blame: 'record',
    means: 'The body is not JSON (RFC 8259): empty, truncated, with trailing bytes or a syntax no parser accepts.',
  },
  'utf8-invalid': {
    blame: 'record',
    means: 'The body is not UTF-8: overlong forms, encoded surrogates, UTF-16 or a compressed body.',
  },
  'text-nul': {
    blame: 'record',
    means: 'A text holds U+0000, which PostgreSQL cannot store; refused for both stores so that they agree.',
  },
  'text-surrogate': {
    blame: 'record',
    means: 'A text holds half of a surrogate pair, which is not a character; Neo4j would silently replace it.',
  },
  'record-not-object': {
    blame: 'record',
    means: 'The body is JSON but not an object: a record is an object with a key.',
  },
  'record-too-large': { blame: 'record', means: 'The body is larger than MAX_RECORD_BYTES.' },
  'record-too-deep': { blame: 'record', means: 'The body nests deeper than MAX_RECORD_DEPTH.' },
  'record-too-wide': { blame: 'record', means: 'The body has more object members than MAX_RECORD_MEMBERS.' },
  'number-out-of-range': {
    blame: 'record',
    means: 'A number is longer, or of a larger exponent, than the store can hold.',
  },
  'key-missing': { blame: 'record', means: 'The record has no key: absent, null or empty.' },
  'key-invalid': { blame: 'record', means: 'The key is neither text nor an integer, or only white space.' },
  'key-too-long': { blame: 'record', means: 'The key is longer than 255 characters.' },
  'hash-invalid': { blame: 'record', means: 'The declared hash is not text of 1 to 255 characters.' },
  'seq-invalid': { blame: 'record', means: 'The version is not an integer from 0 to 2^63 - 1.' },
  'type-unknown': { blame: 'record', means: 'The message is of a kind this lane does not know.' },
  'encoding-unsupported': {
    blame: 'record',
    means: 'The message declares a content encoding that the service does not undo.',
  },
  'value-refused': { blame: 'record', means: 'The store cannot hold a value of the record (a data exception).' },
  'constraint-refused': { blame: 'record', means: 'A constraint of the store forbids the record.' },
  'limit-refused': {
    blame: 'record',
    means: 'The record passes a limit of the store: index row, stack depth or field size.',
  },
  'crash-suspect': {
    blame: 'record',
    means: 'The record was delivered again and again without being settled: it is suspected of ending the process.',
  },
  'suspect-condemned': {
    blame: 'us',
    means:
      'The store failed on this record alone, repeatedly and for no known reason, while answering everything else.',
  },
  'store-unreachable': {
    blame: 'store',
    means: 'The store does not answer: connection refused, reset, timed out or closed.',
  },
  'store-busy': {
    blame: 'store',
    means: 'The store asks to try again: deadlock, lock timeout, serialization failure, out of a resource.',
  },
  'store-misconfigured': {
    blame: 'operator',
    means: 'The store refuses for a reason only its operator can mend: permission, missing table, wrong password, TLS.',
  },
  'broker-unreachable': { blame: 'broker', means: 'The broker does not answer, or closed the connection or channel.' },
  'broker-refused': {
    blame: 'operator',
    means:
      'The broker refuses the credentials, the virtual host, or a queue or exchange declared with other arguments.',
  },
  braked: {
    blame: 'operator',
    means: 'Too many records are refused: the lane holds instead of emptying the queue into its dead letters.',
  },
  defect: {
    blame: 'us',
    means: 'Something that cannot happen did: a defect of inator. Please report it with the log line.',
  },
} as const satisfies Record<string, FaultKind>;

export type FaultCode = keyof typeof faultKinds;

export interface Fault {
  readonly code: FaultCode;
  readonly blame: Blame;
  readonly stage: Stage;
  /** A sentence for people, at most 1,024 characters, without payload and without secrets. */
  readonly reason: string;
  /** The store's or broker's own code where it gave one: a SQLSTATE, a Neo4j status, an errno. */
  readonly native?: string;
  /**
   * True when the record itself proves the fault (a pure check found it): trying again can never help. False when only
   * the store's word stands for it, which a change of the store may take back. The brake counts the two apart.
   */
  readonly proven: boolean;
}

/** Longest reason kept: with the other headers of a letter it stays well under the 16 KiB kept for them. */
export const maxReasonLength = 1024;

export function fault(
  code: FaultCode,
  stage: Stage,
  reason: string,
  more: { readonly native?: string | undefined; readonly proven?: boolean } = {},
): Fault {
  return {
    code,
    blame: faultKinds[code].blame,
    stage,
    reason: reason.length > maxReasonLength ? `${reason.slice(0, maxReasonLength - 1)}…` : reason,
    proven: more.proven ?? false,
    ...(more.native === undefined ? {} : { native: more.native }),
  };
}
