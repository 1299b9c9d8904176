/** A graph model, checked and numbered once, so that writing a batch is arithmetic on lists. */
import type { EdgeStep, GraphModel, NodeStep } from '@inator/runtime';
import { misconfigured } from './settings.ts';

/** Bookkeeping of the sink on nodes and relationships; a model must not use these names. */
export const bookkeeping = {
  /** Content hash of the record; a node without it is a stub or shared. */
  hash: 'sha256',
  /** Version of the record, where there is one. */
  seq: 'seq',
} as const;

/** On a two-sided relationship: which ends' records assert it. */
export const sideMark = { from: '_from', to: '_to' } as const;

export interface ShapeLabel {
  readonly label: string;
  /** The constrained key property. */
  readonly key: string;
}

/** Relationships at one end of which stands the record's own node. */
export interface OwnedGroup<R> {
  readonly type: string;
  /** The end that the record's own node is. */
  readonly owner: 'from' | 'to';
  /** Index into `labels` of the other end. */
  readonly other: number;
  readonly twoSided: boolean;
  /** Properties of the relationship; empty for most. A group that has them is one-sided. */
  readonly properties: readonly string[];
  readonly steps: readonly EdgeStep<R>[];
}

/** What a property of a relationship may be called. The marks of the sides begin with an underscore. */
const nameShape = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

export interface SharedGroup<R> {
  readonly type: string;
  readonly from: number;
  readonly to: number;
  readonly steps: readonly EdgeStep<R>[];
}

export interface GraphShape<R> {
  /** Every label of the model, sorted: writers of different models lock in one order. */
  readonly labels: readonly ShapeLabel[];
  /** Index into `labels` of the record's own. */
  readonly primary: number;
  readonly primaryStep: NodeStep<R>;
  /** The other node steps, with the index of their label. */
  readonly stubs: readonly { readonly label: number; readonly step: NodeStep<R> }[];
  readonly owned: readonly OwnedGroup<R>[];
  readonly shared: readonly SharedGroup<R>[];
}

/** Throws `SinkError` `misconfigured` when the model contradicts itself, naming where. */
export function shapeOf<R>(model: GraphModel<R>): GraphShape<R> {
  const wrong = (what: string): never => {
    throw misconfigured(`graph model ${model.name}: ${what}`);
  };
  const keys = new Map<string, string>();
  for (const { label, key } of [...model.nodes, ...model.edges.flatMap(({ from, to }) => [from, to])]) {
    const known = keys.get(label) ?? key;
    if (known !== key) wrong(`label ${label} has two key properties, ${known} and ${key}`);
    if (label === '' || key === '') wrong('a label or key property is empty');
    keys.set(label, key);
  }
  const labels = [...keys].map(([label, key]) => ({ label, key })).sort((a, b) => (a.label < b.label ? -1 : 1));
  const at = new Map(labels.map(({ label }, i) => [label, i]));
  const indexOf = (label: string): number => at.get(label) ?? wrong(`label ${label} is unknown`);

  const [primaryStep, another] = model.nodes.filter(({ primary }) => primary === true);
  if (primaryStep === undefined || another !== undefined) throw wrong('exactly one node step must be primary');
  const primary = indexOf(primaryStep.label);

  const owned = new Map<string, OwnedGroup<R> & { readonly steps: EdgeStep<R>[] }>();
  const shared = new Map<string, SharedGroup<R> & { readonly steps: EdgeStep<R>[] }>();
  for (const step of model.edges) {
    const { type, owner, properties = [] } = step;
    const from = indexOf(step.from.label);
    const to = indexOf(step.to.label);
    const ends = JSON.stringify([type, from, to]);
    if (type === '') wrong('a relationship type is empty');
    const bad = properties.find((name) => !nameShape.test(name));
    if (bad !== undefined) wrong(`${type} cannot have a property of the name ${JSON.stringify(bad)}`);
    if (properties.length > 0 && (owner === 'shared' || step.twoSided === true)) {
      wrong(`${type} is asserted by several records, so it cannot have properties`);
    }
    if (owner === 'shared') {
      if (step.twoSided === true) wrong(`${type} cannot be both shared and two-sided`);
      const group = shared.get(ends) ?? { type, from, to, steps: [] };
      group.steps.push(step);
      shared.set(ends, group);
      continue;
    }
    const other = owner === 'from' ? to : from;
    if ((owner === 'from' ? from : to) !== primary) {
      wrong(`${type} is owned by its ${owner} end, which must be ${primaryStep.label}`);
    }
    const twoSided = step.twoSided ?? false;
    const name = JSON.stringify([ends, owner]);
    const group = owned.get(name) ?? { type, owner, other, twoSided, properties, steps: [] };
    if (group.properties.length !== properties.length || !properties.every((p) => group.properties.includes(p))) {
      wrong(`${type} has other properties in one step than in another`);
    }
    if (group.twoSided !== twoSided) wrong(`${type} is two-sided in one step and not in another`);
    group.steps.push(step);
    owned.set(name, group);
  }
  for (const { type, owner, other, twoSided } of owned.values()) {
    const [from, to] = owner === 'from' ? [primary, other] : [other, primary];
    const ends = JSON.stringify([type, from, to]);
    if (shared.has(ends)) wrong(`${type} is shared in one step and owned in another`);
    const opposite = owned.get(JSON.stringify([ends, owner === 'from' ? 'to' : 'from']));
    if (opposite !== undefined && !(twoSided && opposite.twoSided)) {
      wrong(`${type} is asserted from both ends, so both its steps must be two-sided`);
    }
  }
  return {
    labels,
    primary,
    primaryStep,
    stubs: model.nodes.filter((step) => step !== primaryStep).map((step) => ({ label: indexOf(step.label), step })),
    owned: [...owned.values()],
    shared: [...shared.values()],
  };
}
