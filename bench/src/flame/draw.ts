/**
 * A flame graph as SVG, written by hand: a frame is as wide as the time in it and in what it called, and stands on
 * its caller. It is readable on a light and on a dark page; `<title>` shows a frame's figures where the pointer rests.
 */
import { escaped } from '../report/plot.ts';
import type { FlameNode, Folded } from './fold.ts';

const width = 1200;
const rowHeight = 17;
const top = 44;
const legendHeight = 26;
const margin = 8;
/** Narrower frames cannot be seen, and would be most of the file. */
const leastPixels = 0.6;
/** Pixels of one character at the size below, on the safe side. */
const characterPixels = 6.4;

/** Fills that carry black text on any page, by package; the rest share the last one. */
const fills: readonly (readonly [RegExp, string])[] = [
  [/^inator\//, '#56b4e9'],
  [/^bench$/, '#9ccbe8'],
  [/^amqplib$/, '#e69f00'],
  [/^pg|^postgres/, '#5bbf9a'],
  [/^neo4j/, '#a3c96a'],
  [/^pino|^sonic-boom|^prom-client/, '#cda6c9'],
  [/^garbage collector$/, '#e58a6b'],
  [/^node$/, '#f0e08a'],
  [/^/, '#c4c4c4'],
];
const legend: readonly (readonly [string, string])[] = [
  ['inator', 'inator/'],
  ['amqplib', 'amqplib'],
  ['pg', 'pg'],
  ['neo4j-driver', 'neo4j-driver'],
  ['log and metrics', 'pino'],
  ['node', 'node'],
  ['garbage collector', 'garbage collector'],
  ['engine, others', ''],
];

export interface Box {
  readonly node: FlameNode;
  /** 0 for what nothing called. */
  readonly depth: number;
  /** Share of all time, 0 to 1, to the left of the box, and of its own width. */
  readonly left: number;
  readonly wide: number;
}

/** Where every frame stands: children side by side on their caller, in order, from its left edge. */
export function layout({ roots, total }: Folded): Box[] {
  const boxes: Box[] = [];
  const place = (nodes: readonly FlameNode[], from: number, depth: number): void => {
    let left = from;
    for (const node of nodes) {
      const wide = node.total / total;
      boxes.push({ node, depth, left, wide });
      place(node.children, left, depth + 1);
      left += wide;
    }
  };
  if (total > 0) place(roots, 0, 0);
  return boxes;
}

export function flameGraph(title: string, folded: Folded, records: number): string {
  const span = width - 2 * margin;
  const shown = layout(folded).filter(({ wide }) => wide * span >= leastPixels);
  const rows = shown.reduce((most, { depth }) => Math.max(most, depth + 1), 0);
  const height = top + rows * rowHeight + legendHeight + margin;
  const micros = (value: number): string => (value / Math.max(1, records)).toFixed(1);
  const frames = shown.map(({ node, depth, left, wide }) => {
    const { frame, total, self } = node;
    const x = margin + left * span;
    const y = top + (rows - 1 - depth) * rowHeight;
    const place = frame.place === '' ? '' : ` ${frame.place}`;
    const about = `${frame.name} (${frame.package}${place}): ${micros(total)} µs a record, ${micros(self)} in itself, ${((total / folded.total) * 100).toFixed(1)} %`;
    const room = Math.floor((wide * span - 6) / characterPixels);
    const label = room < 3 ? '' : shortened(frame.name, room);
    return [
      `<g><title>${escaped(about)}</title>`,
      `<rect x="${pixels(x)}" y="${y}" width="${pixels(wide * span)}" height="${rowHeight - 1}" fill="${fillOf(frame.package)}"/>`,
      label === '' ? '' : `<text x="${pixels(x + 3)}" y="${y + 12}">${escaped(label)}</text>`,
      '</g>',
    ].join('');
  });
  const keys = legend.map(([label, name], i) => {
    const x = margin + i * 145;
    const y = height - legendHeight;
    return `<rect x="${x}" y="${y + 4}" width="12" height="12" fill="${fillOf(name)}"/><text class="page" x="${x + 17}" y="${y + 14}">${escaped(label)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="11" role="img" aria-label="${escaped(title)}">`,
    '<style>.ground{fill:#fff}.page{fill:#1f2328}text{fill:#111}',
    '@media (prefers-color-scheme:dark){.ground{fill:#0d1117}.page{fill:#e6edf3}}</style>',
    `<rect class="ground" width="${width}" height="${height}"/>`,
    `<text class="page" x="${margin}" y="20" font-size="14" font-weight="bold">${escaped(title)}</text>`,
    `<text class="page" x="${margin}" y="36">${escaped(`${micros(folded.total)} µs of the main thread a record, idle time left out`)}</text>`,
    ...frames,
    ...keys,
    '</svg>',
    '',
  ].join('\n');
}

function fillOf(name: string): string {
  return fills.find(([pattern]) => pattern.test(name))?.[1] ?? '#c4c4c4';
}

const pixels = (value: number): string => String(Math.round(value * 100) / 100);

function shortened(name: string, room: number): string {
  return name.length <= room ? name : `${name.slice(0, room - 1)}…`;
}
