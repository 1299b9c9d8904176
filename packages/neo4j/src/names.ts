/**
 * The property names of each label. Names come from models, never from data: Neo4j keeps every property name it ever saw
 * for good, and each new one changes the text of a statement. So the lists are short, and a model that takes its names
 * from data is stopped.
 */
import { type Fault, fault, type Properties } from '@inator/runtime';
import { bookkeeping, type GraphShape } from './shape.ts';

/** More names than this on one label can only come from data. */
export const maxNames = 64;
const nameShape = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

export interface PropertyNames {
  /** By label, in the order first seen. A list only ever grows. */
  readonly lists: readonly (readonly string[])[];
  /**
   * Takes in the names of a row. The rows of the record's own node must all name the same properties, null where a
   * record has none: what a row left out would stay on the node from an earlier version, and nobody would notice.
   */
  learn(label: number, properties: Properties, own: boolean): Fault | undefined;
}

const nobody = { label: '', key: '' } as const;

export function createPropertyNames<R>({ labels, primary, primaryStep, stubs }: GraphShape<R>): PropertyNames {
  const lists = labels.map((): string[] => []);
  const known = labels.map(() => new Set<string>());
  let own: ReadonlySet<string> | undefined;
  const names: PropertyNames = {
    lists,
    learn(label, properties, isOwn) {
      const ofLabel = known[label];
      const { label: labelName, key } = labels[label] ?? nobody;
      if (ofLabel === undefined) return undefined;
      for (const name in properties) {
        if (ofLabel.has(name)) continue;
        const reserved: readonly string[] = [key, ...Object.values(bookkeeping)];
        if (reserved.includes(name) || !nameShape.test(name)) {
          return fault(
            'defect',
            'graph',
            `${labelName} nodes cannot have a property of the name ${JSON.stringify(name)}`,
          );
        }
        if (ofLabel.size >= maxNames) {
          return fault('defect', 'graph', `${labelName} nodes have more than ${maxNames} property names: is one data?`);
        }
        ofLabel.add(name);
        lists[label]?.push(name);
      }
      if (!isOwn || label !== primary) return undefined;
      const names = Object.keys(properties);
      own ??= new Set(names);
      const expected = own;
      if (names.length === expected.size && names.every((name) => expected.has(name))) return undefined;
      const reason = `a record's ${labelName} node names ${names.length} properties, the first one named ${expected.size}: each must name all, null where it has none`;
      return fault('defect', 'graph', reason);
    },
  };
  // A name that cannot be is left to the first record that brings it, whose letter then says so.
  for (const { label, step } of [...stubs, { label: primary, step: primaryStep }]) {
    const nothing = Object.fromEntries((step.properties ?? []).map((name) => [name, null]));
    if (step.properties !== undefined) names.learn(label, nothing, step === primaryStep);
  }
  return names;
}
