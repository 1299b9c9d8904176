/** The settings of a slow start, and what each of the fixes is worth: alone, and all together. */

import { readFileSync } from 'node:fs';
import { parseBatchLog, summarise } from '../report/batch-log.ts';
import type { Contestant, Run, Scenario } from '../scenario.ts';
import { UsageError } from '../scenario.ts';
import { graphinator } from '../subjects/graph-runs.ts';
import { type TableRun, tableinator } from '../subjects/table-runs.ts';

type Settings = Readonly<Record<string, string>>;

/** Before tuning: one message at a time, small batches, a small pool, row by row, all indices. */
export const baseline: Settings = {
  RABBITMQ_PREFETCH: '1',
  POSTGRES_BATCH_SIZE: '100',
  POSTGRES_BATCH_FLUSH_INTERVAL: '5.0',
  BATCH_MAX_PENDING: '1000',
  POSTGRES_POOL_MAX: '20',
  POSTGRES_POOL_MIN: '2',
  POSTGRES_WRITE_PATH: 'row',
};

/** What each fix sets; what it takes out of the baseline goes back to the default. */
const fixes: Readonly<Record<string, readonly string[]>> = {
  prefetch: ['RABBITMQ_PREFETCH'],
  batch: ['POSTGRES_BATCH_SIZE', 'POSTGRES_BATCH_FLUSH_INTERVAL', 'BATCH_MAX_PENDING'],
  pool: ['POSTGRES_POOL_MAX', 'POSTGRES_POOL_MIN'],
  copy: ['POSTGRES_WRITE_PATH'],
};

export function without(settings: Settings, names: readonly string[]): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !names.includes(name)));
}

const slow: TableRun = { settings: baseline, indices: 'all' };
/** Dropped before the load and built after it, which counts as well. */
const bulk: TableRun = { indices: 'none', indexAfterwards: true };
const graphBaseline: Settings = {
  RABBITMQ_PREFETCH: '1',
  NEO4J_BATCH_SIZE: '100',
  NEO4J_BATCH_FLUSH_INTERVAL: '5.0',
  BATCH_MAX_PENDING: '1000',
};

export const fixesScenario: Scenario = {
  name: 'fixes',
  sentence: 'The baseline settings, then each fix alone and all together: prefetch, batch, pool, COPY, index mode.',
  want: ['rabbitmq', 'postgres', 'neo4j'],
  records: 6_000,
  plan: () => {
    const alone = Object.entries(fixes).map(([name, names]) =>
      tableinator(name, `has ${names.join(', ')} as shipped, else the baseline`, {
        ...slow,
        settings: without(baseline, names),
      }),
    );
    const contestants = [
      tableinator('baseline', 'takes one message at a time, row by row, with all indices', slow),
      ...alone,
      tableinator('index mode', 'has no secondary indices while it loads, else the baseline', { ...slow, ...bulk }),
      tableinator('settings', 'has prefetch, batch and pool as shipped, row by row', {
        settings: without(
          baseline,
          Object.values(fixes)
            .flat()
            .filter((name) => name !== 'POSTGRES_WRITE_PATH'),
        ),
        indices: 'all',
      }),
      tableinator('all', 'has everything as shipped, and index mode', bulk),
      graphinator('graph baseline', 'takes one message at a time', { settings: graphBaseline }),
      graphinator('graph prefetch', 'has the window as shipped, else the baseline', {
        settings: without(graphBaseline, ['RABBITMQ_PREFETCH']),
      }),
      graphinator('graph all', 'has everything as shipped'),
    ];
    return {
      contestants,
      headline: { of: 'all', over: 'baseline' },
      ratios: [
        ...['prefetch', 'batch', 'pool', 'copy', 'index mode', 'settings'].map((of) => ({ of, over: 'baseline' })),
        { of: 'all', over: 'settings' },
        { of: 'graph prefetch', over: 'graph baseline' },
        { of: 'graph all', over: 'graph baseline' },
      ],
      targets: [{ of: 'all', over: 'baseline', what: 'rate', least: 15 }],
      notes: [
        'with a window of one message a batch is one record: batch, pool and COPY alone can then bring next to nothing',
        'records/s of index mode and of all count the building of the indices; "records/s loading" leaves it out',
      ],
    };
  },
};

/** A log instead of a run: its batches, and the rate they add up to. */
function fromLog(id: string, file: string): Contestant {
  return {
    id,
    does: `is what ${file} says`,
    async run(): Promise<Run> {
      const { batches, records, seconds, perFlush, endToEnd } = summarise(parseBatchLog(readFileSync(file, 'utf8')));
      if (batches === 0)
        throw new UsageError(`${file} holds no line of "Batch processed" with batch_size and duration_ms`);
      return {
        records,
        seconds,
        recordsPerSecond: perFlush,
        figures: { batches, ...(endToEnd === undefined ? {} : { 'end to end records/s': endToEnd }) },
      };
    },
  };
}

export const beforeAfterScenario: Scenario = {
  name: 'before-after',
  sentence:
    'Two logs of "Batch processed" lines compared (--before FILE --after FILE), or the baseline and the shipped settings run.',
  want: ['rabbitmq', 'postgres'],
  records: 6_000,
  plan: ({ before, after }) => {
    const headline = { of: 'after', over: 'before' };
    if (before === undefined && after === undefined) {
      return {
        contestants: [
          tableinator('before', 'has the baseline settings', slow),
          tableinator('after', 'has the shipped settings', { indices: 'all' }),
        ],
        headline,
      };
    }
    if (before === undefined || after === undefined)
      throw new UsageError('before-after wants --before FILE and --after FILE, or neither');
    return {
      contestants: [fromLog('before', before), fromLog('after', after)],
      headline,
      want: [],
      notes: ['records/s are those of the flushes: records over the sum of duration_ms'],
    };
  },
};
