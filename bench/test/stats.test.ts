import { describe, expect, it } from '@jest/globals';
import { median, percentile, ratios, slope, spread, thinned } from '../src/measure/stats.ts';

describe('the arithmetic of figures', () => {
  it('takes the mean of the two middle values of an even number', () => {
    expect(median([4, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBe(0);
  });

  it('gives least, middle and most', () => {
    expect(spread([30, 10, 20])).toEqual({ min: 10, median: 20, max: 30 });
  });

  it('gives percentiles that were measured', () => {
    const values = Array.from({ length: 100 }, (_, i) => i + 1);
    expect(percentile(values, 0.5)).toBe(50);
    expect(percentile(values, 0.99)).toBe(99);
    expect(percentile(values, 1)).toBe(100);
    expect(percentile([7], 0.5)).toBe(7);
  });

  it('divides within rounds, and leaves out a round that one side lacks', () => {
    expect(ratios([10, 30, 50], [5, 10])).toEqual([2, 3]);
    expect(ratios([10], [0])).toEqual([]);
  });

  it('finds the slope of a line through its noise', () => {
    expect(
      slope([
        [0, 1],
        [1, 3],
        [2, 5],
      ]),
    ).toBeCloseTo(2);
    expect(
      slope([
        [0, 1],
        [1, 1.2],
        [2, 0.8],
        [3, 1],
      ]),
    ).toBeCloseTo(-0.04, 5);
    expect(slope([[1, 5]])).toBe(0);
    expect(
      slope([
        [1, 5],
        [1, 6],
      ]),
    ).toBe(0);
  });

  it('thins a curve and keeps its ends', () => {
    const points = Array.from({ length: 1000 }, (_, i) => [i, i] as const);
    const kept = thinned(points, 11);
    expect(kept).toHaveLength(11);
    expect([kept[0], kept.at(-1)]).toEqual([
      [0, 0],
      [999, 999],
    ]);
  });
});
