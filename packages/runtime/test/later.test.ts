import { describe, expect, test } from '@jest/globals';
import { takingLater } from '../src/index.ts';

describe('a record read later', () => {
  test('is read once for the steps that are asked one after the other, and not before', () => {
    const read: string[] = [];
    const recordOf = (id: string) => () => {
      read.push(id);
      return { id };
    };
    const { nodes } = takingLater<{ readonly id: string }>({
      nodes: ['A', 'B'].map((label) => ({ label, key: 'id', rows: ({ id }) => [{ key: id, properties: {} }] })),
      edges: [],
    });
    const records = [recordOf('1'), recordOf('2')];
    expect(read).toEqual([]);
    const rows = records.map((record) => nodes.flatMap((step) => step.rows(record)));
    expect(rows.map((each) => each.map(({ key }) => key))).toEqual([
      ['1', '1'],
      ['2', '2'],
    ]);
    expect(read).toEqual(['1', '2']);
  });

  test('throws whenever it is asked for, when it cannot be read', () => {
    const { nodes } = takingLater<{ readonly id: string }>({
      nodes: [{ label: 'A', key: 'id', rows: ({ id }) => [{ key: id, properties: {} }] }],
      edges: [],
    });
    const record = (): { readonly id: string } => {
      throw new RangeError('no');
    };
    expect(() => nodes[0]?.rows(record)).toThrow('no');
    expect(() => nodes[0]?.rows(record)).toThrow('no');
  });

  test('gives the steps of a graph model what they would have had', () => {
    const steps = takingLater<{ readonly id: string; readonly of: string }>({
      nodes: [{ label: 'A', key: 'id', primary: true, rows: ({ id }) => [{ key: id, properties: {} }] }],
      edges: [
        {
          type: 'OF',
          from: { label: 'A', key: 'id' },
          to: { label: 'B', key: 'id' },
          owner: 'from',
          rows: ({ id, of }) => [{ from: id, to: of }],
        },
      ],
    });
    const record = () => ({ id: '1', of: '2' });
    expect(steps.nodes[0]).toMatchObject({ label: 'A', key: 'id', primary: true });
    expect(steps.nodes[0]?.rows(record)).toEqual([{ key: '1', properties: {} }]);
    expect(steps.edges[0]).toMatchObject({ type: 'OF', owner: 'from' });
    expect(steps.edges[0]?.rows(record)).toEqual([{ from: '1', to: '2' }]);
  });
});
