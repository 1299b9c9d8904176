/** One record's rows, read from its model and checked: the nodes it needs made, and the relationships it asserts. */
import {
  type EdgeRow,
  type EdgeStep,
  type Fault,
  fault,
  type NodeRow,
  type Properties,
  SinkError,
} from '@inator/runtime';
import type { PropertyNames } from './names.ts';
import type { GraphShape } from './shape.ts';
import { keyFault, valueFault } from './values.ts';
import type { Candidate } from './version.ts';

/** A relationship as the store holds it: the other end's key and, where two-sided, who asserts it. */
export interface HeldEdge {
  readonly key: string;
  readonly mine: boolean;
  readonly theirs: boolean;
}

/** The relationships of a group that one record asserts. */
export interface Asserted {
  /** Keys of the other ends: each once, sorted, so that writers meet on shared nodes in one order. */
  readonly ends: readonly string[];
  /** Of each end, where relationships of the group have properties. */
  readonly properties: ReadonlyMap<string, Properties> | undefined;
}

/** What one record brings, its rows read and checked. */
export interface Brought {
  readonly own: Properties;
  /** By owned group. */
  readonly owned: readonly Asserted[];
  /** By shared group. */
  readonly shared: readonly (readonly EdgeRow[])[];
}

/** A node that is not the record's own. */
export interface Other {
  readonly properties: Properties;
  readonly at: number;
}

const nothing: Properties = Object.freeze({});
const none: readonly never[] = [];

const assertsNothing: Asserted = { ends: none, properties: undefined };

/** What stands in the graph already, or will, without a row of its own. */
export interface Standing {
  /** The batch's own nodes. */
  readonly mine: ReadonlyMap<string, number>;
  /** By label: nodes that the record's node is linked to, so they exist. */
  readonly linked: readonly ReadonlySet<string>[];
  /** By owned group: ends of relationships that stay and are not written again. */
  readonly kept: readonly ReadonlySet<string>[];
}

/** A record that changed in a few places brings few nodes and relationships, however many it names. */
export function standingOf<R>(
  { labels, owned }: GraphShape<R>,
  mine: Standing['mine'],
  edges: readonly (readonly HeldEdge[])[] | undefined,
): Standing {
  if (edges === undefined) return { mine, linked: none, kept: none };
  const linked = labels.map(() => new Set<string>());
  const kept = owned.map(({ other, properties }, i) => {
    const own = new Set<string>();
    for (const edge of edges[i] ?? none) {
      linked[other]?.add(edge.key);
      // One with properties may carry others than before.
      if (edge.mine && properties.length === 0) own.add(edge.key);
    }
    return own;
  });
  return { mine, linked, kept };
}

/**
 * Adds to `others` what is not there yet. Throws `SinkError` `refused`, the record its culprit, where the record must not
 * reach the store.
 */
export function readRecord<R>(
  { labels, primary, primaryStep, stubs, owned, shared }: GraphShape<R>,
  names: PropertyNames,
  { record, key, at }: Candidate<R>,
  others: readonly Map<string, Other>[],
  { mine, linked, kept }: Standing,
): Brought {
  const refuse = (wrong: Fault, cause?: unknown): never => {
    throw new SinkError('refused', wrong, { culprit: at, cause });
  };
  const check = (label: number, row: NodeRow, isOwn: boolean): void => {
    const wrong = keyFault(row.key) ?? names.learn(label, row.properties, isOwn);
    if (wrong !== undefined) refuse(wrong);
    for (const name in row.properties) {
      const bad = valueFault(row.properties[name], name);
      if (bad !== undefined) refuse(bad);
    }
  };
  const place = (label: number, key: string, properties: Properties): void => {
    const rows = others[label];
    if (rows === undefined || rows.has(key) || (label === primary && mine.has(key))) return;
    rows.set(key, { properties, at });
  };
  const placeEnd = (label: number, end: string): void => {
    if (others[label]?.has(end) === true || (label === primary && mine.has(end))) return;
    const wrong = keyFault(end);
    if (wrong !== undefined) refuse(wrong);
    place(label, end, nothing);
  };

  try {
    const [own, ...surplus] = primaryStep.rows(record);
    if (own === undefined || own.key !== key || surplus.length > 0) {
      return refuse(
        fault('defect', 'graph', `the model gave ${surplus.length + (own ? 1 : 0)} own nodes, or one of another key`),
      );
    }
    check(primary, own, true);
    for (const { label, step } of stubs) {
      for (const row of step.rows(record)) {
        if (linked[label]?.has(row.key) === true) continue;
        check(label, row, false);
        place(label, row.key, row.properties);
      }
    }
    return {
      own: own.properties,
      owned: owned.map(({ type, owner, other, steps, properties: carried }, i) => {
        const rows = rowsOf(steps, record);
        if (rows.length === 0) return assertsNothing;
        const ends: string[] = [];
        const values = carried.length > 0 ? new Map<string, Properties>() : undefined;
        for (const { from, to, properties = nothing } of rows) {
          const [self, end] = owner === 'from' ? [from, to] : [to, from];
          if (self !== key)
            refuse(fault('defect', 'graph', `a ${type} of the model does not start at the record's own node`));
          for (const name in properties) {
            const bad = valueFault(properties[name], name);
            if (bad !== undefined) refuse(bad);
          }
          if (kept[i]?.has(end) !== true) placeEnd(other, end);
          ends.push(end);
          values?.set(end, properties);
        }
        return { ends: sortedOnce(ends), properties: values };
      }),
      shared: shared.map(({ from, to, steps }) => {
        const rows = rowsOf(steps, record);
        for (const row of rows) {
          placeEnd(from, row.from);
          placeEnd(to, row.to);
        }
        return rows;
      }),
    };
  } catch (error) {
    if (error instanceof SinkError) throw error;
    const where = labels[primary]?.label ?? '';
    return refuse(fault('defect', 'graph', `the model threw while it read a record for its ${where} node`), error);
  }
}

/** Most groups have one step. */
function rowsOf<R>(steps: readonly EdgeStep<R>[], record: R): readonly EdgeRow[] {
  const [only] = steps;
  return only !== undefined && steps.length === 1 ? only.rows(record) : steps.flatMap((step) => step.rows(record));
}

/** Sorts in place. */
function sortedOnce(keys: string[]): readonly string[] {
  if (keys.length < 2) return keys;
  keys.sort();
  return keys.some((key, i) => key === keys[i - 1]) ? [...new Set(keys)] : keys;
}
