/** Profiles of processor time: how they are folded, whose a frame is, and what is drawn. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { flameGraph, layout } from '../src/flame/draw.ts';
import { type CpuProfile, type FlameNode, fold } from '../src/flame/fold.ts';
import { byPackage, frameOf, widest } from '../src/flame/frames.ts';
import { createProfiles, profileClock } from '../src/measure/profiles.ts';

const call = (functionName: string, url = '', lineNumber = 0) => ({ functionName, url, lineNumber });
const ours = 'file:///somewhere/packages/runtime/dist/lane.js';
const theirs = 'file:///somewhere/node_modules/amqplib/lib/channel.js';

/** 10 µs a sample: main 1, main > parse 2, main > <write> 1, idle 3, garbage 1, main > parse 1. */
const profile: CpuProfile = {
  startTime: 1_000,
  nodes: [
    { id: 1, callFrame: call('(root)'), children: [2, 5, 6] },
    { id: 2, callFrame: call('main', ours, 9), children: [3, 4] },
    { id: 3, callFrame: call('parse', theirs, 19) },
    { id: 4, callFrame: call('<write>', theirs, 29) },
    { id: 5, callFrame: call('(idle)') },
    { id: 6, callFrame: call('(garbage collector)') },
  ],
  samples: [2, 3, 3, 4, 5, 5, 5, 6, 3, 2],
  timeDeltas: [0, 10, 10, 10, 10, 10, 10, 10, 10, 10],
};

const shape = (nodes: readonly FlameNode[]): unknown =>
  nodes.map(({ frame, self, total, children }) => [frame.name, self, total, shape(children)]);

describe('a profile', () => {
  it('is folded into one tree with the time in each frame, without idle time', () => {
    const folded = fold([profile]);
    expect(shape(folded.roots)).toEqual([
      [
        'main',
        10,
        50,
        [
          ['parse', 30, 30, []],
          ['<write>', 10, 10, []],
        ],
      ],
      ['garbage collector', 10, 10, []],
    ]);
    expect(folded.total).toBe(60);
  });

  it('is cut to a window, to the microsecond', () => {
    // From the middle of the first sample of parse to the middle of <write>.
    const { roots, total } = fold([profile], { from: 1_015, to: 1_035 });
    expect(shape(roots)).toEqual([
      [
        'main',
        0,
        20,
        [
          ['parse', 15, 15, []],
          ['<write>', 5, 5, []],
        ],
      ],
    ]);
    expect(total).toBe(20);
    expect(fold([profile], { from: 0, to: 1_000 })).toEqual({ roots: [], total: 0 });
  });

  it('of two processes is one tree', () => {
    const folded = fold([profile, profile]);
    expect(folded.total).toBe(120);
    expect(folded.roots[0]?.children.map(({ self }) => self)).toEqual([60, 20]);
  });

  it('with a sample of nothing is refused', () => {
    expect(() => fold([{ ...profile, samples: [99, 2], timeDeltas: [0, 10] }])).toThrow('node 99');
  });
});

describe('a frame', () => {
  it.each([
    [ours, 'inator/runtime', 'lane.js:10'],
    ['file:///x/services/tableinator/dist/main.js', 'inator/tableinator', 'main.js:10'],
    ['file:///x/bench/dist/programs/naive.js', 'bench', 'naive.js:10'],
    [theirs, 'amqplib', 'channel.js:10'],
    ['file:///x/node_modules/@inator/postgres/dist/copy.js', 'inator/postgres', 'copy.js:10'],
    ['file:///x/node_modules/@scope/name/a.js', '@scope/name', 'a.js:10'],
    ['node:internal/buffer', 'node', 'buffer:10'],
    ['', 'node', ''],
  ])('of %s belongs to %s', (url, name, place) => {
    expect(frameOf(call('f', url, 9))).toEqual({ name: 'f', package: name, place });
  });

  it('is listed once with all its own time, in microseconds a record', () => {
    const folded = fold([profile]);
    expect(widest(folded, 4, 2)).toEqual([
      { name: 'parse', package: 'amqplib', place: 'channel.js:20', micros: 7.5, share: 0.5 },
      { name: 'main', package: 'inator/runtime', place: 'lane.js:10', micros: 2.5, share: 0.1667 },
    ]);
    expect(byPackage(folded, 4).map((one) => [one.package, one.micros])).toEqual([
      ['amqplib', 10],
      ['inator/runtime', 2.5],
      ['garbage collector', 2.5],
    ]);
  });
});

