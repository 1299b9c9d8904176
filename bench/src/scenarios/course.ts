/** How the services fare in the course of a long run, with bad records among the good, and with hardly any at all. */
import { type Course, rateCurve } from '../measure/consume.ts';
import { round, slope, thinned } from '../measure/stats.ts';
import type { Run, Scenario, Target } from '../scenario.ts';
import { graphinator } from '../subjects/graph-runs.ts';
import { latency } from '../subjects/latency.ts';
import { type BadRecords, tableinator } from '../subjects/table-runs.ts';

/** Points of a curve that are kept: enough for a plot, few enough for a file. */
const kept = 100;
/** Parts of a growth run; the first and the last are compared. */
const parts = 20;
/** Fewer batches than this arrive in one reading of a pipe: no rate can be made of them. */
const leastBatches = 5;
/** The heap takes so many records to find its size; a slope over fewer would be its finding. */
const leastForSlope = 50_000;

export function growthOf(course: Course): Pick<Run, 'figures' | 'series'> {
  const { marks } = course;
  const total = marks.at(-1)?.records ?? 0;
  const between = (from: number, to: number): number => {
    const first = marks.findIndex(({ records }) => records >= from);
    const last = marks.findIndex(({ records }) => records >= to);
    const [begin, end] = [marks[first], marks[last]];
    if (begin === undefined || end === undefined || last - first < leastBatches || end.at === begin.at) return 0;
    return (end.records - begin.records) / (end.at - begin.at);
  };
  const first = between(1, total / parts);
  const last = between(total - total / parts, total);
  return {
    // Too few batches to tell the two parts apart have no such figures.
    ...(first === 0 || last === 0
      ? {}
      : {
          figures: {
            'first 5 % records/s': Math.round(first),
            'last 5 % records/s': Math.round(last),
            'last over first': round(last / first, 3),
          },
        }),
    series: { 'records/s': thinned(rateCurve(course, kept), kept) },
  };
}

export function memoryOf({ marks }: Course): Pick<Run, 'figures' | 'series'> {
  const points = marks.map(({ records, memoryMiB }) => [records, memoryMiB] as const);
  const total = points.at(-1)?.[0] ?? 0;
  // The heap finds its size in the first part; what grows after that grows for ever.
  const settled = points.filter(([records]) => records > total / 5);
  const perMillion = slope(settled) * 1e6;
  const memory = points.map(([, miB]) => miB);
  return {
    figures: {
      'private peak MiB': round(
        memory.reduce((most, miB) => Math.max(most, miB), 0),
        1,
      ),
      'private last MiB': round(memory.at(-1) ?? 0, 1),
      ...(total < leastForSlope ? {} : { 'MiB per million': round(perMillion, 1) }),
    },
    series: { 'private MiB': thinned(points, kept) },
  };
}

/** 200 MB of resident memory, in MiB. */
const memoryBound = 190.7;
/** Flat: what is gained over a million records is within a tenth of the bound. */
const flatBound = 20;
const memoryTargets = (of: string): readonly Target[] => [
  { of, what: 'peak MiB', most: memoryBound },
  { of, what: 'MiB per million', most: flatBound },
];

const growthAndMemory = (course: Course): Pick<Run, 'figures' | 'series'> => {
  const [growth, memory] = [growthOf(course), memoryOf(course)];
  return { figures: { ...growth.figures, ...memory.figures }, series: { ...growth.series, ...memory.series } };
};

export const growthScenario: Scenario = {
  name: 'growth',
  sentence:
    'A table that grows: the rate of the first and of the last 5 % of the records, and memory over a long queue.',
  want: ['rabbitmq', 'postgres'],
  records: 2_000_000,
  rounds: 1,
  notInAll: 'it fills a queue of some gigabytes',
  plan: () => ({
    contestants: [tableinator('tableinator', 'drains one long queue into one table', { inspect: growthAndMemory })],
    headline: { of: 'tableinator', figure: 'last over first' },
    targets: [{ of: 'tableinator', what: 'last over first', least: 0.8 }, ...memoryTargets('tableinator')],
  }),
};

export const memoryScenario: Scenario = {
  name: 'memory',
  sentence: 'A long queue: the peak of resident memory, and whether it grows.',
  want: ['rabbitmq', 'postgres', 'neo4j'],
  records: 1_000_000,
  rounds: 1,
  notInAll: 'it fills a queue of more than a gigabyte',
  plan: () => ({
    contestants: [
      tableinator('tableinator', 'drains one long queue', { inspect: memoryOf }),
      graphinator('graphinator', 'drains the first tenth of one long queue', { inspect: memoryOf, drained: 0.1 }),
    ],
    headline: { of: 'tableinator', figure: 'MiB per million' },
    targets: [...memoryTargets('tableinator'), ...memoryTargets('graphinator')],
    notes: ['graphinator is watched over a tenth of its queue: the whole would take it ten minutes and more'],
  }),
};

