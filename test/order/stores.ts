/** Any number of replicas over one place in each store, and what stands there in the end. */
import { randomBytes } from 'node:crypto';
import { createGraphModels, createTableModels, type DeclaredModel, parseModel } from '@inator/declared';
import { createGraphSink, createNeo4j } from '@inator/neo4j';
import { createPostgres, createTableSink } from '@inator/postgres';
import type { LaneSettings, Sink } from '@inator/runtime';
import { type BenchLane, startBenchLane } from '@inator/testkit/hurt';
import { openGraph, openTables } from '../support/stores.ts';
import { sharedServers } from '../support/world.ts';

export interface Standing {
  readonly key: string;
  /** Null where the record came without a version. */
  readonly seq: string | null;
  readonly hash: string;
  readonly text: string | null;
}

export interface OrderStore {
  readonly name: 'PostgreSQL' | 'Neo4j';
  /** A lane of its own sink over the same table or graph. `before` is asked before each write. */
  replica(settings?: Partial<LaneSettings>, before?: () => Promise<void>): BenchLane;
  /** Everything that stands under keys with this beginning, in order of the keys. */
  standing(prefix: string): Promise<readonly Standing[]>;
  close(): Promise<void>;
}

const label = `Ordered${randomBytes(4).toString('hex')}`;

function model(): DeclaredModel {
  const parsed = parseModel(`name: ordered
types:
  things:
    key: id
    hash: hash
    table: { columns: { text: text } }
    graph: { label: ${label}, properties: { text: text } }
`);
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults));
  return parsed.model;
}

/** The body of a record whose hash is its text. */
export function ordered(id: string, text: string): string {
  return JSON.stringify({ id, hash: text, text });
}

function gated<R>(sink: Sink<R>, before: (() => Promise<void>) | undefined): Sink<R> {
  if (before === undefined) return sink;
  return {
    ...sink,
    async write(batch, signal) {
      await before();
      return sink.write(batch, signal);
    },
  };
}

export async function openTableStore(): Promise<OrderStore> {
  const { postgres: url = '' } = sharedServers();
  const schema = `t_order_${randomBytes(5).toString('hex')}`;
  const postgres = createPostgres({ url, schema, poolMin: 0, poolMax: 16 });
  const tables = openTables(url);
  const things = createTableModels(model()).get('things');
  if (things === undefined) throw new Error('no table');
  return {
    name: 'PostgreSQL',
    replica: (settings, before) => startBenchLane(things, gated(createTableSink(postgres, things), before), settings),
    standing: (prefix) =>
      tables.query<Standing & Record<string, unknown>>(
        `select data_id as key, seq::text as seq, hash, text from "${schema}".things
         where starts_with(data_id, $1) order by data_id collate "C"`,
        [prefix],
      ),
    async close() {
      await tables.query(`drop schema if exists "${schema}" cascade`);
      await Promise.all([tables.close(), postgres.close()]);
    },
  };
}

export async function openGraphStore(): Promise<OrderStore> {
  const { neo4j: at } = sharedServers();
  if (at === undefined) throw new Error('no Neo4j');
  const neo4j = createNeo4j({ uri: at.uri, username: at.username, password: () => at.password });
  const graph = openGraph(at.uri, at.username, at.password);
  const things = createGraphModels(model()).get('things');
  if (things === undefined) throw new Error('no graph');
  return {
    name: 'Neo4j',
    replica: (settings, before) => startBenchLane(things, gated(createGraphSink(neo4j, things), before), settings),
    standing: (prefix) =>
      graph.query<Standing & Record<string, unknown>>(
        `match (n:${label}) where n.id starts with $prefix
         return n.id as key, toString(n.seq) as seq, n.sha256 as hash, n.text as text order by n.id`,
        { prefix },
      ),
    async close() {
      await graph.query(`match (n:${label}) detach delete n`);
      await graph.query(`drop constraint ${label.toLowerCase()}_id_unique if exists`);
      await Promise.all([graph.close(), neo4j.close()]);
    },
  };
}
