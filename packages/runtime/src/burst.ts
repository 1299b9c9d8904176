/**
 * A burst of as many records as a batch holds is written at once. Their keys fall to several writers, none of which has a
 * batch of its own then, and each would wait for the flush interval. While more keeps coming they are left to fill.
 */
import type { Writer } from './writer.ts';

export interface Burst {
  /** Told of every record that a writer has taken. */
  added(): void;
}

export interface BurstParts<R> {
  readonly writers: readonly Writer<R>[];
  readonly batchSize: () => number;
}

/**
 * Milliseconds without a record after which a burst is over: longer than a broker on the same network takes between two
 * packets under load, and nothing beside the shortest flush interval in use.
 */
const quietMs = 20;

export function createBurst<R>({ writers, batchSize }: BurstParts<R>): Burst {
  let lastAt = 0;
  let timer: NodeJS.Timeout | undefined;

  const fills = (): boolean => {
    let open = 0;
    for (const writer of writers) open += writer.open;
    return open >= batchSize();
  };

  const look = (): void => {
    timer = undefined;
    if (!fills()) return;
    const quietFor = performance.now() - lastAt;
    // What is being written will be acked, and more may come for that.
    if (writers.some((writer) => writer.busy)) timer = setTimeout(look, quietMs);
    else if (quietFor < quietMs) timer = setTimeout(look, quietMs - quietFor);
    else for (const writer of writers) writer.seal('records');
  };

  return {
    added() {
      lastAt = performance.now();
      if (timer === undefined && fills()) timer = setTimeout(look, quietMs);
    },
  };
}
