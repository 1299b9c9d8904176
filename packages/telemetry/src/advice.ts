/** What to do about a lane that does not get on: one sentence a state, the same in `/readyz`, on the page and in the terminal. */
import type { LaneSnapshot } from '@inator/runtime';

/** Undefined where there is nothing to do. */
export function laneAdvice({ state, lane, paused, reason }: LaneSnapshot): string | undefined {
  switch (state) {
    case 'consuming':
      if (reason === undefined) return undefined;
      return 'Good records go on, bad ones wait unacknowledged until their letters are taken: look at the dead-letter queue, its policies and the rights on it.';
    case 'paused':
      return `It goes on after \`inator resume ${lane}\`; what was in hand is written, the rest waits in the queue.`;
    case 'starting':
      return 'It is tried again until it opens; if the reason stays, check the address, the credentials and the rights.';
    case 'holding':
      return `Bring the store back: nothing is lost, records are held unacknowledged and go through by themselves.${
        paused ? ` The lane is paused as well: \`inator resume ${lane}\`.` : ''
      }`;
    case 'braked':
      return `Look at the dead letters with \`inator dlq list\`, mend the cause in the store or at the producer; then \`inator release-brake ${lane}\`, or restart.`;
    case 'draining':
    case 'stopped':
      return 'The service is stopping; nothing to do.';
  }
}
