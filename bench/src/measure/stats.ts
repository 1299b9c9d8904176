/** The arithmetic of the figures. Pure; empty input gives 0 rather than NaN, because figures are printed and compared. */

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export type Point = readonly [x: number, y: number];

const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

export function spread(values: readonly number[]): Spread {
  const sorted = ascending(values);
  return { min: sorted[0] ?? 0, median: median(sorted), max: sorted.at(-1) ?? 0 };
}

/** The nearest-rank percentile: a value that was measured, never one in between. `share` is from 0 to 1. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = ascending(values);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** `of[i] / over[i]`, for the rounds that both have: a round's two runs met the same machine. */
export function ratios(of: readonly number[], over: readonly number[]): number[] {
  return of.flatMap((value, i) => {
    const divisor = over[i];
    return divisor === undefined || divisor === 0 ? [] : [value / divisor];
  });
}

/** Slope of the least-squares line through the points, in y for one x; 0 for fewer than two different x. */
export function slope(points: readonly Point[]): number {
  const n = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n;
  let above = 0;
  let below = 0;
  for (const [x, y] of points) {
    above += (x - meanX) * (y - meanY);
    below += (x - meanX) ** 2;
  }
  return n < 2 || below === 0 ? 0 : above / below;
}

export const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/** At most `most` of the points, evenly chosen, the last one among them. */
export function thinned(points: readonly Point[], most: number): readonly Point[] {
  if (points.length <= most) return points;
  return Array.from({ length: most }, (_, i) => points[Math.round((i * (points.length - 1)) / (most - 1))] as Point);
}
