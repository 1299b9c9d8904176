/** Lines about batches. */
import { dataType, faultFields, field, type LogKind, maybe } from './field.ts';

export const batchKinds = {
  'batch.processed': {
    level: 'info',
    msg: 'Batch processed',
    means: 'A batch was settled: every record in it is durable or dead-lettered.',
    fields: {
      data_type: dataType,
      batch_size: field('integer', 'records in the batch'),
      duration_ms: field('integer', 'from the first attempt to the commit, holds included'),
      records_per_sec: field('integer', 'batch_size over duration_ms, rounded down'),
      inserted: field('integer', 'records that are new'),
      updated: field('integer', 'records that were changed'),
      unchanged: field('integer', 'records whose hash was there already'),
      stale: field('integer', 'records older than what the store holds'),
      duplicates: field('integer', 'records whose key came again in the same batch'),
      dead_lettered: field('integer', 'records refused'),
      flush_reason: field('text', 'what sealed it: records, bytes, age, window, signal or drain'),
      attempt: field('integer', 'how often it was tried, 1 when it went through at once'),
      bytes: field('integer', 'bytes of the bodies'),
      age_ms: field('integer', 'age of its oldest record at the commit, since it arrived here'),
      writer: field('integer', 'which writer of the lane, from 0'),
      nodes_created: maybe('integer', 'graphinator: nodes created'),
      relationships_created: maybe('integer', 'graphinator: relationships created'),
      relationships_deleted: maybe('integer', 'graphinator: relationships deleted'),
    },
  },
  'batch.held': {
    level: 'warn',
    msg: 'Batch held',
    means: 'The store is away: the batch waits, unacknowledged, and is tried again. Written for every tenth attempt.',
    fields: {
      data_type: dataType,
      batch_size: field('integer', 'records in the batch; 0 for a signal'),
      attempt: field('integer', 'attempts so far'),
      delay_ms: field('integer', 'until the next attempt'),
      ...faultFields,
    },
  },
  'batch.retry': {
    level: 'debug',
    msg: 'Batch tried again',
    means: 'Like batch.held, for the attempts in between.',
    fields: {
      data_type: dataType,
      batch_size: field('integer', 'records in the batch; 0 for a signal'),
      attempt: field('integer', 'attempts so far'),
      delay_ms: field('integer', 'until the next attempt'),
      ...faultFields,
    },
  },
  'batch.released': {
    level: 'info',
    msg: 'Batch released',
    means: 'The store answered again and a held batch went through.',
    fields: { data_type: dataType, held_ms: field('integer', 'how long it was held') },
  },
  'batch.resized': {
    level: 'debug',
    msg: 'Batch resized',
    means: 'BATCH_ADAPTIVE tries another batch size, or returns from one.',
    fields: {
      data_type: dataType,
      from: field('integer', 'records that sealed a batch until now'),
      to: field('integer', 'records that seal one from now on'),
      records_per_sec: field('integer', 'records a second at the size that is left'),
    },
  },
  'batch.split': {
    level: 'warn',
    msg: 'Batch split',
    means: 'The store refused the batch: it is divided to find the record at fault.',
    fields: {
      data_type: dataType,
      batch_size: field('integer', 'records in the part that was refused'),
      named: field('boolean', 'whether the store named the record'),
      ...faultFields,
    },
  },
} as const satisfies Readonly<Record<string, LogKind>>;
