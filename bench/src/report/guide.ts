/**
 * The figures of the tuning guide. They are never typed: a block of the guide names a scenario, and is filled from the data
 * that `--append` keeps under docs/benchmarks/data; a block of settings is filled from their declarations.
 *
 *     <!-- figures: batch-size -->  …  <!-- end -->
 *     <!-- settings: POSTGRES_WRITERS POSTGRES_POOL_MAX -->  …  <!-- end -->
 *     <!-- targets -->  …  <!-- end -->
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { graphinator, keysOf, tableinator } from '@inator/config';
import type { Scenario } from '../scenario.ts';
import { scenarios } from '../scenarios/index.ts';
import type { ContestantResult, Result } from './result.ts';
import { figure, markdownTable } from './table.ts';
import { targetName, verdict } from './targets.ts';

/** A result, and the name that its page's plots have in common. */
export interface Kept {
  readonly stem: string;
  readonly result: Result;
}

/** Of every scenario the latest result of those with the most of its contestants; profiled ones are left out. */
export function keptResults(folder: string): ReadonlyMap<string, Kept> {
  const data = join(folder, 'data');
  const all = (existsSync(data) ? readdirSync(data) : [])
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({
      stem: name.replace(/\.json$/, ''),
      result: JSON.parse(readFileSync(join(data, name), 'utf8')) as Result,
    }))
    .filter(({ result }) => !result.profiled)
    .sort((a, b) => size(a) - size(b) || a.result.at.localeCompare(b.result.at));
  return new Map(all.map((kept) => [kept.result.name, kept]));
}

/** A contestant that the scenario no longer has counts for nothing. */
const size = ({ result }: Kept): number => {
  const planned = scenarios.find(({ name }) => name === result.name)?.plan({ command: 'true' }).contestants ?? [];
  return planned.filter(({ id }) => id in result.contestants).length;
};

/** The guide with every block filled anew; `benchmarks` leads from the guide to the folder of the results. */
export function withFigures(guide: string, kept: ReadonlyMap<string, Kept>, benchmarks: string): string {
  return guide.replace(
    /^<!-- (figures|settings|targets)(?:: ([^\n]*?))? -->\n[\s\S]*?^<!-- end -->$/gm,
    (_, kind: string, what = '') => {
      const names = String(what).split(/\s+/).filter(Boolean);
      const text =
        kind === 'settings'
          ? settingsTable(names)
          : kind === 'targets'
            ? targetsTable(kept, benchmarks)
            : names.map((name) => figuresOf(scenarioOf(name), kept.get(name), benchmarks)).join('\n\n');
      return `<!-- ${kind}${what === '' ? '' : `: ${what}`} -->\n\n${text}\n\n<!-- end -->`;
    },
  );
}

function scenarioOf(name: string): Scenario {
  const found = scenarios.find((one) => one.name === name);
  if (found === undefined) throw new Error(`the guide asks for figures of ${name}, and there is no such scenario`);
  return found;
}

type Column = readonly [string, (id: string, one: ContestantResult) => string];

function figuresOf({ name, sentence }: Scenario, kept: Kept | undefined, benchmarks: string): string {
  const again = `\`npm run bench -- ${name} --append\``;
  if (kept === undefined) return `${sentence} Not measured yet: ${again}.`;
  const { stem, result } = kept;
  const { contestants, headline, ratios, records, rounds, machine, at } = result;
  const base = 'over' in headline ? headline.over : undefined;
  const entries = Object.entries(contestants);
  const names = [...new Set(entries.flatMap(([, { figures = {} }]) => Object.keys(figures)))];
  const isLatency = names.some((one) => one.startsWith('p99'));
  const ratioTo = (id: string): string => {
    const ratio = ratios.find(({ of, over }) => of === id && over === base);
    return id === base ? '1' : ratio === undefined ? '' : ratio.median.toFixed(2);
  };
  const columns: readonly Column[] = [
    ['', (id) => id],
    ...(isLatency
      ? []
      : [['records/s', (_: string, one: ContestantResult) => figure(one.recordsPerSecond.median)] as const]),
    ...(base === undefined ? [] : [[`of ${base}`, ratioTo] as const]),
    ['CPU µs a record', (_, one) => figure(one.cpuMicrosPerRecord)],
    ...(isLatency ? [] : [['batch p50 ms', (_: string, one: ContestantResult) => figure(one.batchMs?.p50)] as const]),
    ['peak MiB', (_, one) => figure(one.peakMemoryMiB)],
    ...names.map((each) => [each, (_: string, one: ContestantResult) => figure(one.figures?.[each])] as const),
  ];
  const rows = entries.map(([id, one]) => columns.map(([, cell]) => cell(id, one)));
  const filled = columns.map((_, i) => i === 0 || rows.some((row) => row[i] !== ''));
  const left = <T>(row: readonly T[]): T[] => row.filter((_, i) => filled[i]);
  const [day = ''] = at.split('T');
  return [
    `${sentence} Measured on ${day} with ${records.toLocaleString('en-US')} records in ${rounds} ${rounds === 1 ? 'round' : 'rounds'} on ${machine.cores} cores with everything on them (commit ${machine.commit}); again: ${again}. [All of it](${benchmarks}${day}-${name}.md).`,
    '',
    markdownTable(left(columns.map(([title]) => title)), rows.map(left)),
    '',
    `![${sentence}](${benchmarks}plots/${stem}.svg)`,
  ].join('\n');
}

function settingsTable(names: readonly string[]): string {
  const keys = [...keysOf(tableinator.groups), ...keysOf(graphinator.groups)];
  const rows = names.map((name) => {
    const key = keys.find((one) => one.name === name);
    if (key === undefined) throw new Error(`the guide explains ${name}, and there is no such setting`);
    const value = key.otherwise ?? (key.default === undefined ? 'not set' : `${key.default} ${key.unit ?? ''}`.trim());
    return [`\`${name}\``, value, key.sentence, key.when];
  });
  // Words in all columns: nothing here is a number to be aligned.
  return markdownTable(['setting', 'default', 'what it does', 'when to change it'], rows).replace(
    /^\|---.*\|$/m,
    (rule) => rule.replaceAll('---:', '---'),
  );
}

/** Every target there is, met, missed or not measured, and where. */
function targetsTable(kept: ReadonlyMap<string, Kept>, benchmarks: string): string {
  const rows = scenarios
    // A scenario that needs an option has no targets of its own.
    .filter(({ name }) => name !== 'external')
    .flatMap(({ name, plan }) =>
      (plan({}).targets ?? []).map((target) => {
        const found = kept.get(name);
        const judged = found?.result.targets.find((one) => targetName(one) === targetName(target));
        const day = found?.result.at.split('T')[0];
        return [
          `\`${name}\``,
          targetName(target),
          judged === undefined ? 'not measured' : verdict(judged),
          found === undefined ? '' : `[${day}](${benchmarks}${day}-${name}.md)`,
        ];
      }),
    );
  return markdownTable(['scenario', 'target', 'reached', 'measured'], rows).replace(/^\|---.*\|$/m, (rule) =>
    rule.replaceAll('---:', '---'),
  );
}
