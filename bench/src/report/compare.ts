/** Two results of one scenario, figure by figure. */

import type { Result } from './result.ts';
import { figure, textTable } from './table.ts';

export interface Change {
  readonly name: string;
  readonly before: number;
  readonly now: number;
  /** Per cent of what it was; undefined where that was 0. */
  readonly percent: number | undefined;
}

/** The figures that two results can be compared by, by name. */
export function figuresOf(result: Result): Map<string, number> {
  const found = new Map<string, number>([['headline', result.ratio]]);
  for (const { of, over, median } of result.ratios) found.set(`${of} / ${over}`, median);
  for (const [id, one] of Object.entries(result.contestants)) {
    found.set(`${id}: records/s`, one.recordsPerSecond.median);
    const { cpuMicrosPerRecord, peakMemoryMiB, batchMs, servers = {}, figures = {} } = one;
    if (cpuMicrosPerRecord !== undefined) found.set(`${id}: CPU µs/record`, cpuMicrosPerRecord);
    if (peakMemoryMiB !== undefined) found.set(`${id}: MiB`, peakMemoryMiB);
    if (batchMs !== undefined) found.set(`${id}: batch p99 ms`, batchMs.p99);
    for (const [kind, use] of Object.entries(servers)) found.set(`${id}: ${kind} CPU s`, use.cpuSeconds);
    for (const [name, value] of Object.entries(figures)) found.set(`${id}: ${name}`, value);
  }
  return found;
}

/** Of the figures that both have, in the order of the later one. */
export function changes(before: Result, now: Result): Change[] {
  const earlier = figuresOf(before);
  return [...figuresOf(now)].flatMap(([name, value]) => {
    const was = earlier.get(name);
    if (was === undefined) return [];
    return [{ name, before: was, now: value, percent: was === 0 ? undefined : ((value - was) / Math.abs(was)) * 100 }];
  });
}

export function comparisonText(before: Result, now: Result): string {
  const rows = changes(before, now).map(({ name, before: was, now: is, percent }) => [
    name,
    figure(was),
    figure(is),
    percent === undefined ? '' : `${percent >= 0 ? '+' : ''}${percent.toFixed(1)} %`,
  ]);
  const unlike = [
    ...(before.records === now.records ? [] : [`${before.records} records then, ${now.records} now`]),
    ...(before.clock === now.clock ? [] : [`clock ${before.clock} then, ${now.clock} now`]),
    ...(['cpu', 'cores', 'node'] as const).flatMap((what) =>
      before.machine[what] === now.machine[what]
        ? []
        : [`${what}: ${before.machine[what]} then, ${now.machine[what]} now`],
    ),
  ];
  return [
    `compared with ${before.at}`,
    ...unlike.map((what) => `not alike: ${what}`),
    textTable(['', 'then', 'now', 'change'], rows),
  ].join('\n');
}

/** A saved file holds one result, or those of `all`. */
export function savedResult(text: string, name: string): Result | undefined {
  const saved = JSON.parse(text) as Result | { readonly results: readonly Result[] };
  const results = 'results' in saved ? saved.results : [saved];
  return results.find((result) => result.name === name);
}
