import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Measured, orderOf, warmUpRecords } from '../src/engine.ts';
import { fold } from '../src/flame/fold.ts';
import { append, flamesOf } from '../src/report/append.ts';
import { changes, comparisonText, savedResult } from '../src/report/compare.ts';
import { barPlot, linePlot, niceCeiling } from '../src/report/plot.ts';
import { type Result, resultOf } from '../src/report/result.ts';
import { markdownTable, resultText, textTable } from '../src/report/table.ts';
import { type Plan, type Run, restricted, type Scenario, type Target } from '../src/scenario.ts';

const runOf = (rate: number, cpuSeconds: number, more: Partial<Run> = {}): Run => ({
  records: 1000,
  seconds: 1000 / rate,
  recordsPerSecond: rate,
  cpuSeconds,
  peakMemoryMiB: 80,
  ...more,
});
const scenario: Scenario = {
  name: 'race',
  sentence: 'A hare against a tortoise.',
  want: [],
  records: 1000,
  plan: () => plan,
};
const contestant = (id: string): Plan['contestants'][number] => ({
  id,
  does: 'runs',
  run: () => Promise.reject(new Error('is not run here')),
});
const plan: Plan = { contestants: [contestant('hare'), contestant('naive')], headline: { of: 'hare', over: 'naive' } };

function resultFor(rates: readonly (readonly [number, number])[], at = '2026-03-04T05:06:07.000Z'): Result {
  const measured: Measured = {
    records: 1000,
    rounds: rates.length,
    runs: {
      hare: rates.map(([rate]) => runOf(rate, 0.2, { servers: { postgres: { cpuSeconds: 1, peakMemoryMiB: 50 } } })),
      naive: rates.map(([, rate]) =>
        runOf(rate, 0.1, {
          series: {
            'records/s': [
              [0, 1],
              [500, 2],
            ],
          },
        }),
      ),
    },
  };
  const machine = { cpu: 'one', cores: 2, node: 'v1' };
  return resultOf(scenario, plan, measured, {
    at,
    machine,
    servers: { postgres: '15' },
    settings: {},
    clock: 'batches',
    profiled: false,
  });
}

describe('a result', () => {
  it('holds the median of the ratios within rounds, not the ratio of the medians', () => {
    // In each round the hare is twice as fast, but for one in which everything was slow.
    const result = resultFor([
      [200, 100],
      [20, 20],
      [400, 200],
    ]);
    expect(result).toMatchObject({
      name: 'race',
      records: 1000,
      rounds: 3,
      rate: 200,
      naive: 100,
      ratio: 2,
      cpuRatio: 2,
    });
    expect(result.ratios).toEqual([{ of: 'hare', over: 'naive', min: 1, median: 2, max: 2, cpu: 2 }]);
    expect(result.contestants.hare).toMatchObject({
      recordsPerSecond: { min: 20, median: 200, max: 400 },
      cpuMicrosPerRecord: 200,
      servers: { postgres: { cpuSeconds: 1, peakMemoryMiB: 50 } },
    });
  });

  it('leaves out what could not be measured instead of showing a zero', () => {
    const { cpuSeconds: _, ...unknown } = runOf(100, 0);
    const runs = { hare: [unknown], naive: [runOf(100, 0.1)] };
    const { at, machine, servers, settings, clock } = resultFor([[1, 1]]);
    const result = resultOf(
      scenario,
      plan,
      { records: 1000, rounds: 1, runs },
      { at, machine, servers, settings, clock, profiled: false },
    );
    expect(result.contestants.hare).not.toHaveProperty('cpuSeconds');
    expect(result).not.toHaveProperty('cpuRatio');
    expect(result.ratios[0]).not.toHaveProperty('cpu');
  });

  it('may be about a figure instead of a ratio', () => {
    const runs = { hare: [runOf(1, 1, { figures: { 'p99 ms': 12 } })], naive: [] };
    const { at, machine, servers, settings, clock } = resultFor([[1, 1]]);
    const figurePlan: Plan = { ...plan, headline: { of: 'hare', figure: 'p99 ms' } };
    const result = resultOf(
      scenario,
      figurePlan,
      { records: 1, rounds: 1, runs },
      { at, machine, servers, settings, clock, profiled: false },
    );
    expect(result.ratio).toBe(12);
    expect(resultText(result)).toContain('race: hare p99 ms 12');
  });
});

