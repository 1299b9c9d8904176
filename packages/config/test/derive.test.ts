import { describe, expect, it } from '@jest/globals';
import { graphWriters, longestHoldSeconds, milliseconds, windowFor, writersFor } from '../src/index.ts';

const parts = { prefetch: undefined, batchSize: 500, writers: 2, maxPending: 5000, lanes: 4, floor: 50 };

describe('the window of a lane', () => {
  it.each([
    ['two batches a writer', { maxPending: 100_000 }, 2000, 'batch'],
    ['cut so that all lanes stay within max pending', {}, 1250, 'pending'],
    ['the floor of tableinator for small batches', { batchSize: 5, writers: 1 }, 50, 'floor'],
    ['the floor of graphinator for small batches', { batchSize: 1, writers: 1, floor: 10 }, 10, 'floor'],
    ['as given, when given', { prefetch: 800 }, 800, 'prefetch'],
    ['as given, even under a batch and the floor', { prefetch: 1 }, 1, 'prefetch'],
    ['cut, even when given', { prefetch: 5000 }, 1250, 'pending'],
    ['all of max pending for a single lane', { lanes: 1, writers: 8 }, 5000, 'pending'],
    ['at least one', { maxPending: 1, lanes: 4, batchSize: 1 }, 1, 'pending'],
    ['within the 16 bits of the protocol', { maxPending: 1_000_000, lanes: 1, batchSize: 65_535 }, 65_535, 'pending'],
  ] as const)('is %s', (_, changed, window, by) => {
    expect(windowFor({ ...parts, ...changed })).toEqual({ window, by });
  });
});

describe('writers', () => {
  it('of all lanes together stay within the pool, and each lane has one', () => {
    expect(writersFor(2, 4, 50)).toBe(2);
    expect(writersFor(20, 4, 50)).toBe(12);
    expect(writersFor(2, 4, 3)).toBe(1);
  });
});

describe('writers of a graph', () => {
  it('are three where the window of a lane holds a batch for each, else two', () => {
    expect(graphWriters(500, 5_000, 1)).toBe(3);
    expect(graphWriters(500, 5_000, 3)).toBe(3);
    expect(graphWriters(500, 5_000, 4)).toBe(2);
    expect(graphWriters(5_000, 5_000, 4)).toBe(2);
  });
});

describe('a hold', () => {
  it('ends at a quarter of the consumer timeout', () => {
    expect(longestHoldSeconds(1800)).toBe(450);
  });
});

describe('seconds', () => {
  it('are whole milliseconds for timers, whatever their fraction', () => {
    for (const value of [1.001, 0.29, 2, 1.005, 0.0014]) expect(Number.isSafeInteger(milliseconds(value))).toBe(true);
    expect(milliseconds(1.001)).toBe(1001);
  });
});
