/** Whether a body is one that the services would take: asked before it is published, with the services' own reading. */
import { createMessageReader, type RecordType } from '@inator/discogs';
import { createEnvelopeReader, defaultLimits, type Fault, type Limits } from '@inator/runtime';

export type Checked =
  | { readonly is: 'record' | 'signal' }
  | { readonly is: 'refused'; readonly fault: Fault; readonly key?: string };

/** Pure and total. */
export type Check = (body: Uint8Array) => Checked;

/** The check of one kind of record; without a kind, a record is any JSON object that both stores can hold. */
export function checkOf(type: RecordType | undefined, limits: Limits = defaultLimits): Check {
  if (type !== undefined) return createMessageReader(type, { limits });
  const read = createEnvelopeReader(limits, []);
  return (body) => {
    const reading = read(body);
    return reading.is === 'ok' ? { is: 'record' } : reading;
  };
}
