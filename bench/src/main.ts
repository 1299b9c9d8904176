/**
 * `npm run bench -- NAME`: one benchmark, or several, and what each is compared with, in one run.
 *
 * Progress and tables go to standard error; with --json the last line of standard output is the result as one object.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measure, warmUpRecords } from './engine.ts';
import { append, flamesOf } from './report/append.ts';
import { comparisonText, savedResult } from './report/compare.ts';
import { type Result, resultOf } from './report/result.ts';
import { resultText, textTable } from './report/table.ts';
import { serverVersions } from './report/versions.ts';
import { type Options, optionNames, type Plan, restricted, type Scenario, UsageError } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';
import { type ClockName, handedThrough, machine, root, withServers } from './world.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

const usage = `usage: npm run bench -- NAME...|all [options]

  --list            the benchmarks there are
  --records N       instead of the benchmark's own number
  --rounds N        default 3; contestants take turns, and every other round is turned around
  --warm-up N       records of the run before the first round, which does not count; 0 for none
  --lead-in N       records at the start of every run that the clock leaves out; default: a sixth, at most 10,000
  --clock NAME      batches (default): from the end of the lead-in; queue: from the start of consuming
  --only ID,ID      these contestants alone; ratios and targets that need another are left out
  --flame           keep a profile of every consumer: a flame graph and the widest frames; appends, as --append does
  --json            the result as one object, the last line of standard output
  --save FILE       the same object into a file
  --compare FILE    every figure beside that of a saved file
  --append          a dated section, plots and the result's data under docs/benchmarks
  --into FOLDER     append there instead
  --empty-graph     allow a graph named by NEO4J_URI that is not empty: its Discogs nodes are deleted

external: --command TEXT | --peer NAME, [--queue NAME] [--table SCHEMA.NAME] [--query SQL]
before-after: --before FILE --after FILE`;

function list(): string {
  const rows = scenarios.map(({ name, sentence, records, want }) => [name, String(records), want.join(' '), sentence]);
  const table = textTable(
    ['', 'records', 'servers', ''],
    rows.map(([a = '', b = '', c = '']) => [a, b, c, '']),
  );
  const [head = '', rule = '', ...lines] = table.split('\n');
  return [head, rule, ...lines.map((line, i) => `${line}  ${rows[i]?.[3] ?? ''}`)].join('\n');
}

function arguments_() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        append: { type: 'boolean', default: false },
        flame: { type: 'boolean', default: false },
        'empty-graph': { type: 'boolean', default: false },
        ...(Object.fromEntries(
          [...numeric, ...textual, ...optionNames].map((name) => [name, { type: 'string' }]),
        ) as Record<Numeric | (typeof textual)[number] | (typeof optionNames)[number], { type: 'string' }>),
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

const numeric = ['records', 'rounds', 'warm-up', 'lead-in'] as const;
type Numeric = (typeof numeric)[number];
const textual = ['clock', 'only', 'save', 'compare', 'into'] as const;

function integer(name: string, value: string | undefined, least: number): number | undefined {
  if (value === undefined || value === '') return undefined;
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new UsageError(`${name} is ${value}, not an integer of at least ${least}`);
}

/** Fewer records than this are over before a process has been compiled to its speed. */
const enough = 10_000;

function measuresRates({ headline, servers }: Result): boolean {
  return 'over' in headline && Object.keys(servers).length > 0;
}

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interrupted.signal.aborted) process.exit(130);
    say('interrupted: ending what runs and removing what it made; once more to leave it');
    interrupted.abort();
  });
}