describe('tables', () => {
  it('align numbers to the right under their title', () => {
    expect(
      textTable(
        ['', 'rate'],
        [
          ['a', '1,000'],
          ['longer', '7'],
        ],
      ),
    ).toBe(['         rate', '------  -----', 'a       1,000', 'longer      7'].join('\n'));
  });

  it('keep a bar inside a cell of Markdown', () => {
    expect(markdownTable(['a', 'b'], [['x|y', '1']])).toBe('| a | b |\n|---|---:|\n| x\\|y | 1 |');
  });

  it('show no column that nobody fills', () => {
    const text = resultText(resultFor([[200, 100]]));
    expect(text).toContain('postgres CPU s');
    expect(text).not.toContain('batch p50');
    expect(text.split('\n').at(-1)).toBe('race: hare 200 records/s, 2 of naive');
  });
});

describe('a comparison', () => {
  it('shows the change of every figure that both have, and what is not alike', () => {
    const [before, now] = [resultFor([[100, 100]]), { ...resultFor([[150, 100]]), records: 2000 }];
    const found = Object.fromEntries(changes(before, now).map(({ name, percent }) => [name, percent]));
    expect(found).toMatchObject({ headline: 50, 'hare: records/s': 50, 'naive: records/s': 0 });
    expect(comparisonText(before, now)).toMatch(/hare: records\/s +100 +150 +\+50\.0 %/);
    expect(comparisonText(before, now)).toContain('not alike: 1000 records then, 2000 now');
  });

  it('finds its scenario in a file of one result or of all', () => {
    const result = resultFor([[1, 1]]);
    expect(savedResult(JSON.stringify(result), 'race')?.name).toBe('race');
    expect(savedResult(JSON.stringify({ results: [result] }), 'race')?.name).toBe('race');
    expect(savedResult(JSON.stringify(result), 'other')).toBeUndefined();
  });
});

describe('plots', () => {
  it('draw a bar as long as its median, with whiskers from least to most', () => {
    const svg = barPlot('a <race> & more', 'records/s', [{ label: 'hare', min: 50, median: 100, max: 200 }]);
    // 720 wide, 190 and 90 for the margins: 440 for 200 records/s.
    expect(svg).toContain('width="220"');
    expect(svg).toContain('M300 57H630');
    expect(svg).toContain('a &lt;race&gt; &amp; more');
  });

  it('draw every point of a line, and nothing when there is none', () => {
    expect(
      linePlot('t', 'x', 'y', [
        {
          label: 'l',
          points: [
            [0, 0],
            [10, 5],
          ],
        },
      ]),
    ).toMatch(/d="M80 286L680 52"/);
    expect(linePlot('t', 'x', 'y', [])).not.toContain('NaN');
    expect([0, 1, 3, 12, 26, 400].map(niceCeiling)).toEqual([1, 1, 5, 20, 50, 500]);
  });
});

describe('an appended section', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bench-docs-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is added to the page of the day and changes nothing that stands there', () => {
    append(folder, scenario, resultFor([[100, 100]]));
    const first = readFileSync(join(folder, '2026-03-04-race.md'), 'utf8');
    const files = append(folder, scenario, resultFor([[300, 100]], '2026-03-04T08:09:10.000Z'));
    const both = readFileSync(join(folder, '2026-03-04-race.md'), 'utf8');
    expect(both.startsWith(first)).toBe(true);
    expect(both).toContain('## 2026-03-04 05:06 UTC');
    expect(both).toContain('## 2026-03-04 08:09 UTC');
    expect(both).toContain('Machine: cpu one, cores 2, node v1. Servers: postgres 15.');
    expect(files.map((file) => file.slice(folder.length + 1))).toEqual([
      '2026-03-04-race.md',
      'plots/2026-03-04-0809-race.svg',
      'plots/2026-03-04-0809-race-course.svg',
      'data/2026-03-04-0809-race.json',
    ]);
    expect(JSON.parse(readFileSync(files.at(-1) ?? '', 'utf8'))).toMatchObject({ name: 'race', ratio: 3 });
    for (const file of files.slice(1, -1)) expect(readFileSync(file, 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  });
});

