import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { readerOf } from './support.ts';

const shop = `name: shop
types:
  orders:
    key: id
    version: meta.rev
    hash: meta.hash
    table:
      columns:
        title: text
        amount: { type: numeric, path: price.amount, required: true }
        pieces: bigint
        paid: boolean
        at: timestamptz
        day: date
        stamp: { type: timestamptz, epoch: milliseconds }
        local: { type: timestamptz, zone: "+02:00" }
        extra: jsonb
    graph:
      label: Order
      properties: { title: text, tags: { type: text, path: "tags[]" } }
      edges:
        - type: HAS
          to: { label: Product, key: "items[].sku", as: sku, properties: { name: { type: text, path: "items[].name" } } }
          properties: { n: { type: bigint, path: "items[].n" } }
        - type: BY
          to: { label: Customer, key: [customer.country, customer.no] }
`;
const read = readerOf(shop);
const order = (more: object): string => JSON.stringify({ id: 'o1', price: { amount: 1 }, ...more });

function cellsOf(body: string): readonly unknown[] {
  const message = read(body);
  if (message.is !== 'record') throw new Error(JSON.stringify(message));
  return message.cells.map((cell) => (cell instanceof Uint8Array ? Buffer.from(cell).toString() : cell));
}
function codeOf(body: string): string {
  const message = read(body);
  return message.is === 'refused' ? `${message.fault.code}: ${message.fault.reason}` : message.is;
}

describe('columns', () => {
  it('hold every value exactly', () => {
    const body = `{"id":"o1","title":"Ärger 😀","price":{"amount":0.10000000000000000000000000000000001},"pieces":9223372036854775807,
      "paid":true,"at":"2024-02-29T23:59:59.123456+01:00","day":"2024-02-29","stamp":1700000000123,"local":"2024-01-01 12:00",
      "extra":{"b": [1.0, "x"]}}`;
    expect(cellsOf(body)).toEqual([
      'Ärger 😀',
      '0.10000000000000000000000000000000001',
      9223372036854775807n,
      true,
      1709247599123456n,
      19782,
      1700000000123000n,
      1704103200000000n,
      '{"b": [1.0, "x"]}',
    ]);
  });

  it('are null where the record has nothing, and for all but text where it has an empty text', () => {
    expect(cellsOf(order({ title: '', pieces: '', paid: '', at: '', day: null, stamp: '', local: null }))).toEqual([
      '',
      '1',
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ]);
  });

  it('take the texts of CSV for what they are', () => {
    expect(cellsOf(order({ price: { amount: '007.50' }, pieces: '-12', paid: 'TRUE', stamp: '1.5' }))).toEqual([
      null,
      '7.50',
      -12n,
      true,
      null,
      null,
      1500n,
      null,
      null,
    ]);
  });

  it('of type text take any scalar as it is written', () => {
    expect(cellsOf('{"id":"o1","price":{"amount":1},"title":1.50}')[0]).toBe('1.50');
    expect(cellsOf('{"id":"o1","price":{"amount":1},"title":false}')[0]).toBe('false');
  });

  it.each([
    [order({ price: {} }), 'value-refused: column amount (price.amount): there is no value, and it is required'],
    [
      order({ price: 'free' }),
      'value-refused: column amount (price.amount): a text stands where an object is expected',
    ],
    [
      order({ price: { amount: 'free' } }),
      'value-refused: column amount (price.amount): the text is not a number; numeric is expected',
    ],
    [order({ title: {} }), 'value-refused: column title (title): an object stands where text is expected'],
    [order({ pieces: 1.5 }), 'value-refused: column pieces (pieces): the number is not an integer; bigint is expected'],
    [
      '{"id":"1","price":{"amount":1},"pieces":9223372036854775808}',
      'number-out-of-range: column pieces (pieces): the integer does not fit into 64 bits',
    ],
    [
      order({ price: { amount: '1e200000' } }),
      'number-out-of-range: column amount (price.amount): the number does not fit into numeric',
    ],
    [order({ paid: 1 }), 'value-refused: column paid (paid): a number stands where boolean is expected'],
    [
      order({ at: '2024-01-01T00:00:00' }),
      'value-refused: column at (at): the time does not say how far it is from UTC; `zone` would say what to assume',
    ],
    [
      order({ at: '2023-02-29T00:00:00Z' }),
      'value-refused: column at (at): the text is not a time such as 2024-05-31T12:00:00Z',
    ],
    [
      order({ at: 1700000000 }),
      'value-refused: column at (at): a number stands where a time is expected; `epoch` would say in which unit',
    ],
    [order({ day: '2024-13-01' }), 'value-refused: column day (day): the text is not a date such as 2024-05-31'],
  ])('%s is refused, saying where', (body, says) => expect(codeOf(body)).toBe(says));

  it('never quote the payload in a reason', () => {
    expect(codeOf(order({ price: { amount: 'secret-4711' } }))).not.toContain('4711');
  });
});

