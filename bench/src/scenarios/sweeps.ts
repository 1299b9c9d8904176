/** One setting in steps, the others as shipped: what the tuning guide shows. */
import type { Plan, Scenario } from '../scenario.ts';
import { graphinator } from '../subjects/graph-runs.ts';
import { tableinator } from '../subjects/table-runs.ts';

/** Every step against the shipped value. */
function against(shipped: string, contestants: Plan['contestants']): Plan {
  const others = contestants.map(({ id }) => id).filter((id) => id !== shipped);
  const [first = shipped, ...rest] = others;
  return {
    contestants,
    headline: { of: first, over: shipped },
    ratios: rest.map((of) => ({ of, over: shipped })),
  };
}

export const batchSizeScenario: Scenario = {
  name: 'batch-size',
  sentence: 'tableinator with batches of 100 to 4,000 records: POSTGRES_BATCH_SIZE.',
  want: ['rabbitmq', 'postgres'],
  records: 40_000,
  plan: () =>
    against(
      '500',
      [100, 250, 500, 1_000, 2_000, 4_000].map((size) =>
        tableinator(String(size), `writes up to ${size} records at once`, {
          settings: { POSTGRES_BATCH_SIZE: String(size), BATCH_MAX_PENDING: String(Math.max(5_000, size * 4)) },
        }),
      ),
    ),
};

export const graphBatchSizeScenario: Scenario = {
  name: 'graph-batch-size',
  sentence: 'graphinator with batches of 100 to 2,000 records: NEO4J_BATCH_SIZE.',
  want: ['rabbitmq', 'neo4j'],
  records: 12_000,
  plan: () =>
    against(
      '500',
      [100, 500, 1_000, 2_000].map((size) =>
        graphinator(String(size), `writes up to ${size} records at once`, {
          settings: { NEO4J_BATCH_SIZE: String(size), BATCH_MAX_PENDING: String(Math.max(5_000, size * 4)) },
        }),
      ),
    ),
};

export const writersScenario: Scenario = {
  name: 'writers',
  sentence: 'tableinator with one to eight batches written side by side, and with too small a pool: POSTGRES_WRITERS.',
  want: ['rabbitmq', 'postgres'],
  records: 40_000,
  plan: () =>
    against('2', [
      ...[1, 2, 4, 8].map((writers) =>
        tableinator(String(writers), `writes ${writers === 1 ? 'one batch' : `${writers} batches`} at a time`, {
          settings: { POSTGRES_WRITERS: String(writers) },
        }),
      ),
      tableinator('4, pool 2', 'has four writers and two connections', {
        settings: { POSTGRES_WRITERS: '4', POSTGRES_POOL_MAX: '2', POSTGRES_POOL_MIN: '2' },
      }),
    ]),
};

export const graphWritersScenario: Scenario = {
  name: 'graph-writers',
  sentence: 'graphinator with one to six batches of one type written side by side: NEO4J_WRITERS.',
  want: ['rabbitmq', 'neo4j'],
  records: 40_000,
  plan: () =>
    against(
      '2',
      [1, 2, 3, 4, 6].map((writers) =>
        graphinator(String(writers), `writes ${writers === 1 ? 'one batch' : `${writers} batches`} at a time`, {
          settings: { NEO4J_WRITERS: String(writers) },
        }),
      ),
    ),
};

export const graphTypesScenario: Scenario = {
  name: 'graph-types',
  sentence: 'graphinator with all four types at once, whose records share nodes, and one to four writers of each.',
  want: ['rabbitmq', 'neo4j'],
  records: 40_000,
  plan: () =>
    against(
      '2',
      [1, 2, 3, 4].map((writers) =>
        graphinator(
          String(writers),
          `writes ${writers === 1 ? 'one batch' : `${writers} batches`} of a type at a time`,
          {
            types: ['artists', 'labels', 'masters', 'releases'],
            settings: { NEO4J_WRITERS: String(writers) },
          },
        ),
      ),
    ),
};

export const prefetchScenario: Scenario = {
  name: 'prefetch',
  sentence: 'tableinator with windows of 10 to 5,000 messages against the derived one: RABBITMQ_PREFETCH.',
  want: ['rabbitmq', 'postgres'],
  records: 40_000,
  plan: () =>
    against('derived', [
      ...[10, 100, 500, 1_000, 5_000].map((window) =>
        tableinator(String(window), `takes up to ${window} messages`, {
          settings: { RABBITMQ_PREFETCH: String(window) },
        }),
      ),
      tableinator('derived', 'takes batch size × writers × 2'),
    ]),
};