async function main(): Promise<number> {
  const { values, positionals } = arguments_();
  if (values.help || values.list) {
    process.stdout.write(`${values.help ? usage : list()}\n`);
    return 0;
  }
  const isAll = positionals.length === 1 && positionals[0] === 'all';
  const unknown = positionals.filter((name) => !scenarios.some((one) => one.name === name));
  if (positionals.length === 0 || (unknown.length > 0 && !isAll)) {
    say(`${unknown.map((name) => `bench: there is no benchmark ${name}\n`).join('')}${usage}\n\n${list()}`);
    return 2;
  }
  const chosen = isAll
    ? scenarios.filter((one) => isInAll(one))
    : scenarios.filter((one) => positionals.includes(one.name));
  const clock = clockNamed(values.clock ?? 'batches');
  const options = Object.fromEntries(
    optionNames.flatMap((option) => (values[option] === undefined ? [] : [[option, values[option]]])),
  ) as Options;
  const records = integer('--records', values.records ?? process.env.INATOR_BENCH_RECORDS, 2);
  const rounds = integer('--rounds', values.rounds ?? process.env.INATOR_BENCH_ROUNDS, 1);
  const warmUp = integer('--warm-up', values['warm-up'], 0);
  const leadIn = integer('--lead-in', values['lead-in'], 0);
  const saved = values.compare === undefined ? undefined : readFileSync(values.compare, 'utf8');

  const planned = chosen.flatMap((scenario) => {
    const plan = planOf(scenario, options, isAll);
    if (plan === undefined) return [];
    return [
      { scenario, plan: values.only === undefined ? plan : restricted(scenario.name, plan, values.only.split(',')) },
    ];
  });
  const folder = values.into ?? join(root, 'docs/benchmarks');
  const want = [...new Set(planned.flatMap(({ scenario, plan }) => plan.want ?? scenario.want))];
  const circumstances = {
    machine: machine(),
    settings: { ...handedThrough('tableinator'), ...handedThrough('graphinator') },
    clock,
    profiled: values.flame,
  };
  const failed: string[] = [];
  const results = await withServers(
    {
      want,
      say,
      clock,
      leadIn,
      profiled: values.flame,
      signal: interrupted.signal,
      emptyGraph: values['empty-graph'],
    },
    async (world) => {
      const servers = await serverVersions(world.env, want);
      const found: Result[] = [];
      for (const { scenario, plan } of planned) {
        say(`\n${scenario.name}: ${scenario.sentence}`);
        const count = records ?? scenario.records;
        const warm = (plan.want ?? scenario.want).length === 0 ? 0 : (warmUp ?? warmUpRecords(scenario, count));
        const measured = await measure(world, plan, count, rounds ?? scenario.rounds ?? 3, Math.min(count, warm)).catch(
          (error: unknown) => {
            // Of several, one that fails does not take the others' results with it.
            if (planned.length === 1 || interrupted.signal.aborted || error instanceof UsageError) throw error;
            failed.push(scenario.name);
            say(`FAILED ${scenario.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
            return undefined;
          },
        );
        if (measured === undefined) continue;
        const result = resultOf(scenario, plan, measured, { ...circumstances, servers, at: new Date().toISOString() });
        say(`\n${resultText(result)}`);
        if (count < enough && measuresRates(result))
          say(`note: ${count} records are a few batches; such rates say nothing`);
        if (saved !== undefined) {
          const before = savedResult(saved, scenario.name);
          say(
            before === undefined
              ? `${values.compare} holds no result of ${scenario.name}`
              : comparisonText(before, result),
          );
        }
        if (values.append || values.flame || values.into !== undefined) {
          for (const file of append(folder, scenario, result, flamesOf(measured))) say(`written: ${file}`);
        }
        found.push(result);
      }
      return found;
    },
  );
  const one = isAll || results.length > 1 ? { name: positionals.join(' '), ...circumstances, results } : results[0];
  const text = JSON.stringify(one);
  if (values.save !== undefined) writeFileSync(values.save, `${text}\n`);
  if (values.json) process.stdout.write(`${text}\n`);
  if (failed.length === 0) return 0;
  say(`failed: ${failed.join(', ')}`);
  return 1;
}

function isInAll({ name, notInAll }: Scenario): boolean {
  if (notInAll !== undefined) say(`all: without ${name}, because ${notInAll}`);
  return notInAll === undefined;
}

/** In `all`, what cannot be run here is left out, and said. */
function planOf(scenario: Scenario, options: Options, isLenient: boolean): Plan | undefined {
  try {
    return scenario.plan(options);
  } catch (error) {
    if (!isLenient || !(error instanceof UsageError)) throw error;
    say(`SKIPPED ${scenario.name}: ${error.message}`);
    return undefined;
  }
}

function clockNamed(name: string): ClockName {
  if (name === 'batches' || name === 'queue') return name;
  throw new UsageError(`--clock is ${name}; it may be batches or queue`);
}

try {
  process.exit(await main());
} catch (error) {
  if (interrupted.signal.aborted) process.exit(130);
  if (error instanceof UsageError) {
    say(`bench: ${error.message}`);
    process.exit(2);
  }
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
}
