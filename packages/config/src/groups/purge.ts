/** Keys of the purge after a completed extraction. */
import { noPurge, purgeModes } from '@inator/runtime';
import { choice, number } from '../key.ts';

export const purge = {
  title: 'Purge',
  intro:
    'What becomes of stored records that a complete extraction did not bring: see [the guide](../guides/extraction-complete.md). All replicas of a service must have the same values.',
  keys: {
    mode: choice({
      name: 'PURGE_MODE',
      choices: purgeModes,
      default: noPurge.mode,
      sentence:
        'At `extraction_complete`: `off` nothing, and no bookkeeping; `report` logs how many records would go; `purge` deletes them, unless that is not certain to be right.',
      when: '`report` for an extraction or two, then `purge`, when the store shall mirror what the producer has.',
    }),
    maxFraction: number({
      name: 'PURGE_MAX_FRACTION',
      min: 0,
      max: 1,
      default: noPurge.maxFraction,
      sentence: 'Largest share of the stored records of a type that one purge may delete; if more would go, none goes.',
      when: 'Larger, for one extraction, after a report showed that the producer really dropped so many.',
    }),
  },
} as const;
