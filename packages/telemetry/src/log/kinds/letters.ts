/** Lines about records that were refused. */
import { dataType, faultFields, field, type LogKind, maybe } from './field.ts';

export const letterKinds = {
  'record.dead_lettered': {
    level: 'warn',
    msg: 'Record dead-lettered',
    means: 'One record was refused, and its letter is confirmed. At most 100 in 10 s are written for each lane.',
    fields: {
      data_type: dataType,
      key: maybe('text', "the record's key, where it could be read"),
      attempts: field('integer', 'how often it was tried'),
      ...faultFields,
    },
  },
  'record.dead_letters_unlogged': {
    level: 'warn',
    msg: 'Dead letters not logged singly',
    means:
      'There were more dead letters than are written one by one; metrics and the letters themselves have all of them.',
    fields: { data_type: dataType, count: field('integer', 'dead letters in the last 10 s that have no line') },
  },
  'letter.failed': {
    level: 'warn',
    msg: 'Dead letter not confirmed',
    means: 'The broker did not confirm a letter: its original stays unsettled, and it is tried again.',
    fields: {
      data_type: dataType,
      attempt: field('integer', 'attempts so far'),
      delay_ms: field('integer', 'until the next attempt'),
      ...faultFields,
    },
  },
} as const satisfies Readonly<Record<string, LogKind>>;
