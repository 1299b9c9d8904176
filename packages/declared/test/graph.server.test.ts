/** Declared graphs in Neo4j: properties of relationships, lists, loops, and edges that both ends assert. */
import { randomBytes } from 'node:crypto';
import { createGraphSink, createNeo4j, type Neo4j } from '@inator/neo4j';
import type { GraphModel, Receipt } from '@inator/runtime';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createGraphModels, type GraphValues } from '../src/index.ts';
import { modelOf } from './support.ts';

const never = new AbortController().signal;
const id = randomBytes(5).toString('hex');
const [order, product, person, team] = ['Order', 'Product', 'Person', 'Team'].map((name) => `${name}_${id}`);
const labels = [order, product, person, team];

const models = createGraphModels(
  modelOf(`name: shop
types:
  orders:
    key: id
    graph:
      label: ${order}
      properties: { total: double, big: bigint, exact: numeric, at: timestamptz, tags: { type: text, path: "tags[]" } }
      edges:
        - type: HAS
          to: { label: ${product}, key: "items[].sku", as: sku, properties: { name: { type: text, path: "items[].name" } } }
          properties: { pieces: { type: bigint, path: "items[].n" }, price: { type: numeric, path: "items[].price" } }
        - type: REPLACES
          to: { label: ${order}, key: replaces }
  products:
    key: sku
    graph: { label: ${product}, as: sku, properties: { name: text } }
  people: { key: id, graph: { label: ${person}, edges: [{ type: MEMBER_OF, to: { label: ${team}, key: "teams[]" } }] } }
  teams: { key: id, graph: { label: ${team}, edges: [{ type: MEMBER_OF, from: { label: ${person}, key: "members[]" } }] } }
`),
);

let neo4j: Neo4j;
async function query(text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const transaction = await neo4j.begin();
  try {
    const { rows } = await transaction.run(text, {});
    await transaction.commit();
    return rows;
  } finally {
    await transaction.rollback();
  }
}

beforeAll(() => {
  const { TEST_NEO4J_URI, TEST_NEO4J_USERNAME, TEST_NEO4J_PASSWORD } = process.env;
  if (TEST_NEO4J_URI === undefined) throw new Error('TEST_NEO4J_URI is not set');
  const password = TEST_NEO4J_PASSWORD ?? '';
  neo4j = createNeo4j({ uri: TEST_NEO4J_URI, username: TEST_NEO4J_USERNAME ?? 'neo4j', password: () => password });
});
afterAll(async () => {
  for (const label of labels) {
    await query(`MATCH (n:${label}) DETACH DELETE n`);
    for (const key of ['id', 'sku']) await query(`DROP CONSTRAINT ${`${label}_${key}_unique`.toLowerCase()} IF EXISTS`);
  }
  await neo4j.close();
});

async function write(type: string, ...records: readonly object[]): Promise<Receipt> {
  const model = models.get(type) as GraphModel<GraphValues>;
  const sink = createGraphSink(neo4j, model);
  await sink.open(never);
  const keyed = records.map((record) => {
    const body = Buffer.from(JSON.stringify(record));
    const decoded = model.decode(body, {});
    if (decoded.is !== 'record') throw new Error(JSON.stringify(decoded));
    return { key: decoded.key, hash: decoded.hash, record: decoded.record, seq: undefined, bytes: body.length };
  });
  return sink.write({ model, records: keyed, bytes: 0, sealedBy: 'records' }, never);
}

const has = () =>
  query(
    `MATCH (o:${order})-[e:HAS]->(p:${product}) RETURN o.id AS o, p.sku AS p, e.pieces AS pieces, e.price AS price ORDER BY o, p`,
  );