/** So that the wait of the last few records for the flush interval, 2 s, is not what is timed: the letters come last. */
const soonInTable = { settings: { POSTGRES_BATCH_FLUSH_INTERVAL: '0.1' }, toTheEnd: true };
const soonInGraph = { settings: { NEO4J_BATCH_FLUSH_INTERVAL: '0.1' }, toTheEnd: true };

/** Half of them end in the middle, half hold a U+0000: what an interrupted and a careless producer send. */
export function spoil(body: Buffer, index: number): Buffer {
  return index % 2 === 0
    ? body.subarray(0, body.length - 20)
    : Buffer.concat([Buffer.from('{"spoilt":"\\u0000",'), body.subarray(1)]);
}

const everyHundredth: BadRecords = { every: 100, change: spoil, by: { is: 'reader' } };
const refusedByStore: BadRecords = {
  every: 100,
  change: (body) => Buffer.concat([Buffer.from('{"unwanted":true,'), body.subarray(1)]),
  by: { is: 'store', check: `NOT data ? 'unwanted'` },
};

export const poisonScenario: Scenario = {
  name: 'poison',
  sentence: 'One bad record in a hundred, dead-lettered alone, against a clean queue; both services.',
  want: ['rabbitmq', 'postgres', 'neo4j'],
  records: 20_000,
  plan: () => ({
    contestants: [
      tableinator('tableinator', 'meets sound records only', soonInTable),
      tableinator('tableinator 1 % bad', 'meets truncated bodies and U+0000', { ...soonInTable, bad: everyHundredth }),
      tableinator('tableinator 1 % refused', 'meets records that a constraint of the table refuses', {
        ...soonInTable,
        bad: refusedByStore,
      }),
      graphinator('graphinator', 'meets sound records only', soonInGraph),
      graphinator('graphinator 1 % bad', 'meets truncated bodies and U+0000', { ...soonInGraph, bad: everyHundredth }),
    ],
    headline: { of: 'tableinator 1 % bad', over: 'tableinator' },
    ratios: [
      { of: 'tableinator 1 % refused', over: 'tableinator' },
      { of: 'graphinator 1 % bad', over: 'graphinator' },
    ],
    targets: [
      { of: 'tableinator 1 % bad', over: 'tableinator', what: 'rate', least: 0.8 },
      { of: 'tableinator 1 % refused', over: 'tableinator', what: 'rate', least: 0.8 },
      { of: 'graphinator 1 % bad', over: 'graphinator', what: 'rate', least: 0.8 },
    ],
    notes: [
      'the clock stops with the last record, and where records are bad with the last dead letter in its queue',
      'records that the reader refuses are not among the records/s',
      'batches are flushed after 0.1 s, so that the end of the queue is not timed by the default of 2 s',
    ],
  }),
};

const fastest = 100;

export const latencyScenario: Scenario = {
  name: 'latency',
  sentence: 'A trickle of 10 and of 100 records a second: from publishing to being readable in the store.',
  want: ['rabbitmq', 'postgres', 'neo4j'],
  records: 3_000,
  rounds: 1,
  warmUp: 200,
  plan: () => {
    const services = ['tableinator', 'graphinator'] as const;
    return {
      contestants: services.flatMap((service) => {
        const interval = service === 'tableinator' ? 'POSTGRES_BATCH_FLUSH_INTERVAL' : 'NEO4J_BATCH_FLUSH_INTERVAL';
        const of = (rate: number, how = '', does = 'flushes as it does by default', settings = {}) =>
          latency(`${service} ${rate}/s${how}`, does, { service, rate, settings }, fastest);
        return [
          of(10),
          of(100),
          of(100, ' flush 0.05 s', `has ${interval}=0.05`, { [interval]: '0.05' }),
          of(100, ' natural', 'has BATCH_NATURAL=true', { BATCH_NATURAL: 'true' }),
        ];
      }),
      headline: { of: 'tableinator 100/s natural', figure: 'p99 ms' },
      targets: services.map((service) => ({ of: `${service} 100/s natural`, what: 'p99 ms', most: 50 })),
      notes: [
        'PostgreSQL tells of every commit by NOTIFY; Neo4j is asked every 5 ms, which is how exact its figures are',
        'a trickle never fills a batch: by default the flush interval decides, half of it on average, all of it at worst',
      ],
    };
  },
};
