/** Which records a floor writes, as the harness says it in the environment, and back. */
import { isRecordType } from '@inator/discogs';
import type { Filling } from '../queues.ts';
import { given } from './report.ts';

export function fillingGiven(name = 'BENCH_FILLING'): Filling {
  const filling = JSON.parse(given(name)) as Filling;
  if (!isRecordType(filling.type)) throw new Error(`${name} names no type of record`);
  return filling;
}

/** Without `change`: a floor writes what is sound. */
export const fillingText = ({ change: _, ...plain }: Filling): string => JSON.stringify(plain);
