/** What to do about a lane that does not get on: one sentence a state, the same in `/readyz`, on the page and in the terminal. */
import type { FaultCode, LaneSnapshot } from '@inator/runtime';

/** Undefined where there is nothing to do. */
export function laneAdvice({ state, lane, paused, reason, code }: LaneSnapshot): string | undefined {
  switch (state) {
    case 'consuming':
      if (reason === undefined) return undefined;
      return 'Good records go on, bad ones wait unacknowledged until their letters are taken: look at the dead-letter queue, its policies and the rights on it.';
    case 'paused':
      return `It goes on after \`inator resume ${lane}\`; what was in hand is written, the rest waits in the queue.`;
    case 'starting':
      return 'It is tried again until it opens; if the reason stays, check the address, the credentials and the rights, or run the statement that it names.';
    case 'holding':
      return `${mendStore(code)}: nothing is lost, records are held unacknowledged and go through by themselves.${
        paused ? ` The lane is paused as well: \`inator resume ${lane}\`.` : ''
      }`;
    case 'braked':
      return `Look at the dead letters with \`inator dlq list\`, mend the cause in the store or at the producer; then \`inator release-brake ${lane}\`, or restart.`;
    case 'draining':
    case 'stopped':
      return 'The service is stopping; nothing to do.';
  }
}

/** A store that answers need not be brought back: somebody is in the way of the batch, or the store does not permit it. */
function mendStore(code: FaultCode | undefined): string {
  if (code === 'store-busy') {
    return 'The store answers but is busy: look for locks and long transactions (PostgreSQL: pg_stat_activity, pg_locks; Neo4j: SHOW TRANSACTIONS), and for memory or disk that it is short of';
  }
  if (code === 'store-misconfigured')
    return 'The store answers but refuses: give the right or create what the reason names';
  return 'Bring the store back';
}
