/** From a record to the values a route leads to, one or, through lists, many. */
import { nounOf, Wrong } from '../value/wrong.ts';
import type { Found, Hop, Route } from './picker.ts';

/**
 * Lists gone through element by element, outermost first: of `orders[].items[]` two ways, each from the element of the one
 * before. Targets and their properties are read for every combination of elements.
 */
export type Lists = readonly (readonly Hop[])[];

/** The elements one stands in while going through lists, outermost first. */
export type Standing = readonly Found[];

/** A route below the lists that are gone through: from the element at `depth` (0: the record) along `hops`. */
export interface Relative {
  readonly text: string;
  readonly depth: number;
  readonly hops: readonly Hop[];
}

/** The lists that a route goes through. */
export function listsIn({ hops }: Route): Lists {
  const lists: Hop[][] = [];
  let way: Hop[] = [];
  for (const hop of hops) {
    if (hop.is === 'each') {
      lists.push(way);
      way = [];
    } else way.push(hop);
  }
  return lists;
}

/** The route as seen from inside `lists`, of which it must share its own first `depth`. */
export function relativeTo({ text, hops }: Route, depth: number): Relative {
  let left = depth;
  let from = 0;
  while (left > 0) {
    if (hops[from]?.is === 'each') left -= 1;
    from += 1;
  }
  return { text, depth, hops: hops.slice(from) };
}

/** The value at the end; undefined when something on the way is absent or null. */
export function valueAt(root: Found, standing: Standing, { depth, hops }: Relative): Found | undefined | Wrong {
  let found: Found | undefined | Wrong = depth === 0 ? root : standing[depth - 1];
  for (const hop of hops) {
    if (found === undefined || found.kind === 'null') return undefined;
    found = follow(found, hop);
    if (found instanceof Wrong) return found;
  }
  return found === undefined || found.kind === 'null' ? undefined : found;
}

function follow(found: Found, hop: Hop): Found | undefined | Wrong {
  if (hop.is === 'member') return found.kind === 'object' ? found.members?.[hop.index] : misplaced(found, 'an object');
  if (found.kind !== 'array') return misplaced(found, 'a list');
  return hop.is === 'at' ? found.elements?.[hop.index] : undefined;
}

function misplaced(found: Found, wanted: string): Wrong {
  return new Wrong('value-refused', `${nounOf(found)} stands where ${wanted} is expected`);
}

/** All values at the end of a way that may go through lists. */
export function valuesAt(root: Found, standing: Standing, { depth, hops }: Relative): readonly Found[] | Wrong {
  let all: Found[] = [(depth === 0 ? root : standing[depth - 1]) as Found];
  for (const hop of hops) {
    const next: Found[] = [];
    for (const found of all) {
      if (found.kind === 'null') continue;
      if (hop.is === 'each') {
        if (found.kind !== 'array') return misplaced(found, 'a list');
        next.push(...(found.elements ?? []));
        continue;
      }
      const one = follow(found, hop);
      if (one instanceof Wrong) return one;
      if (one !== undefined) next.push(one);
    }
    all = next;
  }
  return all.filter(({ kind }) => kind !== 'null');
}

/** Calls `visit` for every combination of elements of `lists`, in their order; ends at the first wrong thing. */
export function through(
  root: Found,
  lists: Lists,
  visit: (standing: Standing) => Wrong | undefined,
): Wrong | undefined {
  const standing: Found[] = [];
  const enter = (depth: number): Wrong | undefined => {
    const way = lists[depth];
    if (way === undefined) return visit(standing);
    const list = valueAt(root, standing, { text: '', depth, hops: way });
    if (list instanceof Wrong) return list;
    if (list === undefined) return undefined;
    if (list.kind !== 'array') return misplaced(list, 'a list');
    for (const element of list.elements ?? []) {
      standing[depth] = element;
      const wrong = enter(depth + 1);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };
  return enter(0);
}
