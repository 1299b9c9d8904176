import type { GraphModel } from '@inator/runtime';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createGraphSink, type Neo4j } from '../src/index.ts';
import { bandModel, labelList, labelsOf } from './support/bands.ts';
import { connect, drop, never, query, unique } from './support/server.ts';

let neo4j: Neo4j;
const used: string[] = [];

const fresh = () => {
  const labels = labelsOf(unique());
  used.push(...labelList(labels));
  return labels;
};

beforeAll(() => {
  neo4j = connect();
});

afterAll(async () => {
  await drop(neo4j, used);
  await neo4j.close();
});

const constraintsOn = (label: string) =>
  query(
    neo4j,
    'SHOW CONSTRAINTS YIELD labelsOrTypes, properties WHERE labelsOrTypes = [$label] RETURN properties[0] AS key',
    { label },
  );

describe('opening', () => {
  it('makes a uniqueness constraint for every label of the model, and finds them the second time', async () => {
    const labels = fresh();
    const sink = createGraphSink(neo4j, bandModel(labels));
    await sink.open(never);
    await sink.open(never);
    expect(await constraintsOn(labels.band)).toEqual([{ key: 'id' }]);
    expect(await constraintsOn(labels.place)).toEqual([{ key: 'id' }]);
    expect(await constraintsOn(labels.genre)).toEqual([{ key: 'name' }]);
    expect(await constraintsOn(labels.style)).toEqual([{ key: 'name' }]);
  });

  it('six at once all succeed', async () => {
    const labels = fresh();
    await Promise.all(Array.from({ length: 6 }, () => createGraphSink(neo4j, bandModel(labels)).open(never)));
    for (const label of labelList(labels)) expect(await constraintsOn(label)).toHaveLength(1);
  });

  const tagged = (suffix: string, labels: readonly (readonly [label: string, key: string])[]): GraphModel<string> => ({
    name: `tags_${suffix}`,
    decode() {
      throw new Error('the sink does not decode');
    },
    nodes: labels.map(([label, key], i) => ({
      label,
      key,
      primary: i === 0,
      rows: (id) => [{ key: id, properties: {} }],
    })),
    edges: [],
  });

  it.each<readonly [string, (suffix: string) => readonly (readonly [label: string, key: string])[]]>([
    [
      'differ by case only',
      (x) => [
        [`Tag_${x}`, 'id'],
        [`TAG_${x}`, 'id'],
        [`tag_${x}`, 'id'],
      ],
    ],
    [
      'come to one name with their keys',
      (x) => [
        [`A_${x}`, 'b_c'],
        [`A_${x}_b`, 'c'],
      ],
    ],
  ])('labels that %s each have their constraint, and find it the second time', async (_, labelsFor) => {
    const suffix = unique();
    const labels = labelsFor(suffix);
    used.push(...labels.map(([label]) => label));
    const open = () => createGraphSink(neo4j, tagged(suffix, labels)).open(never);
    await Promise.all([open(), open(), open()]);
    await open();
    for (const [label, key] of labels) expect([label, await constraintsOn(label)]).toEqual([label, [{ key }]]);
  });

  it.each(['CONSTRAINT', 'INDEX'])('a name that another %s has is not needed', async (kind) => {
    const labels = fresh();
    const other = `Other_${unique()}`;
    used.push(other);
    const taken = `${labels.band}_id_unique`.toLowerCase();
    await query(
      neo4j,
      kind === 'INDEX'
        ? `CREATE INDEX ${taken} FOR (n:${other}) ON (n.id)`
        : `CREATE CONSTRAINT ${taken} FOR (n:${other}) REQUIRE n.id IS UNIQUE`,
    );
    await createGraphSink(neo4j, bandModel(labels)).open(never);
    expect(await constraintsOn(labels.band)).toEqual([{ key: 'id' }]);
  });

  it('refuses while two nodes share a key, saying which and how to find them; opens when they are gone', async () => {
    const labels = fresh();
    await query(neo4j, `CREATE (:${labels.place} {id: 'x'}), (:${labels.place} {id: 'x'})`);
    const sink = createGraphSink(neo4j, bandModel(labels));
    await expect(sink.open(never)).rejects.toMatchObject({
      is: 'misconfigured',
      fault: {
        code: 'store-misconfigured',
        blame: 'operator',
        reason: expect.stringContaining(`${labels.place}.id unique`),
      },
    });
    await query(neo4j, `MATCH (n:${labels.place}) WITH n LIMIT 1 DELETE n`);
    await sink.open(never);
  });

  it('refuses while a plain index stands where a constraint must be', async () => {
    const labels = fresh();
    await query(neo4j, `CREATE INDEX FOR (n:${labels.band}) ON (n.id)`);
    const sink = createGraphSink(neo4j, bandModel(labels));
    await expect(sink.open(never)).rejects.toMatchObject({
      is: 'misconfigured',
      fault: { reason: expect.stringContaining('plain index') },
    });
  });
});
