/** Plots as SVG, written by hand: bars of medians with whiskers from the least to the most, and lines. */
import type { Point, Spread } from '../measure/stats.ts';
import { figure } from './table.ts';

export interface Bar extends Spread {
  readonly label: string;
}

export interface Line {
  readonly label: string;
  readonly points: readonly Point[];
}

const width = 720;
const margin = { left: 190, right: 90, top: 44, bottom: 34 } as const;
const barHeight = 26;
/** Told apart in print and by people who see fewer colours (Okabe and Ito's set). */
const colours = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#d55e00', '#56b4e9'] as const;

export function barPlot(title: string, unit: string, bars: readonly Bar[]): string {
  const height = margin.top + bars.length * barHeight + margin.bottom;
  const top = niceCeiling(Math.max(0, ...bars.map(({ max }) => max)));
  const x = (value: number): number => margin.left + (value / top) * (width - margin.left - margin.right);
  const rows = bars.map(({ label, min, median, max }, i) => {
    const y = margin.top + i * barHeight;
    const middle = y + barHeight / 2;
    return [
      text(margin.left - 8, middle + 4, label, 'end'),
      `<rect x="${margin.left}" y="${y + 5}" width="${at(x(median) - margin.left)}" height="${barHeight - 10}" fill="${colours[i % colours.length]}"/>`,
      `<path d="M${at(x(min))} ${middle}H${at(x(max))}M${at(x(min))} ${middle - 5}v10M${at(x(max))} ${middle - 5}v10" stroke="#333" fill="none"/>`,
      text(x(max) + 8, middle + 4, figure(median), 'start'),
    ].join('\n');
  });
  return drawing(height, title, [
    ...ticks(0, top).map((value) => grid(x(value), x(value), margin.top, height - margin.bottom)),
    ...ticks(0, top).map((value) => text(x(value), height - margin.bottom + 16, figure(value), 'middle')),
    text(width - margin.right, height - 4, unit, 'end'),
    ...rows,
  ]);
}

export function linePlot(title: string, xUnit: string, yUnit: string, lines: readonly Line[]): string {
  const height = 320;
  const left = 80;
  const all = lines.flatMap(({ points }) => points);
  const right = niceCeiling(Math.max(0, ...all.map(([x]) => x)));
  const top = niceCeiling(Math.max(0, ...all.map(([, y]) => y)));
  const x = (value: number): number => left + (value / right) * (width - left - 40);
  const y = (value: number): number =>
    height - margin.bottom - (value / top) * (height - margin.bottom - margin.top - 8);
  return drawing(height, title, [
    ...ticks(0, top).map((value) => grid(left, width - 40, y(value), y(value))),
    ...ticks(0, top).map((value) => text(left - 8, y(value) + 4, figure(value), 'end')),
    ...ticks(0, right).map((value) => text(x(value), height - margin.bottom + 16, figure(value), 'middle')),
    text(left, margin.top - 6, yUnit, 'start'),
    text(width - 40, height - 4, xUnit, 'end'),
    ...lines.map(({ points }, i) => {
      const path = points.map(([a, b], n) => `${n === 0 ? 'M' : 'L'}${at(x(a))} ${at(y(b))}`).join('');
      return `<path d="${path}" stroke="${colours[i % colours.length]}" stroke-width="2" fill="none"/>`;
    }),
    ...lines.map(({ label }, i) => {
      const from = left + 120 + i * 170;
      return `<rect x="${from}" y="${margin.top - 14}" width="12" height="4" fill="${colours[i % colours.length]}"/>${text(from + 18, margin.top - 8, label, 'start')}`;
    }),
  ]);
}

/** The least of 1, 2, 2.5 and 5 times a power of ten that is not below the value. */
export function niceCeiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5, 10].find((step) => step * power >= value * (1 - 1e-9)) ?? 10) * power;
}

function ticks(from: number, to: number): number[] {
  return Array.from({ length: 6 }, (_, i) => from + ((to - from) * i) / 5);
}

const at = (value: number): string => String(Math.round(value * 10) / 10);

function grid(x1: number, x2: number, y1: number, y2: number): string {
  return `<path d="M${at(x1)} ${at(y1)}L${at(x2)} ${at(y2)}" stroke="#ddd"/>`;
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

function drawing(height: number, title: string, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12" role="img" aria-label="${escaped(title)}">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="12" y="20" font-size="14" font-weight="bold">${escaped(title)}</text>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

export function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
