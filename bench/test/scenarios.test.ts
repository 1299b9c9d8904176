import { describe, expect, it } from '@jest/globals';
import type { Plan } from '../src/scenario.ts';
import { growthOf, memoryOf, spoil } from '../src/scenarios/course.ts';
import { baseline, without } from '../src/scenarios/fixes.ts';
import { scenarios } from '../src/scenarios/index.ts';
import { recipes } from '../src/scenarios/peers.ts';
import { copyLine, isInstalled } from '../src/subjects/external.ts';
import { knownSettings } from '../src/world.ts';

const plans = scenarios.map(({ name, plan }): readonly [string, Plan] => [
  name,
  plan(name === 'external' ? { command: 'true' } : {}),
]);

describe('every scenario', () => {
  it('has a name of its own', () => {
    expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
  });

  it.each(plans)('%s names in its headline and ratios only contestants that it has, each once', (_, plan) => {
    const ids = plan.contestants.map(({ id }) => id);
    const { headline, ratios = [], targets = [] } = plan;
    const named = [headline, ...ratios, ...targets].flatMap((one) => ('over' in one ? [one.of, one.over] : [one.of]));
    expect(new Set(ids).size).toBe(ids.length);
    expect(named.filter((id) => !ids.includes(id))).toEqual([]);
    // A target that is a ratio is one that is printed.
    const printed = [headline, ...ratios].map((one) => ('over' in one ? `${one.of} / ${one.over}` : ''));
    expect(targets.filter(({ of, over }) => over !== undefined && !printed.includes(`${of} / ${over}`))).toEqual([]);
  });
});

describe('the baseline', () => {
  it('sets only what tableinator knows, and each fix takes its own part away', () => {
    expect(Object.keys(baseline).filter((name) => !knownSettings('tableinator').includes(name))).toEqual([]);
    expect(without({ A: '1', B: '2' }, ['A'])).toEqual({ B: '2' });
  });
});

describe('bad records', () => {
  it('are no JSON, or hold what PostgreSQL cannot store', () => {
    const body = Buffer.from(`{"id":"1","text":"${'x'.repeat(50)}"}`);
    expect(() => JSON.parse(spoil(body, 0).toString())).toThrow();
    expect(JSON.parse(spoil(body, 1).toString())).toMatchObject({ id: '1', spoilt: '\0' });
  });
});

describe('the course of a run', () => {
  const marks = (rate: (part: number) => number, memory: (records: number) => number) => {
    let at = 0;
    return Array.from({ length: 201 }, (_, i) => {
      at += i === 0 ? 0 : 500 / rate(i / 200);
      return { at, records: i * 500, memoryMiB: memory(i * 500) };
    });
  };

  it('compares the rate of the first and of the last twentieth', () => {
    const { figures = {} } = growthOf({
      marks: marks(
        (part) => (part <= 0.5 ? 10_000 : 5_000),
        () => 0,
      ),
    });
    expect(figures['first 5 % records/s']).toBeCloseTo(10_000, -2);
    expect(figures['last over first']).toBeCloseTo(0.5, 2);
  });

  it('makes no figures of a handful of batches', () => {
    const all = marks(
      () => 1,
      () => 80,
    );
    const few = { marks: all.slice(0, 30) };
    expect(growthOf(few).figures).toBeUndefined();
    expect(memoryOf(few).figures).toEqual({ 'private peak MiB': 80, 'private last MiB': 80 });
  });

  it('tells memory that grows from memory that found its size', () => {
    const flat = memoryOf({
      marks: marks(
        () => 1,
        (records) => Math.min(100, 50 + records / 100),
      ),
    });
    const leak = memoryOf({
      marks: marks(
        () => 1,
        (records) => 50 + records / 10_000,
      ),
    });
    expect(flat.figures).toMatchObject({ 'private peak MiB': 100, 'MiB per million': 0 });
    expect(leak.figures).toMatchObject({ 'private peak MiB': 60, 'MiB per million': 100 });
  });
});

describe('peers', () => {
  it('are given a file in the text format of COPY', () => {
    expect(copyLine(['1', 'h', '{"a":"b\\n\tc"}'])).toBe('1\th\t{"a":"b\\\\n\\tc"}\n');
  });

  it('are skipped when their program is absent', () => {
    expect(isInstalled('sh')).toBe(true);
    expect(isInstalled('no-such-program-here')).toBe(false);
    expect(Object.keys(recipes())).toEqual(['psql', 'redpanda-connect', 'telegraf']);
  });
});
