import type { EdgeStep, GraphModel, Keyed } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { driverTarget } from '../src/settings.ts';
import { shapeOf } from '../src/shape.ts';
import { lockStatement, pruneStatement, readStatement, writeStatement } from '../src/statements.ts';
import { judge, reduce, type Stored } from '../src/version.ts';
import { type Band, band, bandModel, keyed, labelsOf } from './support/bands.ts';

const model = bandModel(labelsOf('x'));
const a = { label: 'A', key: 'id' };
const edge = (more: Partial<EdgeStep<Band>>): EdgeStep<Band> => ({
  type: 'T',
  from: a,
  to: a,
  owner: 'from',
  rows: () => [],
  ...more,
});
const withEdges = (...edges: readonly EdgeStep<Band>[]): GraphModel<Band> => ({
  ...model,
  nodes: [{ ...a, primary: true, rows: () => [] }],
  edges,
});

describe('a model that contradicts itself is refused, naming where', () => {
  it.each<[string, GraphModel<Band>, RegExp]>([
    ['no primary step', { ...model, nodes: [] }, /exactly one/],
    ['two primary steps', { ...model, nodes: [...model.nodes, ...model.nodes] }, /exactly one/],
    ['two keys of a label', withEdges(edge({ to: { label: 'A', key: 'name' } })), /two key properties/],
    ['an owner that is another label', withEdges(edge({ from: { label: 'B', key: 'id' } })), /must be A/],
    ['shared and two-sided', withEdges(edge({ owner: 'shared', twoSided: true })), /both shared and two-sided/],
    ['shared and owned', withEdges(edge({}), edge({ owner: 'shared' })), /shared in one step and owned/],
    ['both ends, not two-sided', withEdges(edge({}), edge({ owner: 'to' })), /both its steps must be two-sided/],
    ['two-sided in one step only', withEdges(edge({}), edge({ twoSided: true })), /two-sided in one step/],
    ['an empty type', withEdges(edge({ type: '' })), /type is empty/],
  ])('%s', (_, wrong, says) => {
    expect(() => shapeOf(wrong)).toThrow(says);
  });
});

describe('the statements', () => {
  it('quote labels, types and keys, so that none can end its quotes', () => {
    const hostile = { label: 'A`) DETACH DELETE n //', key: 'id`' };
    const shape = shapeOf({
      ...withEdges(edge({ from: hostile, to: hostile, type: 'T`]' })),
      nodes: [{ ...hostile, primary: true, rows: () => [] }],
    });
    const [group] = shape.owned;
    if (group === undefined) throw new Error('no group');
    for (const text of [
      readStatement(shape),
      lockStatement(shape),
      writeStatement(shape, [['x`']]),
      pruneStatement(shape, group),
    ]) {
      expect(text).toContain('`A``) DETACH DELETE n //`');
      expect(text.replaceAll('``', '')).not.toContain('A`)');
    }
  });

  it('take every parameter from the one map, so that list sizes do not multiply plans', () => {
    const shape = shapeOf(model);
    const texts = [
      readStatement(shape),
      lockStatement(shape),
      writeStatement(
        shape,
        shape.labels.map(() => ['name']),
      ),
    ];
    for (const text of [...texts, ...shape.owned.map((group) => pruneStatement(shape, group))]) {
      expect(text.match(/\$(?!p\.)\w*/g)).toBeNull();
    }
  });
});

describe('versions', () => {
  const anyVersion = fc.record({ hash: fc.constantFrom('a', 'b', 'c'), seq: fc.bigInt({ min: 0n, max: 4n }) });

  it('versioned records end at the greatest version and hash, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.array(anyVersion, { minLength: 1 }), (arrivals) => {
        let stored: Stored | undefined;
        for (const next of arrivals) {
          const verdict = judge(stored, next);
          if (verdict === 'create' || verdict === 'update') stored = next;
          if (verdict === 'advance') stored = { hash: next.hash, seq: next.seq };
        }
        const rank = ({ seq, hash }: { seq: bigint; hash: string }): string => `${seq}${hash}`;
        expect(stored).toEqual([...arrivals].sort((x, y) => (rank(x) < rank(y) ? -1 : 1)).at(-1));
      }),
    );
  });

  it('a batch is reduced to one candidate a key, sorted, the last of the latest', () => {
    const records: Keyed<Band>[] = [
      keyed(band('b'), 'h1'),
      keyed(band('a'), 'h5', 5n),
      keyed(band('a'), 'h4', 4n),
      keyed(band('b'), 'h2'),
      keyed(band('a'), 'h0'),
    ];
    expect(reduce(records).map(({ key, hash, at }) => [key, hash, at])).toEqual([
      ['a', 'h5', 1],
      ['b', 'h2', 3],
    ]);
  });
});

describe('settings', () => {
  it.each([
    ['http://localhost:7474', /must begin with bolt/],
    ['localhost', /must begin with bolt/],
    ['bolt+ssc://localhost', /checks no certificate/],
  ])('%s is refused', (uri, says) => {
    expect(() => driverTarget({ uri })).toThrow(says);
  });

  it('an own CA file is trusted instead of the system, and turns TLS on', () => {
    const { uri, config } = driverTarget({ uri: 'neo4j+s://db:7687', caFile: '/ca.pem' });
    expect(uri).toBe('neo4j://db:7687');
    expect(config).toMatchObject({
      encrypted: 'ENCRYPTION_ON',
      trust: 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES',
      trustedCertificates: ['/ca.pem'],
    });
  });
});
