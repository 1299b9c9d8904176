/** What the graph must be, said the simplest way: one record at a time, in memory, nothing shared with the sink. */
import type { Keyed } from '@inator/runtime';
import type { Band, Graph, Labels } from './bands.ts';
import { stubName } from './bands.ts';

export interface Reference {
  apply(record: Keyed<Band>): void;
  graph(): Graph;
}

export function createReference(labels: Labels): Reference {
  const nodes = new Map<string, Record<string, unknown>>();
  /** Who asserts a relationship; `always` for the shared ones. */
  const assertions = new Map<string, Set<string>>();

  const assert = (edge: string, by: string): void => {
    const all = assertions.get(edge) ?? new Set();
    all.add(by);
    assertions.set(edge, all);
  };
  const meet = (label: string, keyName: string, key: string, properties: Record<string, unknown> = {}): void => {
    if (!nodes.has(`${label} ${key}`)) nodes.set(`${label} ${key}`, { [keyName]: key, ...properties });
  };

  return {
    apply({ key, hash, seq, record }) {
      const name = `${labels.band} ${key}`;
      const node = nodes.get(name);
      const storedHash = node?.sha256 as string | undefined;
      const storedSeq = (node?.seq as bigint | undefined) ?? -1n;
      const given = seq ?? -1n;
      if (storedHash === hash) {
        if (node !== undefined && given > storedSeq) node.seq = given;
        return;
      }
      const older = given < storedSeq || (given === storedSeq && given >= 0n && (storedHash ?? '') > hash);
      if (storedHash !== undefined && older) return;

      const fresh: Record<string, unknown> = { id: key, sha256: hash };
      if (record.name !== null) fresh.name = record.name;
      if (record.country !== null) fresh.country = record.country;
      if (seq !== undefined) fresh.seq = seq;
      nodes.set(name, fresh);
      for (const by of assertions.values()) by.delete(key);
      for (const other of [...record.members, ...record.groups])
        meet(labels.band, 'id', other, { name: stubName(other) });
      for (const place of record.places) meet(labels.place, 'id', place);
      for (const genre of record.genres) meet(labels.genre, 'name', genre);
      for (const style of record.styles) meet(labels.style, 'name', style);
      for (const member of record.members) assert(`${member} MEMBER_OF ${key}`, key);
      for (const group of record.groups) assert(`${key} MEMBER_OF ${group}`, key);
      for (const place of record.places) assert(`${key} AT ${place}`, key);
      for (const tag of [...record.genres, ...record.styles]) assert(`${key} IS ${tag}`, key);
      const [only] = record.genres;
      if (only !== undefined && record.genres.length === 1) {
        for (const style of record.styles) assert(`${style} PART_OF ${only}`, 'always');
      }
    },
    graph() {
      const edges = [...assertions]
        .filter(([, by]) => by.size > 0)
        .map(([edge]) => edge)
        .sort();
      const touched = new Set(edges.flatMap((edge) => [edge.split(' ')[0], edge.split(' ')[2]]));
      const kept = [...nodes].filter(([name, { sha256 }]) => sha256 !== undefined || touched.has(name.split(' ')[1]));
      return { nodes: Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1))), edges };
    },
  };
}
