/**
 * How many transactions of this process write side by side.
 *
 * Lanes share nodes, and Neo4j takes locks at moments of its own, some of them at the commit, so that no order of ours
 * keeps writers of different types from deadlocking. Each deadlock costs a whole transaction, written once more, and
 * more writers then store less: docs/decisions/0011 has the figures. So a deadlock halves the number, and every so many transactions that wanted more and met none give one back: where writers are in each other's way few of
 * them write, and elsewhere all.
 */
import { fault, SinkError } from '@inator/runtime';

export type TurnEnd = 'passed' | 'deadlocked' | 'failed';

export interface Turn {
  /** Gives the turn to whoever waits longest. Called once, when the transaction is over. */
  leave(end: TurnEnd): void;
}

export interface Concurrency {
  /** In the order of asking. Rejects with `SinkError` `unavailable` when `signal` aborts. */
  enter(signal: AbortSignal): Promise<Turn>;
  stats(): {
    /** Turns given out, those left out that are kept too long. */
    readonly active: number;
    readonly waiting: number;
    /** Most turns given out at once; infinite until the first deadlock. */
    readonly limit: number;
  };
}

/**
 * Transactions without a deadlock that give one turn more. At the number that suits the load about one in so many is then
 * written twice, which is little, and a limit that is too low is left within seconds.
 */
const calm = 25;

/**
 * A turn that is kept longer, because somebody else's lock is waited for or the link is dead, counts no more: lanes that are not
 * concerned go on. In milliseconds; batches of 500 took 0.4 to 0.55 s at the median, four types at once on two cores.
 */
const defaultPatienceMs = 2_000;

export function createConcurrency(patienceMs = defaultPatienceMs): Concurrency {
  let limit = Number.POSITIVE_INFINITY;
  let active = 0;
  /** Raised by every cut, so that the victims of one tangle cut once. */
  let tangles = 0;
  const queue: (() => void)[] = [];

  const admit = (): void => {
    while (queue.length > 0 && active < Math.floor(limit)) {
      active += 1;
      queue.shift()?.();
    }
  };

  const turn = (): Turn => {
    const began = tangles;
    let counts = true;
    const free = (): void => {
      if (!counts) return;
      counts = false;
      active -= 1;
      admit();
    };
    const patience = setTimeout(free, patienceMs).unref();
    return {
      leave(end) {
        if (end === 'deadlocked' && began === tangles) {
          tangles += 1;
          limit = Math.max(1, Math.floor(Math.min(limit, active) / 2));
        }
        // While nobody waits, that there was no deadlock says nothing about more.
        if (end === 'passed' && queue.length > 0) limit += 1 / calm;
        clearTimeout(patience);
        free();
      },
    };
  };

  return {
    enter: (signal) =>
      new Promise((resolve, reject) => {
        const aborted = (): void => {
          const at = queue.indexOf(go);
          if (at >= 0) queue.splice(at, 1);
          const reason = 'the write was given up before it began, as the service is stopping';
          reject(new SinkError('unavailable', fault('store-unreachable', 'graph', reason)));
        };
        const go = (): void => {
          signal.removeEventListener('abort', aborted);
          resolve(turn());
        };
        if (signal.aborted) return aborted();
        signal.addEventListener('abort', aborted, { once: true });
        queue.push(go);
        admit();
      }),
    stats: () => ({ active, waiting: queue.length, limit }),
  };
}
