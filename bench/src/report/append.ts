/** A dated section under docs/benchmarks, with its plots, flame graphs and data. Sections are added and never changed. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Measured } from '../engine.ts';
import { flameGraph } from '../flame/draw.ts';
import type { Folded } from '../flame/fold.ts';
import { rateFigure, type Scenario } from '../scenario.ts';
import { barPlot, linePlot } from './plot.ts';
import type { Result } from './result.ts';
import { frameTables, headlineOf, markdownTable, ratioTable, resultTable } from './table.ts';
import { targetLines } from './targets.ts';

/** What one contestant's consumers did in their last profiled round, and in how many records. */
export interface Flame {
  readonly folded: Folded;
  readonly records: number;
}

export function flamesOf({ runs }: Measured): Readonly<Record<string, Flame>> {
  return Object.fromEntries(
    Object.entries(runs).flatMap(([id, some]) => {
      const last = some.at(-1);
      return last?.flame === undefined ? [] : [[id, { folded: last.flame, records: last.records }]];
    }),
  );
}

/** Returns the files written, the page first. `folder` is docs/benchmarks. */
export function append(
  folder: string,
  scenario: Scenario,
  result: Result,
  flames: Readonly<Record<string, Flame>> = {},
): string[] {
  const [day = '', time = ''] = result.at.replace(/:\d\d(\.\d+)?Z$/, '').split('T');
  const stem = `${day}-${time.replace(':', '')}-${result.name}${result.profiled ? '-profiled' : ''}`;
  const plots = plotsOf(result).map(({ name, svg }) => ({ name: `plots/${stem}${name}.svg`, svg }));
  const graphs = Object.entries(flames).map(([id, { folded, records }]) => ({
    name: `flames/${stem}-${id.replace(/[^a-z0-9]+/gi, '-')}.svg`,
    svg: flameGraph(`${result.name}: ${id}, ${day}`, folded, records),
  }));
  const data = `data/${stem}.json`;
  for (const name of ['plots', 'data', ...(graphs.length === 0 ? [] : ['flames'])])
    mkdirSync(join(folder, name), { recursive: true });
  for (const { name, svg } of [...plots, ...graphs]) writeFileSync(join(folder, name), svg);
  writeFileSync(join(folder, data), `${JSON.stringify(result)}\n`);

  const page = join(folder, `${day}-${result.name}.md`);
  const before = existsSync(page) ? readFileSync(page, 'utf8') : `# ${result.name}, ${day}\n\n${scenario.sentence}\n`;
  const images = [...plots, ...graphs].map(({ name }) => `![${result.name}](${name})`);
  writeFileSync(page, `${before}\n${section(`${day} ${time} UTC`, result)}\n${images.join('\n')}\n`);
  return [page, ...[...plots, ...graphs].map(({ name }) => join(folder, name)), join(folder, data)];
}

function section(title: string, result: Result): string {
  const { machine, servers, settings, records, rounds, clock, contestants, notes } = result;
  const table = resultTable(result);
  const ratios = ratioTable(result);
  const listed = (entries: Readonly<Record<string, string | number>>): string =>
    Object.entries(entries)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
  return [
    `## ${title}`,
    '',
    `**${headlineOf(result)}** (${records.toLocaleString('en-US')} records, ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, clock \`${clock}\`)`,
    '',
    `Machine: ${listed(machine)}. Servers: ${listed(servers) || 'none'}. Settings given: ${listed(settings) || 'none'}.`,
    '',
    markdownTable(table.head, table.rows),
    '',
    ...(ratios.rows.length === 0 ? [] : [markdownTable(ratios.head, ratios.rows), '']),
    ...targetLines(result.targets).map((line) => `- ${line}`),
    '',
    ...frameTables(result).flatMap(({ id, head, rows }) => [`**${id}**`, '', markdownTable(head, rows), '']),
    ...Object.entries(contestants).map(([id, { does }]) => `- **${id}** ${does}`),
    ...notes.map((note) => `- ${note}`),
    '',
  ].join('\n');
}

function plotsOf(result: Result): { readonly name: string; readonly svg: string }[] {
  const { contestants, runs, headline, name } = result;
  const bars =
    'over' in headline
      ? Object.entries(contestants).map(([label, { recordsPerSecond }]) => ({ label, ...recordsPerSecond }))
      : Object.entries(contestants).map(([label, { recordsPerSecond, figures = {} }]) => {
          const value = headline.figure === rateFigure ? recordsPerSecond.median : (figures[headline.figure] ?? 0);
          return { label, min: value, median: value, max: value };
        });
  const curves = new Map<string, { label: string; points: readonly (readonly [number, number])[] }[]>();
  for (const [label, all] of Object.entries(runs)) {
    for (const [unit, points] of Object.entries(all.at(-1)?.series ?? {})) {
      curves.set(unit, [...(curves.get(unit) ?? []), { label, points }]);
    }
  }
  return [
    { name: '', svg: barPlot(name, 'over' in headline ? 'records/s' : headline.figure, bars) },
    ...[...curves].map(([unit, lines], i) => ({
      name: `-course${i === 0 ? '' : i + 1}`,
      svg: linePlot(name, 'records', unit, lines),
    })),
  ];
}
