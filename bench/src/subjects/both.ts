/** Both services at once: every record goes into a table and into the graph, on the same machine. */
import { queueNames } from '@inator/rabbitmq';
import { consume } from '../measure/consume.ts';
import { declareQueue, fill, removeQueues } from '../queues.ts';
import type { Contestant, Run } from '../scenario.ts';
import { createTable, dropSchema, settle } from '../stores/table.ts';
import { handedThrough, uniquePrefix } from '../world.ts';
import { graphHolding } from './graph-runs.ts';
import { withoutGin } from './table-runs.ts';

const type = 'releases';

export const bothAtOnce = (id: string, does: string): Contestant => ({
  id,
  does,
  async run(world, records) {
    const { env } = world;
    const prefix = uniquePrefix();
    const common = { ...env, RABBITMQ_EXCHANGE_PREFIX: prefix, DATA_TYPES: type };
    try {
      await graphHolding(world, records, undefined);
      await createTable(env, prefix, type, { indices: 'hash' });
      await declareQueue(env, prefix, 'tableinator', type);
      await declareQueue(env, prefix, 'graphinator', type);
      await fill(env, queueNames(prefix, '', type).exchange, { type, count: records });
      await settle(env);
      const [table, graph] = await Promise.all([
        consume(world, {
          consumers: [
            {
              script: 'services/tableinator/dist/main.js',
              env: { ...common, POSTGRES_SCHEMA: prefix, ...withoutGin, ...handedThrough('tableinator') },
            },
          ],
          records,
        }),
        // What the servers used is counted by the one that runs longer.
        consume(world, {
          consumers: [
            { script: 'services/graphinator/dist/main.js', env: { ...common, ...handedThrough('graphinator') } },
          ],
          records,
        }),
      ]);
      return together(table, graph);
    } finally {
      await removeQueues(env, prefix, ['tableinator', 'graphinator'], type);
      await dropSchema(env, prefix);
    }
  },
});

/** Done when the slower one is; the processor time of both. */
function together(table: Run, graph: Run): Run {
  const slower = table.seconds > graph.seconds ? table : graph;
  const sum = (a: number | undefined, b: number | undefined): number | undefined =>
    a === undefined || b === undefined ? undefined : a + b;
  return {
    ...slower,
    cpuSeconds: sum(table.cpuSeconds, graph.cpuSeconds),
    peakMemoryMiB: sum(table.peakMemoryMiB, graph.peakMemoryMiB),
    batchMs: undefined,
    figures: { 'tableinator records/s': table.recordsPerSecond, 'graphinator records/s': graph.recordsPerSecond },
  };
}
