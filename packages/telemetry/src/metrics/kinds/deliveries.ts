/** Deliveries and the signals among them. */
import { skipReasons } from '@inator/runtime';
import { lane, type MetricKind } from './kind.ts';

export const deliveryMetrics = {
  inator_messages_consumed_total: {
    type: 'counter',
    labels: { ...lane, redelivered: ['false', 'true'] },
    from: 'lane',
    help: 'Messages taken from the broker. A share of redelivered ones above a few per cent means lost sessions or crashes.',
  },
  inator_replayed_total: {
    type: 'counter',
    labels: lane,
    from: 'lane',
    help: 'Messages taken from the broker that somebody had sent back from the dead letters (`inator dlq replay`); they are among those consumed.',
  },
  inator_messages_settled_total: {
    type: 'counter',
    labels: { ...lane, outcome: ['ack', 'dead_letter', 'returned'] },
    from: 'lane',
    help: 'Messages settled: acknowledged, dead-lettered, or returned to the broker because the session was lost or given back. Consumed less settled is what is in hand.',
  },
  inator_signals_total: {
    type: 'counter',
    labels: { ...lane, signal: ['file_complete', 'extraction_complete'] },
    from: 'event',
    help: 'Signals of the producer that were passed on to the store.',
  },
  inator_extractions_total: {
    type: 'counter',
    labels: { ...lane, outcome: ['purged', 'reported', 'skipped'] },
    from: 'event',
    help: 'Extractions that were completed with PURGE_MODE on, by what became of what they did not bring; repeated signals are not counted.',
  },
  inator_purges_skipped_total: {
    type: 'counter',
    labels: { ...lane, reason: Object.keys(skipReasons) },
    from: 'event',
    help: 'Purges that were skipped because deleting would not have been safe, by reason.',
  },
  inator_records_purged_total: {
    type: 'counter',
    labels: lane,
    from: 'event',
    help: 'Records deleted because a complete extraction did not bring them.',
  },
} as const satisfies Readonly<Record<string, MetricKind>>;