describe('key, hash and version', () => {
  it.each([
    ['{"price":{"amount":1}}', 'key-missing: the record has no id'],
    [order({ id: null }), 'key-missing: the record has no id'],
    [order({ id: '' }), 'key-missing: the record has no id'],
    [order({ id: ' ' }), 'key-invalid: id is only white space'],
    [order({ id: {} }), 'key-invalid: id is a JSON object; text or an integer is expected'],
    [
      order({ id: 1.5 }),
      'key-invalid: id is a number that is not an integer of up to 255 digits; text or an integer is expected',
    ],
    [order({ id: 'x'.repeat(256) }), 'key-too-long: the key is longer than 255 characters'],
    [order({ meta: { hash: 5 } }), 'hash-invalid: meta.hash: it is not a text of 1 to 255 characters'],
    ['[1]', 'record-not-object: the body is JSON, but not an object'],
    ['{"id":"1"', 'json-invalid: the body ends at byte 9 where a comma or closing brace should stand'],
    [
      `{"id":"1","x":${'['.repeat(101)}${']'.repeat(101)}}`,
      'record-too-deep: the body nests deeper than 100 at byte 113',
    ],
  ])('%s is refused', (body, says) => expect(codeOf(body)).toBe(says));

  it('are what the paths say', () => {
    expect(read(order({ id: 42, meta: { rev: 7, hash: 'h' } }))).toMatchObject({
      is: 'record',
      key: '42',
      hash: 'h',
      seq: '7',
    });
  });

  it('the hash is that of the bytes where none is declared, and the version absent', () => {
    const body = order({});
    const message = read(body);
    expect(message).toMatchObject({ is: 'record', hash: createHash('sha256').update(body).digest('hex') });
    expect(message).not.toHaveProperty('seq');
  });

  it('takes the version from SEQ_FIELD where the model has no path for it', () => {
    const plain = readerOf('name: a\ntypes: { t: { key: id, table: } }', { seqField: 'rev' });
    expect(plain('{"id":"1","rev":5}')).toMatchObject({ is: 'record', key: '1', seq: '5' });
  });

  it('of several paths are one text from which the parts can be told', () => {
    const pair = readerOf('name: a\ntypes: { t: { key: [a, b.c], table: } }');
    const keyOf = (a: unknown, c: unknown): unknown => pair(JSON.stringify({ a, b: { c } }));
    expect(keyOf('x/y', 'z')).toMatchObject({ key: 'x~1y/z' });
    expect(keyOf('x', 'y/z')).toMatchObject({ key: 'x/y~1z' });
    expect(keyOf('~', 3)).toMatchObject({ key: '~0/3' });
    expect(keyOf('x', null)).toMatchObject({
      is: 'refused',
      fault: { code: 'key-missing', reason: 'the record has not all of a, b.c' },
    });
  });

  it('a body without a key may be a signal; one with a key is a record, whatever its type says', () => {
    expect(read('{"type":"file_complete","data_type":"orders","total_processed":3}')).toMatchObject({
      is: 'signal',
      signal: { is: 'file_complete', type: 'orders', total: 3 },
    });
    expect(read(order({ type: 'file_complete' }))).toMatchObject({ is: 'record' });
  });

  it('are the same whether columns are declared or not', () => {
    const flat = readerOf('name: a\ntypes: { t: { key: id, hash: h, table: } }');
    const full = readerOf('name: a\ntypes: { t: { key: id, hash: h, table: { columns: { x: text } } } }');
    for (const body of [
      '{"id":"1"}',
      '{"id":1.0,"h":"q"}',
      '{"id":null}',
      '{"id":[]}',
      '{"h":3,"id":"1"}',
      '{"id":"1","id":"2"}',
      '{',
    ]) {
      expect({ ...full(body), cells: [] }).toEqual({ ...flat(body), cells: [] });
    }
  });
});

