/** Records that are read when they are first asked for: one that the store holds already never is. */
import type { GraphModel } from './model.ts';

export type Later<T> = () => T;

/** Makes its value once, at the first call. What `make` throws, every call throws. */
export function later<T>(make: () => T): Later<T> {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

type Steps<R> = Pick<GraphModel<R>, 'nodes' | 'edges'>;

/** The steps of a graph model, taking records that are read later. */
export function takingLater<R>({ nodes, edges }: Steps<R>): Steps<Later<R>> {
  return {
    nodes: nodes.map((step) => ({ ...step, rows: (record) => step.rows(record()) })),
    edges: edges.map((step) => ({ ...step, rows: (record) => step.rows(record()) })),
  };
}
