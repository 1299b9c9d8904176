import { describe, expect, it } from '@jest/globals';
import { createSizer, type Resized } from '../src/sizer.ts';

/** Runs a lane whose rate at a size is given, for so many batches; tells the mean rate of the last half. */
function run(
  rateAt: (size: number, batch: number) => number,
  batches: number,
  bounds = { start: 500, min: 50, max: 5_000 },
) {
  const moves: Resized[] = [];
  const sizer = createSizer(bounds, (resized) => moves.push(resized));
  const sizes: number[] = [];
  let now = 0;
  let half = { records: 0, ms: 0 };
  for (let batch = 0; batch < batches; batch += 1) {
    const { size } = sizer;
    const ms = (size / rateAt(size, batch)) * 1_000;
    now += ms;
    sizes.push(size);
    if (batch >= batches / 2) half = { records: half.records + size, ms: half.ms + ms };
    sizer.stored(size, 'records', now);
  }
  return { moves, sizes, rate: (half.records / half.ms) * 1_000, last: sizer.size };
}

/** Most at `best`, falling off on both sides. */
const hill = (best: number) => (size: number) => 10_000 / (1 + 0.3 * Math.log2(size / best) ** 2);
/** The same noise in every run: up to so much up or down. */
const noise = (share: number, batch: number) => 1 + share * Math.sin(batch * 12.9898) * Math.cos(batch * 78.233);

describe('the size of batches', () => {
  it.each([100, 500, 1_400, 4_000])('comes within 10 %% of the best rate, which is at %i', (best) => {
    const { rate } = run(hill(best), 6_000);
    expect(rate).toBeGreaterThan(9_000);
  });

  it('comes there in spite of noise', () => {
    const { rate } = run((size, batch) => hill(1_400)(size) * noise(0.05, batch), 6_000);
    expect(rate).toBeGreaterThan(8_900);
  });

  it('follows when the best size moves', () => {
    const { rate } = run((size, batch) => hill(batch < 3_000 ? 100 : 2_000)(size), 12_000);
    expect(rate).toBeGreaterThan(8_900);
  });

  it('stays where it is when every size is as good', () => {
    const { sizes } = run(() => 10_000, 6_000);
    expect(sizes.filter((size) => size === 500).length / sizes.length).toBeGreaterThan(0.8);
  });

  it('never leaves its bounds', () => {
    const { sizes } = run((size) => size, 4_000, { start: 300, min: 200, max: 450 });
    expect(Math.max(...sizes)).toBe(450);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(200);
    const fixed = run((size) => size, 1_000, { start: 300, min: 300, max: 300 });
    expect(fixed.moves).toEqual([]);
  });

  it('learns nothing from a lane that waits for records', () => {
    const moves: Resized[] = [];
    const sizer = createSizer({ start: 500, min: 50, max: 5_000 }, (resized) => moves.push(resized));
    for (let batch = 0; batch < 1_000; batch += 1) sizer.stored(200, batch % 6 === 0 ? 'age' : 'records', batch * 500);
    expect(moves).toEqual([]);
    expect(sizer.size).toBe(500);
  });
});
