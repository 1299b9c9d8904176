/**
 * Errors of amqplib, sockets and TLS as faults. What is not in the tables is `unavailable`: it is tried again soon, and
 * costs nothing but time.
 */
import { types } from 'node:util';
import { DeadlineError, type Fault, fault, SourceError, type Stage } from '@inator/runtime';

/** How a caller proceeds: try again soon, or slowly because only an operator can mend it. */
export type Availability = SourceError['is'];

/** Replies that an operator must mend. Any other reply code is `unavailable`. Names as in AMQP 0-9-1 §1.2. */
const operatorReplies: ReadonlyMap<number, string> = new Map([
  [403, 'access refused'],
  [404, 'not found'],
  [405, 'resource locked'],
  [406, 'precondition failed'],
  [530, 'not allowed'],
  [540, 'not implemented'],
]);

/** 404 and 406 are also what a broker answers about a queue that is only away, or an ack that came too late. */
const passing = /is down|inaccessible|timeout|timed out|stopped by supervisor|unknown delivery tag/i;

/** OpenSSL's and Node's codes for certificates and protocols that do not fit. */
const tlsCode = /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO$)/;

interface Coded extends Error {
  readonly code?: string | number;
  /** Of an attempt at several addresses. */
  readonly errors?: readonly unknown[];
}

function asError(thrown: unknown): Coded {
  return types.isNativeError(thrown) ? thrown : new Error(String(thrown));
}

/** The broker's reply code where it sent one: 404, 406, 320, … */
export function replyCode(thrown: unknown): number | undefined {
  const { code, message } = asError(thrown);
  if (typeof code === 'number') return code;
  // A refusal during the handshake carries its code in the text only.
  const match = /^Handshake terminated by server: (\d{3})\b/.exec(message);
  return match === null ? undefined : Number(match[1]);
}

/** One line, in the broker's own words where it gave any: amqplib wraps them in the name of the method. */
function words(error: Coded): string {
  const quoted = /with message "([\s\S]*)"$/.exec(error.message)?.[1];
  // Several addresses tried in vain make an error without a message.
  const each = error.errors?.map((one) => asError(one).message).join('; ');
  return (quoted ?? (error.message || each || error.name)).replaceAll(/\s+/g, ' ').trim();
}

function native(error: Coded): string | undefined {
  return replyCode(error)?.toString() ?? (typeof error.code === 'string' ? error.code : undefined);
}

/** A fault of the broker at hand: `what` is the sentence's beginning, for example "queue q cannot be declared". */
export function brokerFault(is: Availability, what: string, thrown?: unknown, stage: Stage = 'receive'): Fault {
  const code = is === 'unavailable' ? 'broker-unreachable' : 'broker-refused';
  if (thrown === undefined) return fault(code, stage, what);
  const error = asError(thrown);
  return fault(code, stage, `${what}: ${words(error)}`, { native: native(error) });
}

export function brokerError(is: Availability, what: string, thrown?: unknown, stage: Stage = 'receive'): SourceError {
  return new SourceError(
    is,
    brokerFault(is, what, thrown, stage),
    thrown === undefined ? undefined : { cause: thrown },
  );
}

/** What a failed operation on a channel means. */
export function classify(thrown: unknown): Availability {
  const error = asError(thrown);
  const code = replyCode(error);
  return code !== undefined && operatorReplies.has(code) && !passing.test(error.message)
    ? 'misconfigured'
    : 'unavailable';
}

/** What failed while connecting: sockets and deadlines pass by themselves; credentials, virtual host and TLS do not. */
export function classifyConnect(thrown: unknown): Availability {
  const error = asError(thrown);
  if (error instanceof DeadlineError) return 'unavailable';
  if (typeof error.code === 'string' && tlsCode.test(error.code)) return 'misconfigured';
  if (/^SASL mechanism/.test(error.message)) return 'misconfigured';
  // amqplib does not tell why the virtual host was refused: it does not exist, may not be used, or is at its limit.
  if (/^Expected ConnectionOpenOk; got <ConnectionClose/.test(error.message)) return 'misconfigured';
  return classify(error);
}

/** Whatever was thrown, as the `SourceError` that the lane understands. */
export function asSourceError(what: string, thrown: unknown, stage: Stage = 'receive'): SourceError {
  return thrown instanceof SourceError ? thrown : brokerError(classify(thrown), what, thrown, stage);
}
