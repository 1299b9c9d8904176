import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createGraphModels, createTableModels } from '../src/index.ts';
import { modelOf } from './support.ts';

const model = modelOf(`name: total
types:
  things:
    key: [a.b, id]
    version: meta.rev
    hash: meta.hash
    table:
      columns:
        text: text
        number: { type: numeric, path: a.n }
        integer: bigint
        flag: boolean
        at: timestamptz
        day: date
        rest: { type: jsonb, path: "list[0]" }
    graph:
      label: Thing
      properties: { text: text, tags: { type: text, path: "list[]" } }
      edges:
        - type: HAS
          to: { label: Part, key: "parts[].id", properties: { name: { type: text, path: "parts[].name" } } }
          properties: { n: { type: bigint, path: "parts[].n" } }
`);
const need = <T>(found: T | undefined): T => {
  if (found === undefined) throw new Error('the model is missing');
  return found;
};
const table = need(createTableModels(model).get('things'));
const graph = need(createGraphModels(model).get('things'));

/** What both models make of a body: never an exception, and the same verdict. */
function verdict(body: Uint8Array): string {
  const [row, node] = [table.decode(body, {}), graph.decode(body, {})];
  expect(node.is).toBe(row.is);
  if (row.is === 'refused' && node.is === 'refused') expect(node.fault).toEqual(row.fault);
  if (row.is === 'record' && node.is === 'record') {
    expect([node.key, node.hash, node.seq]).toEqual([row.key, row.hash, row.seq]);
    expect(() => {
      table.row(row.record);
      for (const step of graph.nodes) step.rows(node.record);
      for (const step of graph.edges) step.rows(node.record);
    }).not.toThrow();
  }
  return row.is;
}

const names = fc.constantFrom(
  'id',
  'a',
  'b',
  'n',
  'meta',
  'rev',
  'hash',
  'text',
  'integer',
  'flag',
  'at',
  'day',
  'list',
  'parts',
  'name',
  'type',
);
const { document } = fc.letrec((tie) => ({
  document: fc.oneof(
    { maxDepth: 4 },
    fc.jsonValue({ maxDepth: 1 }),
    tie('object'),
    fc.array(tie('document'), { maxLength: 3 }),
  ),
  object: fc.dictionary(names, tie('document'), { maxKeys: 8 }),
}));

it('any bytes are read by both models alike, and none makes them throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
      verdict(body);
    }),
    { numRuns: 2_000 },
  );
});

it('any JSON under the names that the model asks for is read by both alike, whole or broken at one byte', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(
      fc.dictionary(names, document, { minKeys: 1, maxKeys: 10 }),
      fc.boolean(),
      fc.nat(),
      fc.integer({ min: 0, max: 255 }),
      (value, keyed, at, byte) => {
        const body = Buffer.from(JSON.stringify(keyed ? { ...value, id: 'k', a: { b: 1, n: 1 } } : value));
        seen.add(verdict(body));
        body[at % body.length] = byte;
        verdict(body);
      },
    ),
    { numRuns: 1_500 },
  );
  expect([...seen].sort()).toEqual(expect.arrayContaining(['record', 'refused']));
});

describe('a time in numbers since 1970', () => {
  const ages = modelOf(`name: ages
types:
  ages:
    key: id
    table: { columns: { s: { type: timestamptz, epoch: seconds }, ms: { type: timestamptz, epoch: milliseconds }, us: { type: timestamptz, epoch: microseconds } } }
    graph: { label: Age, properties: { s: { type: timestamptz, epoch: seconds }, ms: { type: timestamptz, epoch: milliseconds }, us: { type: timestamptz, epoch: microseconds } } }
`);
  const models = [need(createTableModels(ages).get('ages')), need(createGraphModels(ages).get('ages'))] as const;
  const both = (unit: string, number: string): readonly string[] =>
    models.map(({ decode }) => {
      const decoded = decode(Buffer.from(`{"id":1,"${unit}":${number}}`), {});
      return decoded.is === 'refused' ? decoded.fault.code : decoded.is;
    });

  it.each([
    ['s', '-210866803200', 'record'],
    ['s', '-210866803200.0000009', 'record'],
    ['s', '-210866803200.000001', 'number-out-of-range'],
    ['s', '-210866803201', 'number-out-of-range'],
    ['ms', '-210866803200000', 'record'],
    ['ms', '-210866803200001', 'number-out-of-range'],
    ['us', '-210866803200000000', 'record'],
    ['us', '-210866803200000001', 'number-out-of-range'],
    ['us', '-8640000000000000000', 'number-out-of-range'],
    ['us', '8640000000000000000', 'record'],
    ['us', '8640000000000000001', 'number-out-of-range'],
    ['s', '-0', 'record'],
  ])('%s: %s is to both services a %s', (unit, number, is) => expect(both(unit, number)).toEqual([is, is]));
});
