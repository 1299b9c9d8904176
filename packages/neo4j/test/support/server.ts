/** The Neo4j under test, and what tests do to it beside the sink. */
import { randomBytes } from 'node:crypto';
import { createNeo4j, type Neo4j, type Neo4jSettings } from '../../src/index.ts';

export const never = new AbortController().signal;

export function settings(more: Partial<Neo4jSettings> = {}): Neo4jSettings {
  const { TEST_NEO4J_URI, TEST_NEO4J_USERNAME, TEST_NEO4J_PASSWORD } = process.env;
  if (TEST_NEO4J_URI === undefined) throw new Error('TEST_NEO4J_URI is not set');
  return {
    uri: TEST_NEO4J_URI,
    ...(TEST_NEO4J_PASSWORD === undefined
      ? {}
      : { username: TEST_NEO4J_USERNAME ?? 'neo4j', password: () => TEST_NEO4J_PASSWORD }),
    ...more,
  };
}

export function connect(more: Partial<Neo4jSettings> = {}): Neo4j {
  return createNeo4j(settings(more));
}

/** Distinct in every test: one server has one database. */
export function unique(): string {
  return randomBytes(5).toString('hex');
}

export async function query(
  neo4j: Neo4j,
  text: string,
  parameters: Readonly<Record<string, unknown>> = {},
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const transaction = await neo4j.begin();
  try {
    const { rows } = await transaction.run(text, parameters);
    await transaction.commit();
    return rows;
  } finally {
    await transaction.rollback();
  }
}

/** Takes the nodes of these labels and the constraints on them away again. */
export async function drop(neo4j: Neo4j, labels: readonly string[]): Promise<void> {
  for (const label of labels) {
    await query(neo4j, `MATCH (n:\`${label}\`) DETACH DELETE n`);
    const constraints = await query(
      neo4j,
      'SHOW CONSTRAINTS YIELD name, labelsOrTypes WHERE labelsOrTypes = [$label] RETURN name',
      { label },
    );
    for (const { name } of constraints) await query(neo4j, `DROP CONSTRAINT \`${String(name)}\` IF EXISTS`);
    const indexes = await query(
      neo4j,
      'SHOW INDEXES YIELD name, labelsOrTypes WHERE labelsOrTypes = [$label] RETURN name',
      { label },
    );
    for (const { name } of indexes) await query(neo4j, `DROP INDEX \`${String(name)}\` IF EXISTS`);
  }
}
