/** Whose a frame of a profile is: which package, which function, and where in it; no path of the machine is kept. */
import { basename } from 'node:path';
import type { FlameNode, Folded } from './fold.ts';

export interface Frame {
  readonly name: string;
  /** `amqplib`, `inator/runtime`, `node`, `garbage collector`, …. */
  readonly package: string;
  /** File and line, or nothing. */
  readonly place: string;
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** From 0. */
  readonly lineNumber: number;
}

/** V8's names for what is no function. */
const special: Readonly<Record<string, Frame>> = {
  '(garbage collector)': { name: 'garbage collector', package: 'garbage collector', place: '' },
  // Compiling, and what the engine does between functions.
  '(program)': { name: 'engine', package: 'engine', place: '' },
};

export const isIdle = ({ functionName, url }: CallFrame): boolean => url === '' && functionName === '(idle)';

export function frameOf({ functionName, url, lineNumber }: CallFrame): Frame {
  const known = url === '' ? special[functionName] : undefined;
  if (known !== undefined) return known;
  return {
    name: functionName === '' ? '(anonymous)' : functionName,
    package: packageOf(url),
    place: url === '' ? '' : `${basename(url)}:${lineNumber + 1}`,
  };
}

/** Functions without a file are those that node and its engine have built in. */
function packageOf(url: string): string {
  if (url === '' || url.startsWith('node:')) return 'node';
  const installed = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
  if (installed !== undefined) return installed.replace(/^@inator\//, 'inator/');
  const ours = /.*\/(?:packages|services)\/([^/]+)\/(?:dist|src)\//.exec(url)?.[1];
  if (ours !== undefined) return `inator/${ours}`;
  return /\/bench\/(?:dist|src)\//.test(url) ? 'bench' : 'other';
}

/** Time in one frame itself, wherever it was called from. */
export interface WideFrame extends Frame {
  /** Microseconds for one record. */
  readonly micros: number;
  /** Of all time that was not idle, 0 to 1. */
  readonly share: number;
}

/** The `most` frames with the most time of their own. */
export function widest(folded: Folded, records: number, most: number): WideFrame[] {
  return summed(folded, records, ({ frame }) => frame).slice(0, most);
}

/** Time by package; `name` and `place` are empty. */
export function byPackage(folded: Folded, records: number): WideFrame[] {
  return summed(folded, records, ({ frame }) => ({ name: '', package: frame.package, place: '' }));
}

function summed(folded: Folded, records: number, as: (node: FlameNode) => Frame): WideFrame[] {
  const sums = new Map<string, { frame: Frame; self: number }>();
  const add = (node: FlameNode): void => {
    const frame = as(node);
    const key = `${frame.package} ${frame.name} ${frame.place}`;
    const sum = sums.get(key) ?? { frame, self: 0 };
    sum.self += node.self;
    sums.set(key, sum);
    node.children.forEach(add);
  };
  folded.roots.forEach(add);
  return [...sums.values()]
    .filter(({ self }) => self > 0)
    .sort((a, b) => b.self - a.self)
    .map(({ frame, self }) => ({
      ...frame,
      micros: Number((self / Math.max(1, records)).toFixed(2)),
      share: Number((self / Math.max(1, folded.total)).toFixed(4)),
    }));
}
