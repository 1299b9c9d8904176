/**
 * What the producer's messages are: records, and the two signals that end a file and an extraction.
 *
 * Read leniently where that is harmless: a record without `type` is a record if it has an `id`, and a signal's missing
 * or odd members are left out. Never lenient about a key.
 */
import {
  createEnvelopeReader,
  defaultLimits,
  type EnvelopeValue,
  type Fault,
  type FaultCode,
  fault,
  isSignalKind,
  type Limits,
  parseScanned,
  type Signal,
  signalOf,
} from '@inator/runtime';
import { sha256 } from './hash.ts';

/** Characters (code points) of the longest key, and of the longest declared hash: what both stores can index. */
export const longestKey = 255;

export type Message =
  | {
      readonly is: 'record';
      readonly key: string;
      readonly hash: string;
      readonly seq?: string;
      /** Where the members asked for stand, for `parseExcerpt`. */
      readonly spans: readonly number[];
    }
  | { readonly is: 'signal'; readonly signal: Signal }
  | { readonly is: 'refused'; readonly fault: Fault; readonly key?: string };

export interface MessageOptions {
  readonly limits?: Limits | undefined;
  /** Top-level member that holds a record's version; none when left out. */
  readonly seqField?: string | undefined;
  /** Top-level members that will be parsed, if the record is. */
  readonly members?: readonly string[] | undefined;
}

/**
 * A reader of messages of the lane `type`. Total, and complete: a body read as a record is storable in both stores.
 *
 * A key is the text of a string `id`, as it came, or the shortest decimal text of an integer one, so that `1`, `1.0` and
 * `"1"` are one record. The hash is the declared `sha256`, or else the SHA-256 of the body's bytes.
 */
export function createMessageReader(type: string, options: MessageOptions = {}): (body: Uint8Array) => Message {
  const { limits = defaultLimits, seqField, members } = options;
  const named = ['type', 'id', 'sha256', ...(seqField === undefined ? [] : [seqField])];
  const read = createEnvelopeReader<string>(limits, named, members);
  return (body) => {
    const reading = read(body);
    if (reading.is === 'refused') return reading;
    const { values, spans } = reading;
    const { type: kind, id, sha256: declared } = values;
    if (isPresent(kind) && kind.text !== 'data') return readSignal(body, kind, type);

    const key = keyOf(id);
    if (typeof key !== 'string') return key;
    const version = seqField === undefined ? undefined : values[seqField];
    // Whether it is a version at all is judged where versions from headers are: a wrong one is named by its text or kind.
    const seq = isPresent(version) ? { seq: version.integer ?? version.text ?? version.kind } : undefined;
    if (!isPresent(declared)) return { is: 'record', key, hash: sha256(body), spans, ...seq };
    if (declared.text === undefined || declared.text === '' || isLongerThan(declared.text, longestKey)) {
      return refuse('hash-invalid', `sha256 is not a text of 1 to ${longestKey} characters`, key);
    }
    return { is: 'record', key, hash: declared.text, spans, ...seq };
  };
}

function refuse(code: FaultCode, reason: string, key?: string): Message & { readonly is: 'refused' } {
  const refusal = { is: 'refused', fault: fault(code, 'validate', reason, { proven: true }) } as const;
  return key === undefined ? refusal : { ...refusal, key };
}

/** Null is absent: the producer writes null for what is empty. */
function isPresent(value: EnvelopeValue | undefined): value is EnvelopeValue {
  return value !== undefined && value.kind !== 'null';
}

function keyOf(id: EnvelopeValue | undefined): string | (Message & { readonly is: 'refused' }) {
  if (!isPresent(id)) return refuse('key-missing', 'the record has no id');
  const key = id.text ?? id.integer;
  if (key === undefined) {
    const what =
      id.kind === 'number' ? `a number that is not an integer of up to ${longestKey} digits` : `a JSON ${id.kind}`;
    return refuse('key-invalid', `id is ${what}; text or an integer is expected`);
  }
  if (key === '') return refuse('key-missing', 'id is empty');
  if (key.trim() === '') return refuse('key-invalid', 'id is only white space');
  if (isLongerThan(key, longestKey)) return refuse('key-too-long', `id is longer than ${longestKey} characters`);
  return key;
}

/** Whether a text has more than `limit` code points. */
export function isLongerThan(text: string, limit: number): boolean {
  if (text.length <= limit) return false;
  return text.length > 2 * limit || [...text].length > limit;
}

function readSignal(body: Uint8Array, kind: EnvelopeValue, lane: string): Message {
  if (!isSignalKind(kind.text)) {
    return refuse('type-unknown', 'type is neither "data", "file_complete" nor "extraction_complete"');
  }
  const parsed = parseScanned(body);
  if (parsed.is === 'refused') return parsed;
  const signal = signalOf(parsed.value, lane);
  if (signal === undefined) return refuse('defect', 'a signal was not recognised the second time');
  return { is: 'signal', signal };
}

/** The body of the message that ends a file of `total` records. */
export function fileComplete(ended: {
  readonly type: string;
  readonly total: number;
  readonly file?: string;
  readonly at?: Date;
}): Buffer {
  return Buffer.from(
    JSON.stringify({
      type: 'file_complete',
      data_type: ended.type,
      timestamp: (ended.at ?? new Date()).toISOString(),
      total_processed: ended.total,
      file: ended.file ?? ended.type,
    }),
  );
}

/** The body of the message that ends an extraction; it goes to every type's exchange. */
export function extractionComplete(ended: {
  readonly version: string;
  readonly startedAt: Date;
  readonly counts: Readonly<Record<string, number>>;
  readonly at?: Date;
}): Buffer {
  return Buffer.from(
    JSON.stringify({
      type: 'extraction_complete',
      version: ended.version,
      timestamp: (ended.at ?? new Date()).toISOString(),
      started_at: ended.startedAt.toISOString(),
      record_counts: ended.counts,
    }),
  );
}