describe('the graph', () => {
  const graphOf = (body: string) => {
    const message = read(body);
    if (message.is !== 'record') throw new Error(JSON.stringify(message));
    return message.graph;
  };

  it('has an edge for each element, with the properties beside it', () => {
    const items = [{ sku: 'a', name: 'A', n: 2 }, { sku: 7, n: '3' }, { sku: null, n: 9 }, { sku: ' ' }, {}];
    expect(graphOf(order({ items, tags: ['x', 'y'], customer: { country: 'DE', no: 5 } }))).toEqual({
      key: 'o1',
      properties: { title: null, tags: ['x', 'y'] },
      nodes: [],
      edges: [
        {
          from: [],
          to: [
            { key: 'a', properties: { name: 'A' } },
            { key: '7', properties: { name: null } },
          ],
          rows: [
            { from: 'o1', to: 'a', properties: { n: 2n } },
            { from: 'o1', to: '7', properties: { n: 3n } },
          ],
        },
        { from: [], to: [{ key: 'DE/5', properties: {} }], rows: [{ from: 'o1', to: 'DE/5' }] },
      ],
    });
  });

  it('names nothing where the record has nothing', () => {
    expect(graphOf(order({ items: null }))?.edges.map(({ rows }) => rows)).toEqual([[], []]);
    expect(graphOf(order({ items: [] }))?.edges.map(({ rows }) => rows)).toEqual([[], []]);
  });

  it.each([
    [order({ items: {} }), 'value-refused: edge HAS: an object stands where a list is expected'],
    [
      order({ items: ['a'] }),
      'key-invalid: edge HAS: the key items[].sku of a Product: a text stands where an object is expected',
    ],
    [
      order({ items: [{ sku: [] }] }),
      'key-invalid: edge HAS: the key items[].sku of a Product is a JSON array; text or an integer is expected',
    ],
    [
      order({ items: [{ sku: 'a', n: 'x' }] }),
      'value-refused: edge HAS: property n of HAS (items[].n): the text is not an integer; bigint is expected',
    ],
    [order({ items: [{ sku: 'x'.repeat(256) }] }), 'key-too-long: edge HAS: the key is longer than 255 characters'],
  ])('%s costs the record, in both stores', (body, says) => expect(codeOf(body)).toBe(says));

  it('pairs the ends of an edge that nobody owns element by element', () => {
    const styles = readerOf(`name: a
types:
  t:
    key: id
    graph:
      label: T
      nodes: [{ label: Colour, key: "colours[]" }]
      edges:
        - { type: PART_OF, from: { label: S, key: "rows[].s" }, to: { label: G, key: "rows[].g" } }
        - { type: MADE, from: { label: Maker, key: maker } }
`);
    const message = styles(
      '{"id":"1","rows":[{"s":"a","g":"x"},{"s":"b","g":"y"},{"s":"c"}],"maker":"m","colours":["red"]}',
    );
    expect(message).toMatchObject({
      graph: {
        nodes: [[{ key: 'red', properties: {} }]],
        edges: [
          {
            rows: [
              { from: 'a', to: 'x' },
              { from: 'b', to: 'y' },
            ],
          },
          { rows: [{ from: 'm', to: '1' }] },
        ],
      },
    });
  });
});
