/** Keys of batching: what seals a batch, and how much may be in hand. */
import { boolean, integer, seconds } from '../key.ts';

const mebibyte = 1024 * 1024;

/** Code defaults of both services; the environment's defaults are these. */
const batchDefaults = { batchSize: 500, flushInterval: 2, maxPending: 5_000 } as const;

/** The two services name the keys of their store's batches after the store. */
export function batching<const P extends 'POSTGRES' | 'NEO4J'>(prefix: P) {
  return {
    title: 'Batching',
    intro:
      'A batch is written when it has enough records or bytes, when its oldest record has waited long enough, when the window is full, at a signal, and at the end: whichever comes first.',
    keys: {
      batchSize: integer({
        name: `${prefix}_BATCH_SIZE`,
        min: 1,
        max: 65_535,
        unit: 'records',
        default: batchDefaults.batchSize,
        sentence: 'Records that seal a batch.',
        when: 'Larger for throughput, until the gain ends (usually by 1000); smaller when records are large.',
      }),
      flushInterval: seconds({
        name: `${prefix}_BATCH_FLUSH_INTERVAL`,
        min: 0.001,
        max: 3_600,
        default: batchDefaults.flushInterval,
        sentence: 'Age of the oldest record that seals a batch.',
        when: 'Shorter when records must be visible sooner, longer when they trickle in and round trips are dear.',
      }),
      writers: integer({
        name: `${prefix}_WRITERS`,
        min: 1,
        max: 64,
        unit: 'writers',
        ...(prefix === 'POSTGRES'
          ? { default: 2 }
          : { otherwise: '3, or 2 where BATCH_MAX_PENDING ÷ types is less than three batches' }),
        sentence:
          'Batches of one type that are written side by side; a key always goes to the same writer, so its versions keep their order.',
        when:
          prefix === 'POSTGRES'
            ? 'Up to the free cores of the database; more than POSTGRES_POOL_MAX allows is cut, with a warning.'
            : 'Up to the free cores of the graph database. More than three of one type gained nothing where it was measured; after a deadlock fewer write at a time by themselves.',
      }),
      natural: boolean({
        name: 'BATCH_NATURAL',
        default: false,
        sentence:
          'Seal a batch as soon as its writer is idle: records that trickle in are stored within milliseconds, and under load batches fill while others are written. The flush interval stays the upper bound.',
        when: 'When records must be visible at once; every small batch costs the store a transaction.',
      }),
      adaptive: boolean({
        name: 'BATCH_ADAPTIVE',
        default: false,
        sentence:
          'Look for the batch size at which most records a second are stored, between `BATCH_SIZE_MIN` and `BATCH_SIZE_MAX`, beginning with the configured one.',
        when: 'When nobody wants to measure, or the best size changes with the load of the store.',
      }),
      sizeMin: integer({
        name: 'BATCH_SIZE_MIN',
        min: 1,
        max: 65_535,
        unit: 'records',
        default: 100,
        sentence: 'With `BATCH_ADAPTIVE`: the smallest batch size tried.',
        when: 'With the upper bound, when sizes at the edge are known to be bad.',
      }),
      sizeMax: integer({
        name: 'BATCH_SIZE_MAX',
        min: 1,
        max: 65_535,
        unit: 'records',
        default: 2_000,
        sentence:
          'With `BATCH_ADAPTIVE`: the largest batch size tried; less where the window of a type cannot fill such batches.',
        when: 'Together with BATCH_MAX_PENDING, which bounds the window.',
      }),
      maxPending: integer({
        name: 'BATCH_MAX_PENDING',
        min: 1,
        max: 1_000_000,
        unit: 'records',
        default: batchDefaults.maxPending,
        sentence: 'Records that one service holds unacknowledged, over all types; never less than a batch.',
        when: 'Lower to bound memory and what comes again after a crash.',
      }),
      maxPendingBytes: integer({
        name: 'BATCH_MAX_PENDING_BYTES',
        min: 64 * 1024,
        max: 64 * 1024 * mebibyte,
        unit: 'bytes',
        default: 64 * mebibyte,
        sentence: 'Bytes of bodies that one service holds, over all types; intake pauses above it.',
        when: 'Lower in small containers, larger when records of many megabytes are usual.',
      }),
      maxBytes: integer({
        name: 'BATCH_MAX_BYTES',
        min: 1_024,
        max: 1_024 * mebibyte,
        unit: 'bytes',
        default: 8 * mebibyte,
        sentence: 'Bytes of bodies that seal a batch, however few its records.',
        when: 'Lower when the store struggles with large transactions.',
      }),
    },
  } as const;
}
