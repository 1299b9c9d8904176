/** What fills a table: tableinator, the naive loop, and PostgreSQL with our sink alone. */
import type { RecordType } from '@inator/discogs';
import { queueNames } from '@inator/rabbitmq';
import { type ConsumeOptions, consume } from '../measure/consume.ts';
import { round } from '../measure/stats.ts';
import { fillingText } from '../programs/filling.ts';
import { declareQueue, type Filling, fill, ready, removeQueues } from '../queues.ts';
import type { Contestant, Run } from '../scenario.ts';
import {
  addPlaceholder,
  createTable,
  dropSchema,
  type Indices,
  indexStatements,
  preloadTable,
  settle,
  sql,
} from '../stores/table.ts';
import { handedThrough, settingOf, uniquePrefix, type World } from '../world.ts';

export interface TableRun {
  /** Default `releases`. */
  readonly type?: RecordType;
  /** Version of the records that run. Default 1. */
  readonly version?: number;
  /** Version that the table holds before the clock starts; default: an empty table. */
  readonly preload?: number;
  /** Default: without the GIN index, which would be most of the work of everybody alike. */
  readonly indices?: Indices;
  /** Settings of tableinator, under those handed through from our environment. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Mean bytes of a body. */
  readonly targetBytes?: number;
  /** Processes that share the queue. Default 1. */
  readonly replicas?: number;
  readonly bad?: BadRecords;
  /** Build the missing indices after the load and count that too; figures `index s` and `records/s loading` tell it apart. */
  readonly indexAfterwards?: boolean;
  readonly inspect?: ConsumeOptions['inspect'];
  /** The clock runs to the last record settled, as it does where records are refused: for a run that is compared with such. */
  readonly toTheEnd?: boolean;
}

/** Some of the records are refused. */
export interface BadRecords {
  /** One in so many. */
  readonly every: number;
  change(body: Buffer, index: number): Buffer;
  /** `reader` refuses them before they are in a batch; `store` refuses them by this CHECK constraint. */
  readonly by: { readonly is: 'reader' } | { readonly is: 'store'; readonly check: string };
}

/** tableinator without the GIN index: comparisons leave it out on both sides. */
export const withoutGin = { POSTGRES_GIN: 'false' } as const;

export const settingOr = (settings: TableRun['settings'], name: string): number =>
  process.env[name] === undefined && settings?.[name] !== undefined
    ? Number(settings[name])
    : settingOf('tableinator', name);

export const tableinator = (id: string, does: string, options: TableRun = {}): Contestant => ({
  id,
  does,
  async run(world, records) {
    const { type = 'releases', bad, replicas = 1, indices = 'hash', settings = {} } = options;
    const { env } = world;
    const prefix = uniquePrefix();
    const names = queueNames(prefix, 'tableinator', type);
    try {
      await createTable(env, prefix, type, { indices, check: bad?.by.is === 'store' ? bad.by.check : undefined });
      if (indices === 'none') await addPlaceholder(env, prefix, type);
      const bytes = await prepare(world, prefix, 'tableinator', records, options);
      const refused = bad === undefined ? 0 : Math.floor(records / bad.every);
      const service = {
        script: 'services/tableinator/dist/main.js',
        env: {
          ...env,
          RABBITMQ_EXCHANGE_PREFIX: prefix,
          POSTGRES_SCHEMA: prefix,
          DATA_TYPES: type,
          ...(indices === 'all' ? {} : withoutGin),
          ...settings,
          ...handedThrough('tableinator'),
        },
      };
      const run = await consume(world, {
        consumers: Array.from({ length: replicas }, () => service),
        records: bad?.by.is === 'reader' ? records - refused : records,
        ...(refused === 0 && options.toTheEnd !== true
          ? {}
          : { also: async () => refused === 0 || (await ready(env, names.deadLetterQueue)) >= refused }),
        inspect: options.inspect,
      });
      return withBytes(options.indexAfterwards ? await withIndices(world, prefix, type, run) : run, bytes / records);
    } finally {
      await cleanUp(world, prefix, 'tableinator', type);
    }
  },
});

