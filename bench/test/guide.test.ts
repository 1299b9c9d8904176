/** The tuning guide is made of results and declarations, and is what they make of it now. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { keptResults, withFigures } from '../src/report/guide.ts';
import type { Result } from '../src/report/result.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const result = (at: string, median: number, more: Partial<Result> = {}): Result => {
  const rate = (value: number) => ({ min: value, median: value, max: value });
  return {
    name: 'gin',
    at,
    machine: { cores: 2, commit: 'abc' },
    servers: {},
    settings: {},
    clock: 'batches',
    records: 30_000,
    rounds: 3,
    rate: median,
    ratio: 0.5,
    headline: { of: 'tableinator gin', over: 'tableinator' },
    ratios: [{ of: 'tableinator gin', over: 'tableinator', ...rate(0.5) }],
    targets: [],
    profiled: false,
    contestants: {
      'tableinator gin': { does: 'keeps it', recordsPerSecond: rate(median) },
      tableinator: { does: 'has none', recordsPerSecond: rate(median * 2) },
    },
    notes: [],
    runs: {},
    ...more,
  };
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-guide-'));
  mkdirSync(join(folder, 'data'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
/** A line of the README, and the kept figure that it rounds. */
const told: readonly (readonly [line: string, scenario: string, contestant: string])[] = [
  ['tableinator, new', 'tableinator', 'tableinator'],
  ['tableinator, a replay', 'replay', 'tableinator'],
  ['tableinator, 2,000,000 records', 'growth', 'tableinator'],
  ['graphinator, new', 'graphinator', 'graphinator'],
  ['graphinator, a replay', 'replay', 'graphinator'],
];

const keep = (stem: string, one: Result): void => writeFileSync(join(folder, `data/${stem}.json`), JSON.stringify(one));
const block = (text: string) => `before\n<!-- ${text} -->\nold\n<!-- end -->\nafter\n`;

describe('the README', () => {
  it.each(told)('tells of "%s" what is kept', (line, scenario, contestant) => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const told = new RegExp(`^\\| ${line} \\| ([\\d,]+) \\|`, 'm').exec(readme)?.[1]?.replaceAll(',', '');
    const { result } = keptResults(join(root, 'docs/benchmarks')).get(scenario) ?? {};
    const rate = result?.contestants[contestant]?.recordsPerSecond?.median;
    expect(Number(told)).toBe(Math.round(Number(rate) / 100) * 100);
  });
});

describe('the tuning guide', () => {
  it('is up to date: `node scripts/tuning.mjs` changes nothing', () => {
    const guide = readFileSync(join(root, 'docs/guides/tuning.md'), 'utf8');
    expect(withFigures(guide, keptResults(join(root, 'docs/benchmarks')), '../benchmarks/')).toBe(guide);
    expect(guide.match(/^<!-- (figures|settings|targets)/gm)?.length).toBeGreaterThan(15);
  });

  it('shows the latest whole result, with its ratios, its plot and its machine, and no profiled one', () => {
    keep('2026-01-01-0000-gin', result('2026-01-01T00:00:00Z', 1_000));
    keep('2026-01-02-0000-gin', result('2026-01-02T00:00:00Z', 3_000));
    keep('2026-01-03-0000-gin-profiled', result('2026-01-03T00:00:00Z', 9_000, { profiled: true }));
    const { tableinator } = result('', 1).contestants;
    keep(
      '2026-01-04-0000-gin',
      result('2026-01-04T00:00:00Z', 9_000, { contestants: tableinator === undefined ? {} : { tableinator } }),
    );
    const text = withFigures(block('figures: gin'), keptResults(folder), 'b/');
    expect(text).toContain('|  | records/s | of tableinator |');
    expect(text).toContain('| tableinator gin | 3,000 | 0.50 |\n| tableinator | 6,000 | 1 |');
    expect(text).toContain('Measured on 2026-01-02 with 30,000 records in 3 rounds on 2 cores');
    expect(text).toContain('(b/plots/2026-01-02-0000-gin.svg)');
    expect(text).not.toContain('old');
    expect(text.startsWith('before\n') && text.endsWith('after\n')).toBe(true);
    expect(withFigures(text, keptResults(folder), 'b/')).toBe(text);
  });

  it('says of what was not measured how to, and lists its targets as such', () => {
    const kept = keptResults(folder);
    expect(withFigures(block('figures: gin'), kept, 'b/')).toContain(
      'Not measured yet: `npm run bench -- gin --append`.',
    );
    expect(withFigures(block('targets'), kept, 'b/')).toContain(
      '| `tableinator` | tableinator / naive, at least 1.2 | not measured |  |',
    );
  });

  it('shows a target with its figure', () => {
    const target = { of: 'copy', over: 'row', what: 'rate', least: 10, figure: 12, met: true };
    keep('2026-01-02-0000-write-paths', result('2026-01-02T00:00:00Z', 1, { name: 'write-paths', targets: [target] }));
    expect(withFigures(block('targets'), keptResults(folder), 'b/')).toContain(
      '| `write-paths` | copy / row, at least 10 | met (12) | [2026-01-02](b/2026-01-02-write-paths.md) |',
    );
  });

  it('explains settings in the words of their declaration, and refuses what there is not', () => {
    const kept = keptResults(folder);
    expect(withFigures(block('settings: POSTGRES_WRITERS'), kept, 'b/')).toMatch(
      /\| `POSTGRES_WRITERS` \| 2 writers \| Batches of one type .* \| Up to the free cores/,
    );
    expect(() => withFigures(block('settings: NO_SUCH'), kept, 'b/')).toThrow('no such setting');
    expect(() => withFigures(block('figures: no-such'), kept, 'b/')).toThrow('no such scenario');
  });
});
