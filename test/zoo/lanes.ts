/** A whole lane over a queue in memory and a real store, for each store and each way of making a model. */
import { createHash, randomBytes } from 'node:crypto';
import * as declared from '@inator/declared';
import * as discogs from '@inator/discogs';
import { createGraphSink, createNeo4j } from '@inator/neo4j';
import { createPostgres, createTableSink } from '@inator/postgres';
import { defaultBrake, type Model, type Sink } from '@inator/runtime';
import { startBenchLane } from '@inator/testkit/hurt';
import { openGraph, openTables } from '../support/stores.ts';
import { sharedServers } from '../support/world.ts';

export type StoreName = 'PostgreSQL' | 'Neo4j';
export type ModelName = 'discogs' | 'declared';

export interface Message {
  readonly body: Buffer;
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
}

/** What stands in a store under a key. */
export interface Kept {
  readonly seq: string | null;
  /** PostgreSQL: whether the document equals `body`, and the members asked for. */
  readonly same?: boolean;
  readonly members?: Readonly<Record<string, string | null>>;
  /** Neo4j: the title on the node. */
  readonly title?: string | null;
}

export interface ZooLane {
  readonly store: StoreName;
  readonly model: ModelName;
  /** Publishes, and waits until everything is settled. */
  feed(messages: readonly Message[]): Promise<void>;
  /** Code of the letter of each body that was refused, by `nameOf` the body. */
  letters(): ReadonlyMap<string, string>;
  look(key: string, body: Buffer, members: readonly string[]): Promise<Kept | undefined>;
  /** Of these keys, those that are stored. */
  present(keys: readonly string[]): Promise<ReadonlySet<string>>;
  /** Everything that cannot happen and did, and whether the lane still consumes. */
  health(): { readonly defects: number; readonly state: string };
  close(): Promise<void>;
}

/** The zoo is full of bad records on purpose, and the brake is not what is looked at. */
const settings = { batchSize: 200, window: 1000, brake: { ...defaultBrake, provenShare: 1 } };

const label = `Zoo${randomBytes(4).toString('hex')}`;
const modelFile = `name: zoo
types:
  things:
    key: id
    hash: sha256
    table:
      columns: { title: text }
    graph:
      label: ${label}
      properties: { title: text }
`;

function declaredModel(): declared.DeclaredModel {
  const parsed = declared.parseModel(modelFile);
  if ('faults' in parsed) throw new Error(declared.faultLines('zoo', parsed.faults).join('\n'));
  return parsed.model;
}

/** Tells bodies apart, however long they are. */
export function nameOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the model is missing');
  return value;
}

function startLane<R>(model: Model<R>, sink: Sink<R>) {
  const { source, lane, told, drained, stop } = startBenchLane(model, sink, settings);
  const letters = new Map<string, string>();
  let read = 0;
  return {
    async feed(messages: readonly Message[]): Promise<void> {
      for (const { body, headers } of messages) source.publish(body, { ...headers });
      await drained(120_000);
    },
    letters(): ReadonlyMap<string, string> {
      for (const { body, letter } of source.letters.slice(read)) letters.set(nameOf(body), letter.fault.code);
      read = source.letters.length;
      return letters;
    },
    health: () => ({ defects: told.defect.length, state: lane.snapshot().state }),
    stop,
  };
}

export async function openTableLane(model: ModelName): Promise<ZooLane> {
  const { postgres: url = '' } = sharedServers();
  const schema = `t_zoo_${randomBytes(5).toString('hex')}`;
  const postgres = createPostgres({ url, schema, poolMin: 0, poolMax: 4 });
  const tables = openTables(url);
  const kind = model === 'discogs' ? 'releases' : 'things';
  const running =
    model === 'discogs'
      ? startLane(discogs.tableModels.releases, createTableSink(postgres, discogs.tableModels.releases))
      : (() => {
          const made = need(declared.createTableModels(declaredModel()).get(kind));
          return startLane(made, createTableSink(postgres, made));
        })();
  return {
    store: 'PostgreSQL',
    model,
    feed: running.feed,
    letters: running.letters,
    health: running.health,
    async look(key, body, members) {
      // The body goes through the server's own JSON parser, by another way than ours.
      const [row] = await tables.query<{ seq: string | null; same: boolean; members: (string | null)[] }>(
        `select seq::text as seq, data = convert_from($2::bytea, 'UTF8')::jsonb as same,
          array(select data->>name from unnest($3::text[]) with ordinality as asked (name, at) order by at) as members
         from "${schema}"."${kind}" where data_id = $1`,
        [key, body, members],
      );
      if (row === undefined) return undefined;
      const found = Object.fromEntries(members.map((name, i) => [name, row.members[i] ?? null]));
      return { seq: row.seq, same: row.same, members: found };
    },
    async present(keys) {
      const rows = await tables.query<{ key: string }>(
        `select data_id as key from "${schema}"."${kind}" where data_id = any($1)`,
        [keys],
      );
      return new Set(rows.map(({ key }) => key));
    },
    async close() {
      await running.stop();
      await tables.query(`drop schema if exists "${schema}" cascade`);
      await Promise.all([tables.close(), postgres.close()]);
    },
  };
}

/** `base`: what every key of the test begins with; the nodes that do are removed in the end. */
export async function openGraphLane(model: ModelName, base: string): Promise<ZooLane> {
  const { neo4j: at } = sharedServers();
  const { uri, username, password } = need(at);
  const neo4j = createNeo4j({ uri, username, password: () => password });
  const graph = openGraph(uri, username, password);
  const own = model === 'discogs' ? 'Release' : label;
  const running =
    model === 'discogs'
      ? startLane(discogs.graphModels.releases, createGraphSink(neo4j, discogs.graphModels.releases))
      : (() => {
          const made = need(declared.createGraphModels(declaredModel()).get('things'));
          return startLane(made, createGraphSink(neo4j, made));
        })();
  return {
    store: 'Neo4j',
    model,
    feed: running.feed,
    letters: running.letters,
    health: running.health,
    async look(key) {
      const rows = await graph.query<{ title: string | null; seq: string | null }>(
        `match (n:${own} {id: $key}) where n.sha256 is not null return n.title as title, toString(n.seq) as seq`,
        { key },
      );
      if (rows.length > 1) throw new Error(`${rows.length} nodes have the key ${key}`);
      return rows[0];
    },
    async present(keys) {
      const rows = await graph.query<{ key: string }>(
        `match (n:${own}) where n.id in $keys and n.sha256 is not null return n.id as key`,
        { keys },
      );
      return new Set(rows.map(({ key }) => key));
    },
    async close() {
      await running.stop();
      await graph.query(`match (n:${own}) where n.id starts with $base or n.id starts with $minus detach delete n`, {
        base,
        minus: `-${base}`,
      });
      if (model === 'declared') await graph.query(`drop constraint ${label.toLowerCase()}_id_unique if exists`);
      await Promise.all([graph.close(), neo4j.close()]);
    },
  };
}