describe('a profiled run', () => {
  const folded = fold([
    {
      startTime: 0,
      nodes: [
        { id: 1, callFrame: { functionName: '(root)', url: '', lineNumber: -1 }, children: [2] },
        { id: 2, callFrame: { functionName: 'sprint', url: 'file:///x/packages/runtime/dist/a.js', lineNumber: 0 } },
      ],
      samples: [2, 2],
      timeDeltas: [0, 5_000],
    },
  ]);
  const { at, machine, servers, settings, clock } = resultFor([[1, 1]]);
  const measured: Measured = {
    records: 1000,
    rounds: 1,
    runs: { hare: [runOf(2, 1, { flame: folded })], naive: [runOf(1, 1)] },
  };
  const targets = [{ of: 'hare', over: 'naive', what: 'rate', least: 2 }];
  const result = resultOf(scenario, { ...plan, targets }, measured, {
    ...{ at, machine, servers, settings, clock },
    profiled: true,
  });

  it('lists its widest frames and judges no target, and the profile itself is not kept', () => {
    const text = resultText(result);
    expect(text).toMatch(/sprint \(a\.js:1\) +inator\/runtime +5\.00 +100\.0 %/);
    expect(text).toContain('target hare / naive, at least 2: not judged (2)');
    expect(JSON.stringify(result)).not.toContain('roots');
  });

  it('is appended with a flame graph of each contestant that has one', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bench-flames-'));
    try {
      const files = append(folder, scenario, result, flamesOf(measured)).map((file) => file.slice(folder.length + 1));
      expect(files).toContain('flames/2026-03-04-0506-race-profiled-hare.svg');
      const page = readFileSync(join(folder, '2026-03-04-race.md'), 'utf8');
      expect(page).toContain('![race](flames/2026-03-04-0506-race-profiled-hare.svg)');
      expect(page).toContain('| sprint (a.js:1) | inator/runtime | 5.00 | 100.0 % |');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('targets', () => {
  const { at, machine, servers, settings, clock } = resultFor([[1, 1]]);
  const runs = {
    hare: [runOf(3, 0.2, { figures: { 'p99 ms': 40 } })],
    naive: [runOf(2, 0.1)],
  };
  const of = (...targets: readonly Target[]) =>
    resultOf(
      scenario,
      { ...plan, targets },
      { records: 1000, rounds: 1, runs },
      { ...{ at, machine, servers, settings, clock }, profiled: false },
    );

  it('are judged by rate, by processor time, by memory and by a figure, each with its number', () => {
    const result = of(
      { of: 'hare', over: 'naive', what: 'rate', least: 1.2 },
      { of: 'hare', over: 'naive', what: 'cpu', most: 0.5 },
      { of: 'hare', what: 'peak MiB', most: 79 },
      { of: 'hare', what: 'p99 ms', most: 40 },
      { of: 'hare', what: 'no such figure', most: 1 },
    );
    const text = resultText(result);
    expect(text.split('\n').filter((line) => line.startsWith('target'))).toEqual([
      'target hare / naive, at least 1.2: met (1.5)',
      'target hare / naive, CPU a record, at most 0.5: missed (2)',
      'target hare, peak MiB, at most 79: missed (80)',
      'target hare, p99 ms, at most 40: met (40)',
      'target hare, no such figure, at most 1: not measured',
    ]);
    expect(text).toMatch(/hare \/ naive .* ≥ 1\.2: met, CPU ≤ 0\.5: missed/);
    expect(resultText(of())).toContain('target none is set for this scenario');
  });
});

describe('some contestants alone', () => {
  const three: Plan = {
    contestants: ['a', 'b', 'c'].map(contestant),
    headline: { of: 'a', over: 'b' },
    ratios: [{ of: 'a', over: 'c' }],
    targets: [
      { of: 'a', over: 'b', what: 'rate', least: 1 },
      { of: 'a', what: 'peak MiB', most: 1 },
    ],
  };

  it('keep the ratios and targets that can be told, and one alone has its rate', () => {
    expect(restricted('race', three, ['a', 'c'])).toMatchObject({
      headline: { of: 'a', over: 'c' },
      ratios: [],
      targets: [{ what: 'peak MiB' }],
    });
    expect(restricted('race', three, ['b'])).toMatchObject({ headline: { of: 'b', figure: 'records/s' }, targets: [] });
  });

  it('are refused by name when there is no such one', () => {
    expect(() => restricted('race', three, ['a', 'd'])).toThrow('--only names d; race has a, b, c');
  });
});

describe('rounds', () => {
  it('are turned around every other time', () => {
    expect([1, 2, 3].map((round) => orderOf(['a', 'b'], round).join(''))).toEqual(['ab', 'ba', 'ab']);
  });

  it('are preceded by a warm-up of a tenth, within bounds and never more than a round', () => {
    expect([100, 1_000, 20_000, 1_000_000].map((n) => warmUpRecords({}, n))).toEqual([100, 500, 2_000, 5_000]);
    expect(warmUpRecords({ warmUp: 0 }, 1_000)).toBe(0);
  });
});
