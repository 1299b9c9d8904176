/** Whether memory is flat is decided by arithmetic: the arithmetic must see a leak, and must not see a saw. */
import { describe, expect, it } from '@jest/globals';
import { type Flatness, flatness, median, slope, unflat } from './flat.ts';
import { asCsv, type Sample } from './samples.ts';

const bounds = { slope: 30, perLife: 8, count: 10 };
const options = { elder: 1, warmUp: 300, youth: 60 };

/** An hour of samples of one process: a saw of 20 MiB, and whatever `extra` adds. */
function life(pid: number, seconds: number, extra: (age: number) => Partial<Sample> = () => ({})): Sample[] {
  return Array.from({ length: seconds / 5 }, (_, i) => {
    const age = i * 5;
    const saw = (age * 0.7) % 20;
    const warm = Math.min(age, 200) / 10;
    const base = { heapMiB: 40 + saw, residentMiB: 120 + saw + warm, externalMiB: 5, handles: 30, resources: 12 };
    return { at: age, service: 'tableinator', pid, age, ...base, ...extra(age) };
  });
}

describe('flatness', () => {
  it('is found where a heap saws and a process warms up', () => {
    const flat = flatness(life(1, 3_600), options);
    expect(Math.abs(flat.residentSlope)).toBeLessThan(3);
    expect(Math.abs(flat.heapSlope)).toBeLessThan(3);
    expect(unflat(flat, bounds)).toEqual([]);
  });

  it('is missed where the floor of the heap creeps under the saw', () => {
    const leak = (age: number): Partial<Sample> => ({ heapMiB: 40 + ((age * 0.7) % 20) + age / 60 });
    const flat = flatness(life(1, 3_600, leak), options);
    expect(flat.heapSlope).toBeGreaterThan(55);
    expect(flat.heapSlope).toBeLessThan(65);
    expect(unflat(flat, bounds)).toEqual([
      expect.stringMatching(/^the heap grew by [56]\d\.\d MiB an hour, more than 30$/),
    ]);
  });

  it('is not taken from a process by one burst', () => {
    const burst = (age: number): Partial<Sample> => (age > 2_000 && age < 2_200 ? { residentMiB: 400 } : {});
    const flat = flatness(life(1, 3_600, burst), options);
    expect(unflat(flat, bounds)).toEqual([]);
    expect(flat.peakMiB).toBe(400);
  });

  it('is missed where every life begins higher than the last, or files and timers pile up', () => {
    const lives = [2, 3, 4].flatMap((pid) => life(pid, 600, () => ({ residentMiB: 100 + 20 * pid })));
    const files = life(1, 3_600, (age) => ({ handles: 30 + age / 60, resources: 12 + age / 60 }));
    const flat = flatness([...files, ...lives], options);
    expect(flat.lives).toEqual([140, 160, 180]);
    expect(unflat(flat, bounds)).toEqual([
      expect.stringMatching(/^from life to life memory grew by 20\.0 MiB/),
      expect.stringMatching(/^open files grew by/),
      expect.stringMatching(/^what keeps the event loop alive grew by/),
    ]);
  });

  it('compares lives of different lengths at the same age', () => {
    const growing = (age: number): Partial<Sample> => ({ residentMiB: 100 + age });
    const flat: Flatness = flatness([...life(1, 3_600), ...life(2, 900, growing), ...life(3, 300, growing)], options);
    expect(flat.lives).toEqual([flat.lives[1], flat.lives[0]]);
  });

  it('is not claimed of a process that lived too short to say', () => {
    expect(() => flatness(life(1, 320), options)).toThrow('4 samples of process 1 say nothing');
  });
});

it('slope and median are those of Theil and Sen', () => {
  const [straight, outlier] = [[0, 1, 2, 3].map((x) => [x, 1 + 2 * x] as const), [4, 100] as const];
  expect(slope([...straight, outlier])).toBe(2);
  expect(slope([[1, 1]])).toBe(0);
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});

it('samples are written as comma-separated values, a line each', () => {
  expect(asCsv(life(7, 10)).split('\n').slice(0, 2)).toEqual([
    'at,service,pid,age,residentMiB,heapMiB,externalMiB,handles,resources',
    '0,tableinator,7,0,120,40,5,30,12',
  ]);
});
