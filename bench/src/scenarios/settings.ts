/** One setting or circumstance varied, everything else the same. */
import type { Scenario } from '../scenario.ts';
import { naive, postgresFloor, tableinator } from '../subjects/table-runs.ts';

export const ginScenario: Scenario = {
  name: 'gin',
  sentence:
    'The GIN index on the body, which the default table has: tableinator and the naive loop with it and without.',
  want: ['rabbitmq', 'postgres'],
  records: 30_000,
  plan: () => ({
    contestants: [
      tableinator('tableinator gin', 'keeps the GIN index', { indices: 'all' }),
      tableinator('tableinator', 'has no GIN index'),
      naive('naive gin', 'keeps the GIN index', { indices: 'all' }),
      naive('naive', 'has no GIN index'),
    ],
    headline: { of: 'tableinator gin', over: 'tableinator' },
    ratios: [
      { of: 'naive gin', over: 'naive' },
      { of: 'tableinator gin', over: 'naive gin' },
    ],
  }),
};

export const writePathsScenario: Scenario = {
  name: 'write-paths',
  sentence: 'tableinator by row, by one statement with array parameters, and by COPY: POSTGRES_WRITE_PATH.',
  want: ['rabbitmq', 'postgres'],
  records: 20_000,
  plan: () => ({
    contestants: [
      tableinator('copy', 'copies into a stage and merges', { settings: { POSTGRES_WRITE_PATH: 'copy' } }),
      tableinator('straight', 'copies new keys into the table itself', {
        settings: { POSTGRES_WRITE_PATH: 'straight' },
      }),
      tableinator('multirow', 'merges array parameters', { settings: { POSTGRES_WRITE_PATH: 'multirow' } }),
      tableinator('row', 'merges row by row', { settings: { POSTGRES_WRITE_PATH: 'row' } }),
    ],
    headline: { of: 'copy', over: 'row' },
    ratios: [
      { of: 'straight', over: 'copy' },
      { of: 'copy', over: 'multirow' },
    ],
    targets: [{ of: 'copy', over: 'row', what: 'rate', least: 10 }],
  }),
};

export const replicasScenario: Scenario = {
  name: 'replicas',
  sentence: 'One, two and four processes of tableinator on one queue.',
  want: ['rabbitmq', 'postgres'],
  records: 60_000,
  plan: () => ({
    contestants: [1, 2, 4].map((replicas) =>
      tableinator(replicas === 1 ? '1 process' : `${replicas} processes`, 'share one queue and one table', {
        replicas,
      }),
    ),
    headline: { of: '2 processes', over: '1 process' },
    ratios: [{ of: '4 processes', over: '1 process' }],
  }),
};

/** The generator's smallest records are artists without padding; a release cannot be shorter than about 860 bytes. */
const sizes = [
  { name: '0.27 KB', type: 'artists', targetBytes: 0, share: 1 },
  { name: '1.25 KB', type: 'releases', targetBytes: 1_250, share: 1 },
  { name: '10 KB', type: 'releases', targetBytes: 10_240, share: 1 / 8 },
  { name: '100 KB', type: 'releases', targetBytes: 102_400, share: 1 / 40 },
] as const;
/** Fewer than two batches of each writer would measure the first batch only. */
const leastRecords = 2_500;

export const sizesScenario: Scenario = {
  name: 'sizes',
  sentence: 'Bodies of 0.27, 1.25, 10 and 100 KB: records and megabytes a second, queue to commit and from memory.',
  want: ['rabbitmq', 'postgres'],
  records: 60_000,
  plan: () => ({
    contestants: sizes.flatMap(({ name, type, targetBytes, share }) => {
      const fewer = (records: number): number => Math.min(records, Math.max(leastRecords, Math.round(records * share)));
      return [
        tableinator(name, 'takes them from the queue', { type, targetBytes }),
        postgresFloor(`floor ${name}`, 'writes them from memory', { type, targetBytes }),
      ].map((contestant) => ({
        ...contestant,
        run: (world: Parameters<typeof contestant.run>[0], records: number) => contestant.run(world, fewer(records)),
      }));
    }),
    headline: { of: '1.25 KB', over: 'floor 1.25 KB' },
    ratios: sizes.filter(({ name }) => name !== '1.25 KB').map(({ name }) => ({ of: name, over: `floor ${name}` })),
    notes: [`of the larger sizes fewer records are taken, at least ${leastRecords}`],
  }),
};
