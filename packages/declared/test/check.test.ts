import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { faultsOf, modelOf } from './support.ts';

const good = `name: shop
types:
  orders:
    key: id
    table:
`;

describe('a model file', () => {
  it('may be as short as a name, a key and an empty table', () => {
    expect(modelOf(good).kinds[0]?.table).toEqual({
      name: 'orders',
      columns: [],
      indexes: [
        { name: 'idx_orders_hash', columns: ['hash'] },
        { name: 'idx_orders_gin', columns: ['data'], method: 'gin', operatorClass: 'jsonb_path_ops' },
      ],
    });
  });

  it('may be JSON, indented with tabs', () => {
    const text = JSON.stringify({ name: 'shop', types: { orders: { key: ['a', 'b'], table: {} } } }, null, '\t');
    expect(modelOf(text).kinds.map(({ name }) => name)).toEqual(['orders']);
    expect(faultsOf(text.replace('"key"', '"kye"'))).toEqual([
      '4:13: `orders` has no `key`',
      '5:4: unknown key `kye`, did you mean `key`?',
    ]);
  });

  it('is told all its faults at once, each with its place and the nearest name', () => {
    const text = `name: Shop
types:
  orders:
    keys: id
    table:
      colums:
        price: numeric
      columns:
        amount: nummeric
        Price: text
        at: { type: timestamptz, path: a..b, requird: true }
        ok: 5
      gin: maybe
  Bad-Name:
    key: [a]
    graph: { lable: Order }
`;
    expect(faultsOf(text)).toEqual([
      '1:7: `name` is "Shop"; lower-case letters, digits, _ and -, at most 40, beginning with a letter is expected',
      '4:5: unknown key `keys`, did you mean `key`?',
      '4:5: `orders` has no `key`',
      '6:7: unknown key `colums`, did you mean `columns`?',
      '9:17: `amount` is "nummeric", did you mean `numeric`?',
      '10:9: "Price" is no name of a column: lower-case letters, digits and _, at most 63, beginning with a letter or _',
      '11:40: the path "a..b" names nothing before character 3',
      '11:46: unknown key `requird`, did you mean `required`?',
      '12:13: `ok` is a number; one of text, bigint, numeric, boolean, timestamptz, date, jsonb, or a mapping of names to values is expected',
      '13:12: `gin` is a text; true or false is expected',
      '14:3: "Bad-Name" is no name of a type: lower-case letters, digits and _, at most 40, beginning with a letter',
      '15:10: `key` has 1 elements; a list of 2 or more is expected',
      '16:12: `graph` has no `label`',
      '16:14: unknown key `lable`, did you mean `label`?',
    ]);
  });

  it.each([
    ['', '1:1'],
    ['name: a\nname: b\ntypes: {}', '2:1'],
    ['name: "a', '1:9'],
    ['{"name": }', '1:1'],
    ['a: *nobody', '1:4'],
  ])('%j is a fault with a place, not a crash', (text, place) => {
    const faults = faultsOf(text);
    expect(faults.length).toBeGreaterThan(0);
    expect(faults[0]).toContain(place);
  });

  it('is not unfolded when its aliases refer to too much', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 10; i += 1)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    expect(faultsOf(lines.join('\n'))).toEqual(['1:1: the aliases of the file refer to too much']);
  });
});

const inTable = (lines: string): string => `${good}      ${lines.trim()}\n`;
const withGraph = (lines: string): string => `name: shop
types:
  orders:
    key: id
    graph:
      label: Order
${lines}`;

