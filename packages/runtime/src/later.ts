/**
 * Records that are read when they are first asked for: one that the store holds already never is. What was read is not
 * kept: a batch would hold hundreds of parsed records for as long as it is written, and only their rows are needed.
 */
import type { GraphModel } from './model.ts';

/** Reads the record. What this throws, it throws at every call. */
export type Later<T> = () => T;

type Steps<R> = Pick<GraphModel<R>, 'nodes' | 'edges'>;

/** The steps of a graph model, taking records that are read later; steps asked one after the other read a record once. */
export function takingLater<R>({ nodes, edges }: Steps<R>): Steps<Later<R>> {
  let last: { readonly of: Later<R>; readonly record: R } | undefined;
  const read = (later: Later<R>): R => {
    if (last?.of !== later) last = { of: later, record: later() };
    return last.record;
  };
  return {
    nodes: nodes.map((step) => ({ ...step, rows: (record) => step.rows(read(record)) })),
    edges: edges.map((step) => ({ ...step, rows: (record) => step.rows(read(record)) })),
  };
}
