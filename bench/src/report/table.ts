/** Aligned tables for a terminal and for Markdown, and what stands in the table of a result. */
import type { Result } from './result.ts';
import { targetLines, verdict } from './targets.ts';

export type Row = readonly string[];

/** Columns as wide as their widest cell; all but the first are aligned to the right, as numbers are. */
export function textTable(head: Row, rows: readonly Row[]): string {
  const widths = widthsOf(head, rows);
  const line = (row: Row): string =>
    head
      .map((_, i) => (i === 0 ? (row[i] ?? '').padEnd(widths[i] ?? 0) : (row[i] ?? '').padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

export function markdownTable(head: Row, rows: readonly Row[]): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const line = (row: Row): string => `| ${head.map((_, i) => cell(row[i] ?? '')).join(' | ')} |`;
  return [line(head), `|${head.map((_, i) => (i === 0 ? '---' : '---:')).join('|')}|`, ...rows.map(line)].join('\n');
}

function widthsOf(head: Row, rows: readonly Row[]): number[] {
  return head.map((title, i) => rows.reduce((most, row) => Math.max(most, (row[i] ?? '').length), title.length));
}

export function figure(value: number | undefined): string {
  if (value === undefined) return '';
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}

/** One row a contestant; columns that nobody fills are left out. */
export function resultTable({ contestants }: Result): { readonly head: Row; readonly rows: readonly Row[] } {
  const entries = Object.entries(contestants);
  const kinds = [...new Set(entries.flatMap(([, { servers = {} }]) => Object.keys(servers)))] as (
    | 'rabbitmq'
    | 'postgres'
    | 'neo4j'
  )[];
  const names = [...new Set(entries.flatMap(([, { figures = {} }]) => Object.keys(figures)))];
  const columns: readonly (readonly [string, (entry: Result['contestants'][string]) => number | undefined])[] = [
    ['min', ({ recordsPerSecond }) => recordsPerSecond.min],
    ['records/s', ({ recordsPerSecond }) => recordsPerSecond.median],
    ['max', ({ recordsPerSecond }) => recordsPerSecond.max],
    ['CPU s', ({ cpuSeconds }) => cpuSeconds],
    ['µs/record', ({ cpuMicrosPerRecord }) => cpuMicrosPerRecord],
    ['MiB', ({ peakMemoryMiB }) => peakMemoryMiB],
    ['batch p50 ms', ({ batchMs }) => batchMs?.p50],
    ['p99 ms', ({ batchMs }) => batchMs?.p99],
    ...kinds.flatMap((kind) => [
      [`${kind} CPU s`, (entry: Result['contestants'][string]) => entry.servers?.[kind]?.cpuSeconds] as const,
      [`${kind} MiB`, (entry: Result['contestants'][string]) => entry.servers?.[kind]?.peakMemoryMiB] as const,
    ]),
    ...names.map((name) => [name, (entry: Result['contestants'][string]) => entry.figures?.[name]] as const),
  ];
  const filled = columns.filter(([, pick]) => entries.some(([, entry]) => pick(entry) !== undefined));
  return {
    head: ['', ...filled.map(([title]) => title)],
    rows: entries.map(([id, entry]) => [id, ...filled.map(([, pick]) => figure(pick(entry)))]),
  };
}

export function ratioTable({ ratios, targets }: Result): { readonly head: Row; readonly rows: readonly Row[] } {
  const isTarget = targets.some(({ over }) => over !== undefined);
  return {
    head: ['ratio within rounds', 'min', 'median', 'max', 'CPU a record', ...(isTarget ? ['target'] : [])],
    rows: ratios.map(({ of, over, min, median, max, cpu }) => [
      `${of} / ${over}`,
      ...[min, median, max].map((value) => value.toFixed(2)),
      cpu === undefined ? '' : cpu.toFixed(2),
      targets
        .filter((target) => target.of === of && target.over === over)
        .map((target) => `${target.what === 'cpu' ? 'CPU ' : ''}${bound(target)}: ${verdict(target).split(' (')[0]}`)
        .join(', '),
    ]),
  };
}

const bound = ({ least, most }: { readonly least?: number; readonly most?: number }): string =>
  least === undefined ? `≤ ${most}` : `≥ ${least}`;

/** Where the processor time of a profiled contestant went: first by package, then the frames with most of their own. */
export function frameTables({
  contestants,
}: Result): { readonly id: string; readonly head: Row; readonly rows: readonly Row[] }[] {
  return Object.entries(contestants).flatMap(([id, { widest = [], packages = [] }]) => {
    if (widest.length === 0) return [];
    const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
    return [
      {
        id,
        head: ['package', 'µs a record', 'share'],
        rows: packages.map((one) => [one.package, one.micros.toFixed(2), percent(one.share)]),
      },
      {
        id,
        head: ['frame, time in itself', 'package', 'µs a record', 'share'],
        rows: widest.map((one) => [
          one.place === '' ? one.name : `${one.name} (${one.place})`,
          one.package,
          one.micros.toFixed(2),
          percent(one.share),
        ]),
      },
    ];
  });
}

/** The result in one sentence. */
export function headlineOf({ name, headline, ratio, rate }: Result): string {
  return 'over' in headline
    ? `${name}: ${headline.of} ${figure(rate)} records/s, ${ratio} of ${headline.over}`
    : `${name}: ${headline.of} ${headline.figure} ${ratio}`;
}

/** Everything a terminal is shown. */
export function resultText(result: Result): string {
  const table = resultTable(result);
  const ratios = ratioTable(result);
  return [
    textTable(table.head, table.rows),
    ...(ratios.rows.length === 0 ? [] : ['', textTable(ratios.head, ratios.rows)]),
    ...frameTables(result).flatMap(({ id, head, rows }) => ['', `${id}:`, textTable(head, rows)]),
    '',
    ...result.notes.map((note) => `note: ${note}`),
    ...targetLines(result.targets),
    headlineOf(result),
  ].join('\n');
}