describe('what contradicts itself', () => {
  it.each([
    ['a type without table and graph', 'name: a\ntypes: { t: { key: id } }', 'has neither `table` nor `graph`'],
    [
      'a key of many values',
      good.replace('key: id', 'key: "items[].id"'),
      '"items[].id" leads to many values; `key` is one',
    ],
    ['a column of many values', inTable('columns: { sku: { type: text, path: "items[].sku" } }'), 'a column holds one'],
    ['a column that every table has', inTable('columns: { hash: text }'), 'every table has a column `hash` already'],
    ['a system column', inTable('columns: { xmin: text }'), 'system column'],
    [
      'a zone on a text',
      inTable('columns: { a: { type: text, zone: Z } }'),
      '`zone` is for timestamptz, and `a` is text',
    ],
    [
      'an index on no column',
      inTable('columns: { price: text }\n      indexes: [[prise]]'),
      'no column `prise`, did you mean `price`?',
    ],
    ['an index on jsonb', inTable('columns: { a: { type: jsonb, index: true } }'), 'no order to index'],
    [
      'two indexes of one name',
      inTable('columns: { gin: { type: text, index: true } }'),
      'would be called `idx_orders_gin`',
    ],
    ['a name that PostgreSQL would cut', inTable(`name: ${'t'.repeat(60)}`), 'longer than 63 characters'],
    [
      'two types in one table',
      `${good}  others: { key: id, table: { name: orders } }\n`,
      'would be called `orders`, as is the table of type `orders`',
    ],
    ['an edge without an end', withGraph('      edges: [{ type: HAS }]'), 'needs `from` or `to`'],
    [
      'properties through another list',
      withGraph(
        '      edges: [{ type: HAS, to: { label: P, key: "a[].id", properties: { n: { type: text, path: "b[].n" } } } }]',
      ),
      'another list than the key does',
    ],
    [
      'ends in two lists',
      withGraph('      edges: [{ type: HAS, from: { label: P, key: "a[]" }, to: { label: Q, key: "b[]" } }]'),
      'two different lists',
    ],
    [
      'a list of numbers as a property',
      withGraph('      properties: { n: { type: bigint, path: "a[]" } }'),
      'only texts make a list',
    ],
    ['a property of ours', withGraph('      properties: { sha256: text }'), 'keeps its books'],
    ['a property that is the key', withGraph('      properties: { id: text }'), 'holds the key already'],
    [
      'two key properties of a label',
      withGraph('      as: no\n      edges: [{ type: HAS, to: { label: Order, key: parent, as: id } }]'),
      'in `no` elsewhere, here in `id`',
    ],
    [
      'two types with one label',
      `${withGraph('')}  more: { key: id, graph: { label: Order } }\n`,
      'overwrite each other',
    ],
    [
      'properties on an edge of nobody',
      withGraph(
        '      edges: [{ type: X, from: { label: A, key: a }, to: { label: B, key: b }, properties: { n: text } }]',
      ),
      'belongs to no one record',
    ],
    [
      'edges of one type with other properties',
      withGraph(
        '      edges: [{ type: X, to: { label: A, key: a }, properties: { n: text } }, { type: X, to: { label: A, key: b } }]',
      ),
      'other properties than before',
    ],
  ])('%s', (_, text, says) => {
    const faults = faultsOf(text);
    expect(faults.join('\n')).toContain(says);
  });

  it('knows an edge that both ends assert by itself', () => {
    const model = modelOf(`name: org
types:
  people: { key: id, graph: { label: Person, edges: [{ type: MEMBER_OF, to: { label: Team, key: "teams[]" } }] } }
  teams: { key: id, graph: { label: Team, edges: [{ type: MEMBER_OF, from: { label: Person, key: "members[]" } }] } }
`);
    expect(model.kinds.map(({ graph }) => graph?.edges[0]?.twoSided)).toEqual([true, true]);
  });
});

it('the file in the guide is good', () => {
  const guide = readFileSync(new URL('../../../docs/guides/your-own-model.md', import.meta.url), 'utf8');
  const text = /```yaml\n([\s\S]*?)```/.exec(guide)?.[1] ?? '';
  expect(
    modelOf(text).kinds.map(({ name, table, graph }) => [name, table?.columns.length, graph?.edges.length]),
  ).toEqual([['orders', 4, 2]]);
});
