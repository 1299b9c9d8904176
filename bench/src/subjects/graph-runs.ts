/** What fills a graph: graphinator, and Neo4j with statements from memory alone. */
import type { RecordType } from '@inator/discogs';
import { queueNames } from '@inator/rabbitmq';
import { type ConsumeOptions, consume } from '../measure/consume.ts';
import { fillingText } from '../programs/filling.ts';
import { declareQueue, type Filling, fill, ready, removeQueues } from '../queues.ts';
import type { Contestant } from '../scenario.ts';
import { openGraph, prepareGraph } from '../stores/graph.ts';
import { handedThrough, settingOf, uniquePrefix, type World } from '../world.ts';
import type { BadRecords } from './table-runs.ts';

const type = 'releases';

export interface GraphRun {
  /** Types of the records, of each as many. Default: releases alone. */
  readonly types?: readonly RecordType[];
  /** Version of the records that run. Default 1. */
  readonly version?: number;
  /** Whether the records that run have another title than those of their version. */
  readonly retitled?: boolean;
  /** Version that the graph holds before the clock starts; default: an empty graph. */
  readonly preload?: number;
  /** Settings of graphinator, under those handed through from our environment. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Records that the reader refuses. */
  readonly bad?: BadRecords;
  readonly inspect?: ConsumeOptions['inspect'];
  /** As of a table's run. */
  readonly toTheEnd?: boolean;
  /** Of the records in the queue, how many are waited for: 0 to 1. Default all. */
  readonly drained?: number;
}

export const graphinator = (id: string, does: string, options: GraphRun = {}): Contestant => ({
  id,
  does,
  async run(world, records) {
    const { env } = world;
    const { bad, settings = {}, types = [type] } = options;
    const prefix = uniquePrefix();
    const { deadLetterQueue } = queueNames(prefix, 'graphinator', type);
    try {
      await graphHolding(world, records, options.preload);
      for (const one of types) {
        await declareQueue(env, prefix, 'graphinator', one);
        await fill(env, queueNames(prefix, 'graphinator', one).exchange, {
          ...fillingOf(Math.floor(records / types.length), options),
          type: one,
          change: bad === undefined ? undefined : (body, i) => ((i + 1) % bad.every === 0 ? bad.change(body, i) : body),
        });
      }
      const refused = bad === undefined ? 0 : Math.floor(records / bad.every);
      return await consume(world, {
        consumers: [
          {
            script: 'services/graphinator/dist/main.js',
            env: {
              ...env,
              RABBITMQ_EXCHANGE_PREFIX: prefix,
              DATA_TYPES: types.join(','),
              ...settings,
              ...handedThrough('graphinator'),
            },
          },
        ],
        records: Math.max(2, Math.round((records - (records % types.length) - refused) * (options.drained ?? 1))),
        ...(refused === 0 && options.toTheEnd !== true
          ? {}
          : { also: async () => refused === 0 || (await ready(env, deadLetterQueue)) >= refused }),
        inspect: options.inspect,
      });
    } finally {
      for (const one of types) await removeQueues(env, prefix, ['graphinator'], one);
    }
  },
});

/** `statements`: what our sink sends, replayed bare. `foreach`: one UNWIND statement with FOREACHs, as written by hand. */
export type FloorForm = 'statements' | 'foreach';

export const graphFloor = (id: string, does: string, form: FloorForm, options: GraphRun = {}): Contestant => ({
  id,
  does,
  async run(world, records) {
    await graphHolding(world, records, options.preload);
    const preload =
      options.preload === undefined
        ? {}
        : { BENCH_PRELOAD: fillingText(fillingOf(records, { version: options.preload })) };
    return consume(world, {
      consumers: [
        {
          script: 'bench/dist/programs/graph-floor.js',
          env: {
            ...world.env,
            BENCH_FORM: form,
            BENCH_FILLING: fillingText(fillingOf(records, options)),
            ...preload,
            BENCH_WRITERS: String(settingOf('graphinator', 'NEO4J_WRITERS')),
            BENCH_BATCH_SIZE: String(settingOf('graphinator', 'NEO4J_BATCH_SIZE')),
          },
        },
      ],
      records,
    });
  },
});

function fillingOf(records: number, { version, retitled }: Pick<Filling, 'version' | 'retitled'>): Filling {
  return { type, count: records, version, retitled };
}

/** The graph is one for all runs: whoever runs next empties what the last one left. */
export async function graphHolding(world: World, records: number, version: number | undefined): Promise<void> {
  const neo4j = openGraph(world.env);
  try {
    await prepareGraph(neo4j, version === undefined ? undefined : fillingOf(records, { version }));
  } finally {
    await neo4j.close();
  }
}