it('a relationship carries its properties, follows every change of them, and goes when it is asserted no longer', async () => {
  const receipt = await write(
    'orders',
    {
      id: 1,
      items: [
        { sku: 'a', n: 1, price: 0.1 },
        { sku: 'b', n: 2 },
      ],
    },
    {
      id: 2,
      items: [
        { sku: 'a', n: 9, name: 'A' },
        { sku: 'a', n: 10 },
      ],
    },
  );
  expect(receipt.graph).toMatchObject({ relationshipsCreated: 3 });
  expect(await has()).toEqual([
    { o: '1', p: 'a', pieces: 1n, price: '0.1' },
    { o: '1', p: 'b', pieces: 2n, price: null },
    { o: '2', p: 'a', pieces: 10n, price: null },
  ]);

  // One property other, one gone, one edge gone, one new, one as it was.
  await write(
    'orders',
    {
      id: 1,
      items: [
        { sku: 'a', n: 5 },
        { sku: 'c', n: 3, price: '1.50' },
      ],
    },
    { id: 2, items: [{ sku: 'a', n: 10 }], other: true },
  );
  expect(await has()).toEqual([
    { o: '1', p: 'a', pieces: 5n, price: null },
    { o: '1', p: 'c', pieces: 3n, price: '1.50' },
    { o: '2', p: 'a', pieces: 10n, price: null },
  ]);
  expect((await write('orders', { id: 2, items: [{ sku: 'a', n: 10 }], other: true })).counts.unchanged).toBe(1);
});

it('a target is a stub until its own record comes, and keeps its edges then', async () => {
  await write('orders', { id: 10, items: [{ sku: 's', name: 'guess' }] });
  expect(await query(`MATCH (p:${product} {sku: 's'}) RETURN p.name AS name, p.sha256 IS NULL AS stub`)).toEqual([
    { name: 'guess', stub: true },
  ]);
  await write('products', { sku: 's', name: 'Spoon' });
  expect(
    await query(`MATCH (:${order})-[:HAS]->(p:${product} {sku: 's'}) RETURN p.name AS name, p.sha256 IS NULL AS stub`),
  ).toEqual([{ name: 'Spoon', stub: false }]);
});

it('own properties are exact, lists are lists, and what a record lacks is removed', async () => {
  const read = () =>
    query(
      `MATCH (o:${order} {id: '20'}) RETURN o.total AS total, o.big AS big, o.exact AS exact, o.at AS at, o.tags AS tags`,
    );
  await write('orders', {
    id: 20,
    total: 1.25,
    big: '9223372036854775807',
    exact: '0.10',
    at: '2024-01-01T00:00:00.5+01:00',
    tags: ['x', 'y'],
  });
  expect(await read()).toEqual([
    { total: 1.25, big: 9223372036854775807n, exact: '0.10', at: '2023-12-31T23:00:00.500000Z', tags: ['x', 'y'] },
  ]);
  await write('orders', { id: 20, total: 2, tags: [] });
  expect(await read()).toEqual([{ total: 2, big: null, exact: null, at: null, tags: null }]);
});

it('a record may refer to itself', async () => {
  await write('orders', { id: 30, replaces: 30 });
  await write('orders', { id: 30, replaces: 30, more: 1 });
  expect(await query(`MATCH (o:${order} {id: '30'})-[e:REPLACES]->(o) RETURN count(e) AS n`)).toEqual([{ n: 1n }]);
  await write('orders', { id: 30 });
  expect(await query(`MATCH (:${order} {id: '30'})-[e:REPLACES]->() RETURN count(e) AS n`)).toEqual([{ n: 0n }]);
});

it('an edge that both ends assert goes with the last of them', async () => {
  const members = () => query(`MATCH (:${person})-[e:MEMBER_OF]->(:${team}) RETURN count(e) AS n`);
  await write('people', { id: 'p', teams: ['t'] });
  await write('teams', { id: 't', members: ['p'] });
  expect(await members()).toEqual([{ n: 1n }]);
  await write('people', { id: 'p', teams: [] });
  expect(await members()).toEqual([{ n: 1n }]);
  await write('teams', { id: 't', members: [] });
  expect(await members()).toEqual([{ n: 0n }]);
});
