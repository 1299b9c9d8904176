/** The two stores, read only: what they are and how much they hold. */
import { readFileSync } from 'node:fs';
import { createNeo4j, type Neo4j } from '@inator/neo4j';
import { createPostgres, type Postgres, qualified } from '@inator/postgres';
import type { Environment } from '../io.ts';
import { neo4jTarget, postgresTarget } from './settings.ts';

export interface TableStore {
  readonly address: string;
  readonly postgres: Postgres;
  readonly schema: string;
  /** Most connections a replica of tableinator opens. */
  readonly poolMax: number;
  close(): Promise<void>;
}

/** A command waits for a person: it does not wait as long as a service would. */
const connectTimeoutMs = 5_000;

export function openTables(env: Environment): TableStore {
  const { endpoint, schema, poolMax } = postgresTarget(env);
  const { host, port, database, username, password, sslMode, caFile } = endpoint;
  const postgres = createPostgres({
    host,
    port,
    database,
    user: username,
    password,
    sslMode,
    ca: caFile === undefined ? undefined : readFileSync(caFile, 'utf8'),
    schema,
    applicationName: 'inator command',
    poolMax: 2,
    poolMin: 0,
    maxRetries: 1,
    connectTimeoutMs,
  });
  return { address: `${host}:${port}/${database}`, postgres, schema, poolMax, close: () => postgres.close() };
}

/** Rows by table; null where the table does not exist. */
export async function countRows(
  { postgres, schema }: TableStore,
  tables: readonly string[],
): Promise<Record<string, number | null>> {
  const counts: Record<string, number | null> = {};
  for (const table of tables) {
    const name = qualified(schema, table);
    const found = await postgres.query<{ found: boolean }>('select to_regclass($1) is not null as found', [name]);
    if (found.rows[0]?.found !== true) {
      counts[table] = null;
      continue;
    }
    const { rows } = await postgres.query<{ count: string }>(`select count(*) as count from ${name}`);
    counts[table] = Number(rows[0]?.count ?? 0);
  }
  return counts;
}

export interface GraphStore {
  readonly address: string;
  readonly neo4j: Neo4j;
  close(): Promise<void>;
}

export function openGraph(env: Environment): GraphStore {
  const { uri, username, password, database, caFile } = neo4jTarget(env).endpoint;
  const neo4j = createNeo4j({
    uri,
    username,
    password,
    database,
    caFile,
    connectTimeoutMs,
    userAgent: 'inator command',
  });
  return { address: uri, neo4j, close: () => neo4j.close() };
}

export interface GraphCounts {
  readonly nodes: Readonly<Record<string, number>>;
  readonly relationships: Readonly<Record<string, number>>;
}

/** What the Discogs models write; counted one by one, because the server keeps these counts and answers at once. */
export const graphLabels = ['Artist', 'Label', 'Master', 'Release', 'Genre', 'Style'] as const;
export const relationshipTypes = [
  'BY',
  'ON',
  'DERIVED_FROM',
  'IS',
  'PART_OF',
  'MEMBER_OF',
  'ALIAS_OF',
  'SUBLABEL_OF',
] as const;

/** Nodes by label and relationships by type; those that there are none of are left out. */
export async function countGraph({ neo4j }: GraphStore): Promise<GraphCounts> {
  const transaction = await neo4j.begin();
  const ask = async (names: readonly string[], query: (name: string) => string): Promise<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (const name of names) {
      const { rows } = await transaction.run(query(name));
      const found = Number(rows[0]?.count ?? 0);
      if (found > 0) counts[name] = found;
    }
    return counts;
  };
  try {
    return {
      nodes: await ask(graphLabels, (label) => `MATCH (n:\`${label}\`) RETURN count(n) AS count`),
      relationships: await ask(relationshipTypes, (type) => `MATCH ()-[r:\`${type}\`]->() RETURN count(r) AS count`),
    };
  } finally {
    await transaction.rollback();
  }
}
