import { describe, expect, test } from '@jest/globals';
import { later, takingLater } from '../src/index.ts';

describe('a record read later', () => {
  test('is read once, and not before it is asked for', () => {
    let times = 0;
    const record = later(() => {
      times += 1;
      return undefined;
    });
    expect(times).toBe(0);
    expect([record(), record()]).toEqual([undefined, undefined]);
    expect(times).toBe(1);
  });

  test('throws whenever it is asked for, when it cannot be read', () => {
    const record = later(() => {
      throw new RangeError('no');
    });
    expect(record).toThrow('no');
    expect(record).toThrow('no');
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
    const record = later(() => ({ id: '1', of: '2' }));
    expect(steps.nodes[0]).toMatchObject({ label: 'A', key: 'id', primary: true });
    expect(steps.nodes[0]?.rows(record)).toEqual([{ key: '1', properties: {} }]);
    expect(steps.edges[0]).toMatchObject({ type: 'OF', owner: 'from' });
    expect(steps.edges[0]?.rows(record)).toEqual([{ from: '1', to: '2' }]);
  });
});
