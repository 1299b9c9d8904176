/**
 * `npm run bench -- NAME [--records N] [--rounds N] [--json]`: one benchmark and what it is compared with, in one run.
 * Progress goes to standard error; with --json the last line of standard output is the result as one object.
 */
import { parseArgs } from 'node:util';
import type { ServerKind } from '@inator/stack';
import { benchGraphinator } from './graphinator.ts';
import { benchTableinator } from './tableinator.ts';
import { type Bench, machine, withServers } from './world.ts';

interface Summary {
  readonly ratio: number;
  readonly rate: number;
}

interface Benchmark {
  readonly want: readonly ServerKind[];
  /** Default number of records. */
  readonly records: number;
  readonly compared: string;
  run(bench: Bench, records: number, rounds: number): Promise<Summary>;
}

const benchmarks: Readonly<Record<string, Benchmark>> = {
  tableinator: { want: ['rabbitmq', 'postgres'], records: 60_000, compared: 'the naive loop', run: benchTableinator },
  graphinator: { want: ['rabbitmq', 'neo4j'], records: 20_000, compared: 'the bare statements', run: benchGraphinator },
};

const say = (line: string): void => void process.stderr.write(`${line}\n`);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    records: { type: 'string' },
    rounds: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const [name = ''] = positionals;
const chosen = benchmarks[name];
if (chosen === undefined) {
  say(`usage: npm run bench -- ${Object.keys(benchmarks).join('|')} [--records N] [--rounds N] [--json]`);
  process.exit(2);
}
const result = await withServers(chosen.want, say, (bench) =>
  chosen.run(
    bench,
    Number(values.records ?? process.env.INATOR_BENCH_RECORDS ?? chosen.records),
    Number(values.rounds ?? process.env.INATOR_BENCH_ROUNDS ?? 3),
  ),
);
say(`${name}: ${result.rate} records/s, ${result.ratio} of ${chosen.compared}`);
if (values.json) process.stdout.write(`${JSON.stringify({ name, machine: machine(), ...result })}\n`);
process.exit(0);
