/** Records sealed together, to be written in one transaction. */
import type { Keyed, Model } from './model.ts';

/** What sealed a batch: the first trigger to fire. `idle`: its writer had nothing else to do. */
export type SealedBy = 'records' | 'bytes' | 'age' | 'idle' | 'window' | 'signal' | 'drain';

export interface Batch<R> {
  readonly model: Model<R>;
  /** In order of arrival. The same key may stand more than once: the highest seq, then the last arrival, wins. */
  readonly records: readonly Keyed<R>[];
  /** Sum of the bodies' bytes. */
  readonly bytes: number;
  readonly sealedBy: SealedBy;
}
