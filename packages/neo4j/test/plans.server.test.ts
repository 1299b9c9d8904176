import { afterAll, beforeAll, expect, it } from '@jest/globals';
import neo4jDriver, { type Driver, type Plan } from 'neo4j-driver';
import { createGraphSink, type Neo4j } from '../src/index.ts';
import { bandModel, labelList, labelsOf } from './support/bands.ts';
import { connect, drop, never, unique } from './support/server.ts';

let neo4j: Neo4j;
let driver: Driver;
const labels = labelsOf(unique());

beforeAll(() => {
  neo4j = connect();
  const { TEST_NEO4J_URI = '', TEST_NEO4J_USERNAME = '', TEST_NEO4J_PASSWORD = '' } = process.env;
  driver = neo4jDriver.driver(TEST_NEO4J_URI, neo4jDriver.auth.basic(TEST_NEO4J_USERNAME, TEST_NEO4J_PASSWORD));
});

afterAll(async () => {
  await drop(neo4j, labelList(labels));
  await neo4j.close();
  await driver.close();
});

const operators = ({ operatorType, children }: Plan): readonly string[] => [
  operatorType.replace(/@.*/, ''),
  ...children.flatMap(operators),
];

// The plans made now, on labels without a node, are kept for good: one that reads whole labels would never be replaced.
it('every statement is planned on opening, and finds nodes by their constrained keys even on an empty graph', async () => {
  const texts: string[] = [];
  const recording: Neo4j = {
    ...neo4j,
    async begin(options) {
      const transaction = await neo4j.begin(options);
      return {
        ...transaction,
        run(text, parameters) {
          if (text.startsWith('CYPHER replan=skip')) texts.push(text);
          return transaction.run(text, parameters);
        },
      };
    },
  };
  await createGraphSink(recording, bandModel(labels)).open(never);
  expect(texts.length).toBeGreaterThanOrEqual(4);
  for (const text of texts) {
    const session = driver.session();
    const { summary } = await session.run(`EXPLAIN ${text}`, { p: {} });
    await session.close();
    const used = operators(summary.plan as Plan);
    expect(used.filter((operator) => /NodeUniqueIndexSeek/.test(operator)).length).toBeGreaterThan(0);
    expect(used.filter((operator) => /Scan|CartesianProduct|HashJoin/.test(operator))).toEqual([]);
  }
});
