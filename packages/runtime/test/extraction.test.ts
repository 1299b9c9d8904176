import { describe, expect, it } from '@jest/globals';
import { extractionOf, judgeRun, noPurge, type PurgeSettings, type Tally } from '../src/index.ts';

const settings: PurgeSettings = { ...noPurge, mode: 'purge', maxFraction: 0.1 };
const good: Tally = { declared: 95, seen: 95, stored: 100, vanished: 5, deadLettered: 0 };

describe('the judgement of a run', () => {
  it.each<readonly [string, Partial<Tally>, Partial<PurgeSettings>, object]>([
    ['purges when everything is certain', {}, {}, { is: 'purge' }],
    ['only reports in mode report', {}, { mode: 'report' }, { is: 'report' }],
    ['purges up to the limit and not one more', { vanished: 10 }, {}, { is: 'purge' }],
    ['skips above the limit', { vanished: 11 }, {}, { why: 'over-limit' }],
    ['skips above a limit of nothing', { vanished: 1 }, { maxFraction: 0 }, { why: 'over-limit' }],
    ['takes more keys than declared', { seen: 96 }, {}, { is: 'purge' }],
    ['skips one key short', { seen: 94 }, {}, { why: 'incomplete' }],
    ['skips after one dead letter', { deadLettered: 1 }, {}, { why: 'dead-letters' }],
    ['skips what was not declared', { declared: undefined }, {}, { why: 'undeclared' }],
    [
      'never empties a store for an empty run',
      { declared: 0, seen: 0, vanished: 100 },
      { maxFraction: 1 },
      { why: 'empty' },
    ],
  ])('%s', (_, tally, changed, expected) => {
    const judged = judgeRun({ ...good, ...tally }, { ...settings, ...changed });
    expect(judged).toMatchObject(expected);
    if (judged.is === 'skip') expect(judged.reason).toMatch(/\d/);
  });
});

it('an extraction is told apart by its version and its start', () => {
  const signal = { is: 'extraction_complete', counts: {} } as const;
  expect(extractionOf({ ...signal, version: 'v', startedAt: '2026-01-01T00:00:00+02:00' })).toEqual({
    version: 'v',
    startedAt: new Date('2025-12-31T22:00:00Z'),
  });
  expect(extractionOf({ ...signal, version: undefined, startedAt: '2026-01-01' })).toBeUndefined();
  expect(extractionOf({ ...signal, version: 'v', startedAt: undefined })).toBeUndefined();
  expect(extractionOf({ ...signal, version: 'v', startedAt: 'soon' })).toBeUndefined();
});
