/** The broker alone, drained by its client. */
import { queueNames } from '@inator/rabbitmq';
import { consume } from '../measure/consume.ts';
import { declareQueue, fill, removeQueues } from '../queues.ts';
import type { Contestant } from '../scenario.ts';
import { uniquePrefix } from '../world.ts';

const type = 'releases';

export const brokerFloor = (id: string, does: string, prefetch: number): Contestant => ({
  id,
  does,
  async run(world, records) {
    const prefix = uniquePrefix();
    const { exchange, queue } = queueNames(prefix, 'floor', type);
    try {
      await declareQueue(world.env, prefix, 'floor', type);
      await fill(world.env, exchange, { type, count: records });
      return await consume(world, {
        consumers: [
          {
            script: 'bench/dist/programs/broker-floor.js',
            env: {
              ...world.env,
              BENCH_QUEUE: queue,
              BENCH_PREFETCH: String(prefetch),
              BENCH_RECORDS: String(records),
            },
          },
        ],
        records,
      });
    } finally {
      await removeQueues(world.env, prefix, ['floor'], type);
    }
  },
});
