/** The queues and the dead letters against the books: I2 and I4. */
import { recordTypes } from '@inator/discogs';
import type { RunningService } from '../../support/service.ts';
import type { Broker } from '../../support/stores.ts';
import type { Fleet } from '../fleet.ts';
import type { Ledger } from '../ledger.ts';
import { type ServiceTarget, serviceNames } from '../plan.ts';
import { type Violation, violation } from './violation.ts';

export const queueOf = (prefix: string, service: ServiceTarget, type: string): string => `${service}-${prefix}-${type}`;

/** Takes what letters there are into the books; what should not be a letter is a violation. */
export async function collectLetters(
  broker: Pick<Broker, 'letters'>,
  prefix: string,
  ledger: Ledger,
): Promise<Violation[]> {
  const found: Violation[] = [];
  const saying = {
    good: ['a good record was dead-lettered', 'goodDeadLettered'],
    unknown: ['a letter of a message that nobody published', undefined],
    changed: ['a letter is not its original, byte for byte', 'lost'],
    unreasoned: ['a letter does not say why', undefined],
  } as const;
  for (const service of serviceNames) {
    for (const type of recordTypes) {
      const queue = queueOf(prefix, service, type);
      for (const letter of await broker.letters(`${queue}.dlq`)) {
        const { is, messageId, detail } = ledger.letter(service, queue, letter);
        if (is === 'expected') continue;
        const [what, as] = saying[is];
        found.push(violation('I2', `${queue}.dlq`, what, [`${messageId} (${detail})`], as === undefined ? {} : { as }));
      }
    }
  }
  return found;
}

/** I2: bad records whose letter has not come. */
export function checkOwed(ledger: Pick<Ledger, 'owed'>): Violation[] {
  return serviceNames.flatMap((service) => {
    const owed = ledger.owed(service);
    const ids = owed.map(({ messageId, kind }) => `${messageId} (${kind})`);
    return ids.length === 0
      ? []
      : [violation('I2', service, 'bad records without a letter', ids, { mayHeal: true, as: 'lost' })];
  });
}

/** What is left to do, in words; undefined when every queue is empty and every lane has nothing in hand. */
export async function unfinished(
  broker: Pick<Broker, 'ready'>,
  fleet: Pick<Fleet, 'replicas' | 'lanes'>,
  prefix: string,
  services: readonly ServiceTarget[] = serviceNames,
): Promise<string | undefined> {
  for (const service of services) {
    const replicas = fleet.replicas(service);
    if (replicas.length === 0) return `no ${service} runs`;
    for (const replica of replicas) {
      const lane = await busyLane(fleet, replica);
      if (lane !== undefined) return lane;
    }
    for (const type of recordTypes) {
      const queue = queueOf(prefix, service, type);
      const ready = await broker.ready(queue);
      if (ready > 0) return `${queue} has ${ready} ready`;
    }
  }
  return undefined;
}

async function busyLane(fleet: Pick<Fleet, 'lanes'>, replica: RunningService): Promise<string | undefined> {
  const lanes = await fleet.lanes(replica).catch(() => undefined);
  if (lanes === undefined) return `${replica.name} ${replica.pid} does not answer`;
  for (const { lane, state, consuming, pendingRecords } of lanes) {
    if (consuming && state === 'consuming' && pendingRecords === 0) continue;
    return `${replica.name} ${replica.pid} ${lane} is ${state} with ${pendingRecords} in hand`;
  }
  return undefined;
}

/** I4 for good: with all services gone, whatever they had unacked is ready again. */
export async function checkEmpty(broker: Pick<Broker, 'ready'>, prefix: string): Promise<Violation[]> {
  const found: Violation[] = [];
  for (const service of serviceNames) {
    for (const type of recordTypes) {
      const queue = queueOf(prefix, service, type);
      const ready = await broker.ready(queue);
      if (ready > 0) found.push(violation('I4', queue, 'messages left', [], { count: ready, mayHeal: true }));
    }
  }
  return found;
}