/** The shortest loop one would write by hand: `bench/src/programs/naive.ts`. */
export const naive = (
  id: string,
  does: string,
  options: Omit<TableRun, 'settings' | 'bad' | 'replicas'> = {},
): Contestant => ({
  id,
  does,
  async run(world, records) {
    const { type = 'releases', indices = 'hash' } = options;
    const prefix = uniquePrefix();
    const { queue } = queueNames(prefix, 'naive', type);
    try {
      await createTable(world.env, prefix, type, { indices });
      const bytes = await prepare(world, prefix, 'naive', records, options);
      const run = await consume(world, {
        consumers: [
          {
            script: 'bench/dist/programs/naive.js',
            env: {
              ...world.env,
              BENCH_QUEUE: queue,
              BENCH_TABLE: `"${prefix}"."${type}"`,
              BENCH_BATCH_SIZE: String(settingOf('tableinator', 'POSTGRES_BATCH_SIZE')),
            },
          },
        ],
        records,
        inspect: options.inspect,
      });
      return withBytes(run, bytes / records);
    } finally {
      await cleanUp(world, prefix, 'naive', type);
    }
  },
});

/**
 * PostgreSQL fed from memory by as many writers as tableinator has, every batch by COPY into a stage and a merge. What the
 * table holds is asked of it only with `asks`, as our sink does.
 */
export const postgresFloor = (
  id: string,
  does: string,
  options: Omit<TableRun, 'bad' | 'replicas'> & { readonly asks?: boolean } = {},
): Contestant => ({
  id,
  does,
  async run(world, records) {
    const { type = 'releases', indices = 'hash', settings, asks = false } = options;
    const prefix = uniquePrefix();
    try {
      await createTable(world.env, prefix, type, { indices });
      await preloaded(world, prefix, records, options);
      const run = await consume(world, {
        consumers: [
          {
            script: 'bench/dist/programs/postgres-floor.js',
            env: {
              ...world.env,
              POSTGRES_SCHEMA: prefix,
              BENCH_FILLING: fillingText(fillingOf(records, options)),
              BENCH_INDICES: indices,
              BENCH_WRITE_PATH: process.env.POSTGRES_WRITE_PATH ?? settings?.POSTGRES_WRITE_PATH ?? 'copy',
              BENCH_ASKS: String(asks),
              BENCH_WRITERS: String(settingOr(settings, 'POSTGRES_WRITERS')),
              BENCH_BATCH_SIZE: String(settingOr(settings, 'POSTGRES_BATCH_SIZE')),
            },
          },
        ],
        records,
      });
      return run;
    } finally {
      await dropSchema(world.env, prefix);
    }
  },
});

function fillingOf(records: number, { type = 'releases', version, targetBytes, bad }: TableRun): Filling {
  return {
    type,
    count: records,
    version,
    targetBytes,
    change: bad === undefined ? undefined : (body, i) => ((i + 1) % bad.every === 0 ? bad.change(body, i) : body),
  };
}

/** Table, then queue: what the clock does not see. Returns the bytes of all bodies. */
async function prepare(
  world: World,
  prefix: string,
  consumer: string,
  records: number,
  options: TableRun,
): Promise<number> {
  const { type = 'releases' } = options;
  await preloaded(world, prefix, records, options);
  await declareQueue(world.env, prefix, consumer, type);
  return fill(world.env, queueNames(prefix, consumer, type).exchange, fillingOf(records, options));
}

async function preloaded(world: World, prefix: string, records: number, options: TableRun): Promise<void> {
  const { preload, indices = 'hash' } = options;
  if (preload === undefined) return settle(world.env);
  const { bad: _, ...sound } = options;
  await preloadTable(world.env, prefix, fillingOf(records, { ...sound, version: preload }), indices);
}

async function withIndices(world: World, schema: string, type: RecordType, run: Run): Promise<Run> {
  const began = performance.now();
  for (const statement of indexStatements(schema, type, 'all')) await sql(world.env, statement);
  const seconds = (performance.now() - began) / 1000;
  const all = run.seconds + seconds;
  return {
    ...run,
    seconds: round(all, 3),
    recordsPerSecond: Math.round(run.records / all),
    figures: { ...run.figures, 'index s': round(seconds, 2), 'records/s loading': run.recordsPerSecond },
  };
}

function withBytes(run: Run, bytes: number): Run {
  const rate = round((run.recordsPerSecond * bytes) / 1e6, 1);
  return { ...run, figures: { ...run.figures, 'MB/s': rate } };
}

async function cleanUp(world: World, prefix: string, consumer: string, type: RecordType): Promise<void> {
  await removeQueues(world.env, prefix, [consumer], type);
  await dropSchema(world.env, prefix);
}
