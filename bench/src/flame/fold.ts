/**
 * A V8 processor profile, folded: one tree of frames with the time in each, for a window of the process's life.
 *
 * The times of a profile are microseconds of the same monotonic clock that `process.hrtime()` reads on Linux, so that a
 * window measured by another process of the machine cuts out start-up, compilation and the drain at the end.
 */
import { type Frame, frameOf, isIdle } from './frames.ts';

/** What `node --cpu-prof` writes, as far as it is read here (Chrome DevTools Protocol, `Profiler.Profile`). */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Microseconds. */
  readonly startTime: number;
  /** Ids of nodes: what ran at each sample. */
  readonly samples: readonly number[];
  /** Microseconds since the sample before; the first since `startTime`. */
  readonly timeDeltas: readonly number[];
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

/** Microseconds of the monotonic clock. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** A frame at one place of the call tree. */
export interface FlameNode {
  readonly frame: Frame;
  /** Microseconds in this frame itself. */
  readonly self: number;
  /** Microseconds in it and in what it called. */
  readonly total: number;
  readonly children: readonly FlameNode[];
}

export interface Folded {
  /** The frames that nothing of the program called, idle time excluded. */
  readonly roots: readonly FlameNode[];
  /** Microseconds in all of them: the main thread's time, what it waited for a free core included. */
  readonly total: number;
}

interface Growing {
  readonly frame: Frame;
  self: number;
  readonly children: Map<string, Growing>;
}

/** Profiles of several processes become one tree. */
export function fold(profiles: readonly CpuProfile[], window?: Window): Folded {
  const root: Growing = { frame: { name: '', package: '', place: '' }, self: 0, children: new Map() };
  for (const profile of profiles) foldInto(root, profile, window);
  const roots = settled(root.children);
  return { roots, total: roots.reduce((sum, { total }) => sum + total, 0) };
}

function foldInto(
  root: Growing,
  { nodes, startTime, samples, timeDeltas }: CpuProfile,
  window: Window | undefined,
): void {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const places = new Map<number, Growing | undefined>();
  /** Where a node's time belongs; undefined for idle time. */
  const placeOf = (id: number): Growing | undefined => {
    if (places.has(id)) return places.get(id);
    const node = byId.get(id);
    if (node === undefined) throw new Error(`the profile has a sample of node ${id} and no such node`);
    const parent = parents.get(id);
    const place =
      parent === undefined
        ? root
        : isIdle(node.callFrame)
          ? undefined
          : childOf(placeOf(parent), frameOf(node.callFrame));
    places.set(id, place);
    return place;
  };
  let at = startTime;
  for (const [i, id] of samples.entries()) {
    // A sample stands for the time until the next one; negative steps are clocks of two cores that disagree.
    at += timeDeltas[i] ?? 0;
    const next = Math.max(at, at + (timeDeltas[i + 1] ?? 0));
    const micros = window === undefined ? next - at : Math.min(next, window.to) - Math.max(at, window.from);
    if (micros <= 0) continue;
    const place = placeOf(id);
    if (place !== undefined && place !== root) place.self += micros;
  }
}

function childOf(parent: Growing | undefined, frame: Frame): Growing | undefined {
  if (parent === undefined) return undefined;
  const key = `${frame.package} ${frame.name} ${frame.place}`;
  const known = parent.children.get(key);
  if (known !== undefined) return known;
  const made: Growing = { frame, self: 0, children: new Map() };
  parent.children.set(key, made);
  return made;
}

/** Without frames that took no time; the widest first, so that the same profile is drawn the same way. */
function settled(growing: ReadonlyMap<string, Growing>): FlameNode[] {
  return [...growing.values()]
    .map(({ frame, self, children }) => {
      const below = settled(children);
      return { frame, self, total: below.reduce((sum, { total }) => sum + total, self), children: below };
    })
    .filter(({ total }) => total > 0)
    .sort((a, b) => b.total - a.total);
}