/** Reads the SVG strictly enough to notice what is not XML: every tag closed in order, nothing unescaped. */
function elements(svg: string): { readonly name: string; readonly attributes: Readonly<Record<string, string>> }[] {
  const open: string[] = [];
  const found: { name: string; attributes: Record<string, string> }[] = [];
  const rest = svg.replace(
    /<(\/?)([a-z]+)((?:\s+[\w:-]+="[^"<&]*(?:&(?:amp|lt|gt|quot);[^"<&]*)*")*)\s*(\/?)>/g,
    (_, closing, name, text, alone) => {
      if (closing === '/') expect(open.pop()).toBe(name);
      else {
        if (alone !== '/') open.push(name);
        found.push({
          name,
          attributes: Object.fromEntries(
            [...String(text).matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value]),
          ),
        });
      }
      return '';
    },
  );
  expect(open).toEqual([]);
  expect(rest.replace(/&(amp|lt|gt|quot);/g, '')).not.toMatch(/[<>&]/);
  return found;
}

describe('a flame graph', () => {
  it('lays every frame on its caller, and the widths of a level add up to no more than what carries them', () => {
    const boxes = layout(fold([profile]));
    expect(boxes.filter(({ depth }) => depth === 0).reduce((sum, { wide }) => sum + wide, 0)).toBeCloseTo(1, 9);
    for (const { node, left, wide } of boxes) {
      const on = boxes.filter((one) => node.children.includes(one.node));
      expect(on.reduce((sum, one) => sum + one.wide, 0) + node.self / 60).toBeCloseTo(wide, 9);
      for (const one of on) {
        expect(one.left).toBeGreaterThanOrEqual(left);
        expect(one.left + one.wide).toBeLessThanOrEqual(left + wide + 1e-9);
      }
    }
  });

  it('is well-formed whatever the frames are called, for light and dark pages, with a title a frame', () => {
    const svg = flameGraph('a "race" & <more>', fold([profile]), 10);
    const all = elements(svg);
    const frames = all.filter(({ name, attributes }) => name === 'rect' && attributes.height === '16');
    expect(frames).toHaveLength(4);
    expect(all.filter(({ name }) => name === 'title')).toHaveLength(4);
    // 1,200 pixels without the margins of 8 on either side: main is 50 of 60 µs, and parse three fifths of it.
    expect(frames.map(({ attributes }) => Number(attributes.width))).toEqual([986.67, 592, 197.33, 197.33]);
    expect(svg).toContain('&lt;write&gt; (amqplib channel.js:30): 1.0 µs a record, 1.0 in itself, 16.7 %');
    expect(svg).toContain('prefers-color-scheme:dark');
  });

  it('of nothing is a drawing as well', () => {
    expect(elements(flameGraph('nothing', fold([]), 0)).length).toBeGreaterThan(3);
  });
});

/** Works for a while in a function of its own, says so, and ends at SIGTERM as a service does. */
const program = `
function burnTheProcessor(ms) {
  let x = 0;
  for (const end = Date.now() + ms; Date.now() < end; ) x += Math.sqrt(x + 1);
  return x;
}
burnTheProcessor(50);
process.stdout.write('begin\\n');
setTimeout(() => {
  burnTheProcessor(300);
  process.stdout.write('end\\n');
}, 100);
process.once('SIGTERM', () => process.exit(0));
setInterval(() => {}, 1000);
`;

describe('a process', () => {
  it('that ends by SIGTERM leaves a profile whose clock is ours: the window holds its work and not its waiting', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flame-test-'));
    const profiles = createProfiles();
    try {
      const script = join(folder, 'burner.mjs');
      writeFileSync(script, program);
      const child = spawn(process.execPath, [...profiles.args, script], {
        env: { PATH: process.env.PATH ?? '' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const moments: number[] = [];
      await new Promise<void>((resolve) => {
        child.stdout.on('data', (chunk: Buffer) => {
          for (const _ of chunk.toString().matchAll(/\n/g)) moments.push(profileClock());
          if (moments.length === 2) resolve();
        });
      });
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('exit', resolve));

      const [from = 0, to = 0] = moments;
      const { total } = profiles.folded({ from, to });
      const [first] = widest(profiles.folded({ from, to }), 1, 1);
      expect(first).toMatchObject({ name: 'burnTheProcessor', package: 'other', place: 'burner.mjs:2' });
      expect(first?.micros).toBeGreaterThan(150_000);
      // It waited for 100 ms of the window.
      expect(total).toBeLessThan(to - from - 50_000);
      // What it did before is in the whole profile only.
      expect(profiles.folded().total).toBeGreaterThan(total);
    } finally {
      profiles.remove();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('that is killed leaves none, and that is said', () => {
    const profiles = createProfiles();
    expect(() => profiles.folded()).toThrow('no process wrote a profile');
    profiles.remove();
  });
});
