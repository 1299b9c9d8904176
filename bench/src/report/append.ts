/** A dated section under docs/benchmarks, with its plots. Sections are added and never changed. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scenario } from '../scenario.ts';
import { barPlot, linePlot } from './plot.ts';
import type { Result } from './result.ts';
import { headlineOf, markdownTable, ratioTable, resultTable } from './table.ts';

/** Returns the files written, the page first. `folder` is docs/benchmarks. */
export function append(folder: string, scenario: Scenario, result: Result): string[] {
  const [day = '', time = ''] = result.at.replace(/:\d\d(\.\d+)?Z$/, '').split('T');
  const stem = `${day}-${time.replace(':', '')}-${result.name}`;
  const plots = plotsOf(result).map(({ name, svg }) => ({ name: `plots/${stem}${name}.svg`, svg }));
  mkdirSync(join(folder, 'plots'), { recursive: true });
  for (const { name, svg } of plots) writeFileSync(join(folder, name), svg);

  const page = join(folder, `${day}-${result.name}.md`);
  const before = existsSync(page) ? readFileSync(page, 'utf8') : `# ${result.name}, ${day}\n\n${scenario.sentence}\n`;
  const images = plots.map(({ name }) => `![${result.name}](${name})`);
  writeFileSync(page, `${before}\n${section(`${day} ${time} UTC`, result)}\n${images.join('\n')}\n`);
  return [page, ...plots.map(({ name }) => join(folder, name))];
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
      : Object.entries(contestants).map(([label, { figures = {} }]) => {
          const value = figures[headline.figure] ?? 0;
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
