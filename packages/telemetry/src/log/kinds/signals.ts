/** Lines about the producer's signals, and what was done when an extraction was complete. */
import { dataType, field, type LogKind, maybe } from './field.ts';

const closingFields = {
  data_type: dataType,
  version: maybe('text', 'version of the extraction'),
  declared: maybe('integer', 'records of the type, as the producer counts them'),
  seen: field('integer', 'distinct keys that the run brought'),
  stored: field('integer', 'records in the store when the run ended'),
  vanished: field('integer', 'records in the store that the run did not bring'),
  repeated: field('boolean', 'the signal came again; this is what was found the first time'),
  duration_ms: field('integer', 'how long it took'),
} as const;

export const signalKinds = {
  'marker.received': {
    level: 'info',
    msg: 'Signal received',
    means: 'A signal of the producer came; it is marked when everything before it is durable.',
    fields: { data_type: dataType, signal: field('text', 'file_complete or extraction_complete') },
  },
  'marker.passed': {
    level: 'info',
    msg: 'Signal passed',
    means: 'Everything before the signal is durable, and the store was told of it.',
    fields: {
      data_type: dataType,
      signal: field('text', 'file_complete or extraction_complete'),
      duration_ms: field('integer', 'how long telling the store took'),
      total: maybe('integer', 'records of the file, as the producer counts them'),
    },
  },
  'purge.done': {
    level: 'info',
    msg: 'Vanished records purged',
    means: 'An extraction was complete: what it did not bring was deleted.',
    fields: { ...closingFields, purged: field('integer', 'records deleted') },
  },
  'purge.reported': {
    level: 'info',
    msg: 'Vanished records counted',
    means: 'An extraction was complete: so many records would be purged with PURGE_MODE=purge.',
    fields: closingFields,
  },
  'purge.skipped': {
    level: 'warn',
    msg: 'Purge skipped',
    means: 'An extraction ended, and nothing is deleted because that would not be safe.',
    fields: {
      ...closingFields,
      why: field(
        'text',
        'unidentified, older, undeclared, dead-letters, incomplete, empty, over-limit, store-refused or switched-off',
      ),
      reason: field('text', 'a sentence with the numbers'),
      purged: field('integer', 'records deleted before the store refused, else 0'),
    },
  },
} as const satisfies Readonly<Record<string, LogKind>>;
