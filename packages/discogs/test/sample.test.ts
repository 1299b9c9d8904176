import { describe, expect, it } from '@jest/globals';
import {
  createExpectedGraph,
  expectedGraph,
  generateSample,
  graphModels,
  recordTypes,
  type SampleOptions,
  sha256,
  tableModels,
} from '../src/index.ts';
import { countGraph } from './count.ts';

const sample = (options: SampleOptions): string[] => [...generateSample(options)].map((body) => body.toString());

describe('the sample', () => {
  it.each(recordTypes)('%s: bodies are records with the ids asked for and a true hash', (type) => {
    let id = 41;
    for (const body of generateSample({ type, count: 500, from: 41 })) {
      const decoded = tableModels[type].decode(body, {});
      const [envelope = '', hash] = /^\{"type":"data","id":"\d+","sha256":"(\w+)",/.exec(body.toString()) ?? [];
      expect(decoded).toMatchObject({ is: 'record', key: String(id), hash });
      const data = `{${body.toString().slice(envelope.length)}`;
      expect(sha256(data)).toBe(hash);
      const keys = Object.keys(JSON.parse(data) as object);
      expect(keys).toEqual([...keys].sort());
      id++;
    }
    expect(id).toBe(541);
  });

  it('the same seed makes the same bodies, wherever the range begins; another seed other ones', () => {
    for (const type of recordTypes) {
      const all = sample({ type, count: 100, seed: 7 });
      expect(sample({ type, count: 40, seed: 7, from: 61 })).toEqual(all.slice(60));
      expect(sample({ type, count: 100, seed: 8 })[0]).not.toBe(all[0]);
    }
  });

  it('a new version has the same ids and another hash', () => {
    for (const type of recordTypes) {
      const hashes = (version: number) =>
        [...generateSample({ type, count: 200, version })].map((body) => {
          const decoded = tableModels[type].decode(body, {});
          return decoded.is === 'record' ? [decoded.key, decoded.hash] : [];
        });
      const [first, second] = [hashes(1), hashes(2)];
      expect(second.map(([key]) => key)).toEqual(first.map(([key]) => key));
      expect(second.every(([, hash], i) => hash !== first[i]?.[1])).toBe(true);
    }
  });

  it('releases have 1.25 kB on average, and any type the size asked for', () => {
    const mean = (options: SampleOptions): number =>
      [...generateSample(options)].reduce((sum, body) => sum + body.length, 0) / options.count;
    expect(mean({ type: 'releases', count: 2000 }) / 1250).toBeCloseTo(1, 1);
    for (const type of recordTypes) expect(mean({ type, count: 2000, targetBytes: 3000 }) / 3000).toBeCloseTo(1, 1);
  });

  it('the types are of one piece: within a world of its size, every stub is filled', () => {
    const world = { artists: 300, labels: 60, masters: 200 };
    const bodies = {
      artists: [...generateSample({ type: 'artists', count: 300, world })],
      labels: [...generateSample({ type: 'labels', count: 60, world })],
      masters: [...generateSample({ type: 'masters', count: 200, world })],
      releases: [...generateSample({ type: 'releases', count: 400, world })],
    };
    const expected = expectedGraph(bodies);
    expect(expected.nodes).toMatchObject({ Artist: 300, Label: 60, Master: 200, Release: 400 });
    expect(expected.relationships).toMatchObject({ BY: expect.any(Number), MEMBER_OF: expect.any(Number) });
    expect(Object.keys(expected.relationships)).toHaveLength(8);
    expect(countGraph(bodies)).toEqual(expected);
  });

  it('a group and its members tell the same memberships', () => {
    const asserted = (owner: 'from' | 'to'): Set<string> => {
      const found = new Set<string>();
      for (const body of generateSample({ type: 'artists', count: 200, world: { artists: 200 } })) {
        const decoded = graphModels.artists.decode(body, {});
        if (decoded.is !== 'record') continue;
        for (const edge of graphModels.artists.edges) {
          if (edge.type === 'MEMBER_OF' && edge.owner === owner) {
            for (const row of edge.rows(decoded.record)) found.add(`${row.from}>${row.to}`);
          }
        }
      }
      return found;
    };
    expect(asserted('to').size).toBeGreaterThan(20);
    expect(asserted('from')).toEqual(asserted('to'));
  });
});

describe('the expected graph', () => {
  const body = (record: object): Buffer => Buffer.from(JSON.stringify(record));

  it('a later version takes its relationships back, but neither nodes, shared ones nor what another end asserts', () => {
    const graph = createExpectedGraph();
    graph.add('artists', body({ id: '1', members: [{ id: '2' }, { id: '3' }] }));
    graph.add('artists', body({ id: '2', groups: [{ id: '1' }] }));
    graph.add('masters', body({ id: '9', genres: ['Rock'], styles: ['Punk'] }));
    expect(graph.counts().relationships).toEqual({ MEMBER_OF: 2, IS: 2, PART_OF: 1 });
    graph.add('artists', body({ id: '1', members: [] }));
    graph.add('masters', body({ id: '9', genres: ['Pop'] }));
    expect(graph.counts()).toEqual({
      nodes: { Artist: 3, Master: 1, Genre: 2, Style: 1 },
      relationships: { MEMBER_OF: 1, IS: 1, PART_OF: 1 },
      totalNodes: 7,
      totalRelationships: 3,
    });
  });

  it('signals are passed over', () => {
    expect(expectedGraph({ artists: [body({ type: 'file_complete', data_type: 'artists' })] }).totalNodes).toBe(0);
  });
});
