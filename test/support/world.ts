/**
 * One test's world: a prefix, a schema and a set of keys of its own on the shared servers, or on servers it may hurt, and
 * everything cleaned up afterwards.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { until } from '@inator/testkit/hurt';
import { root } from './root.ts';
import { patience } from './scale.ts';
import { type RunningService, type ServiceName, startService } from './service.ts';
import { type Broker, type Graph, openBroker, openGraph, openTables, type Tables } from './stores.ts';

export const types = ['artists', 'labels', 'masters', 'releases'] as const;
export type Type = (typeof types)[number];

export interface Addresses {
  readonly rabbitmq: string;
  readonly postgres?: string;
  readonly neo4j?: { readonly uri: string; readonly username: string; readonly password: string };
}

export interface World {
  readonly prefix: string;
  readonly schema: string;
  readonly broker: Broker;
  /** Another connection to a broker that was restarted. */
  reconnect(): Promise<void>;
  readonly tables: Tables;
  readonly graph: Graph;
  exchange(type: Type): string;
  queue(service: ServiceName, type: Type): string;
  start(service: ServiceName, env?: Readonly<Record<string, string>>): Promise<RunningService>;
  /** Resolves when the services have settled everything: nothing is ready and nothing is in hand. */
  drained(...services: readonly RunningService[]): Promise<void>;
  rows(type: Type): Promise<number>;
  /** Removes every node of the domain: the graph is one for all tests, which therefore run one after the other. */
  emptyGraph(): Promise<void>;
  close(): Promise<void>;
}

/** The servers of the whole test run. */
export function sharedServers(): Addresses {
  const need = (name: string): string => {
    const value = process.env[name];
    if (value === undefined) throw new Error(`${name} is not set: the servers project of Jest sets it`);
    return value;
  };
  return {
    rabbitmq: need('TEST_RABBITMQ_URL'),
    postgres: need('TEST_POSTGRES_URL'),
    neo4j: {
      uri: need('TEST_NEO4J_URI'),
      username: need('TEST_NEO4J_USERNAME'),
      password: need('TEST_NEO4J_PASSWORD'),
    },
  };
}

interface LaneView {
  readonly lane: string;
  readonly state: string;
  readonly consuming: boolean;
  readonly pendingRecords: number;
}

export async function openWorld(servers: Addresses = sharedServers()): Promise<World> {
  const id = randomBytes(4).toString('hex');
  const prefix = `t${id}`;
  const schema = `t_${id}`;
  const started: RunningService[] = [];
  let broker = await openBroker(servers.rabbitmq);
  const missing = (what: string) => (): never => {
    throw new Error(`this world has no ${what}`);
  };
  const tables: Tables =
    servers.postgres === undefined
      ? { query: missing('PostgreSQL'), count: missing('PostgreSQL'), close: async () => {} }
      : openTables(servers.postgres);
  const graph: Graph =
    servers.neo4j === undefined
      ? { query: missing('Neo4j'), close: async () => {} }
      : openGraph(servers.neo4j.uri, servers.neo4j.username, servers.neo4j.password);

  const world: World = {
    prefix,
    schema,
    get broker() {
      return broker;
    },
    async reconnect() {
      await broker.close().catch(() => {});
      broker = await openBroker(servers.rabbitmq);
    },
    tables,
    graph,
    exchange: (type) => `${prefix}-${type}`,
    queue: (service, type) => `${service}-${prefix}-${type}`,
    async start(service, env = {}) {
      const store: Record<string, string> =
        service === 'tableinator'
          ? { POSTGRES_URL: servers.postgres ?? '', POSTGRES_SCHEMA: schema }
          : {
              NEO4J_URI: servers.neo4j?.uri ?? '',
              NEO4J_USERNAME: servers.neo4j?.username ?? '',
              NEO4J_PASSWORD: servers.neo4j?.password ?? '',
            };
      const running = await startService(service, {
        RABBITMQ_URL: servers.rabbitmq,
        RABBITMQ_EXCHANGE_PREFIX: prefix,
        ...store,
        ...env,
      });
      started.push(running);
      return running;
    },
    async drained(...services) {
      let busy = '';
      await until(
        async () => {
          for (const service of services) {
            const { body } = await service.get<{ readonly lanes: readonly LaneView[] }>('/lanes');
            for (const { lane, state, consuming, pendingRecords } of body.lanes) {
              const ready = await broker.ready(world.queue(service.name, lane as Type));
              busy = `${service.name} ${lane} is ${state} with ${pendingRecords} in hand and ${ready} ready`;
              if (!consuming || pendingRecords > 0 || ready > 0) return false;
            }
          }
          return true;
        },
        () => `everything drained; ${busy}`,
        patience(60_000),
      );
    },
    rows: (type) => tables.count(schema, type),
    async emptyGraph() {
      // In slices: one transaction of everything would not fit into the memory of a small server.
      for (let left = 1; left > 0; ) {
        const [row] = await graph.query<{ n: number }>(
          'match (n) where n:Artist or n:Label or n:Master or n:Release or n:Genre or n:Style with n limit 10000 detach delete n return count(*) as n',
        );
        left = row?.n ?? 0;
      }
    },
    async close() {
      await Promise.all(
        started.map((service) => {
          // A stopped process would never see the signal.
          service.kill('SIGCONT');
          service.kill('SIGKILL');
          return service.exited;
        }),
      );
      const queues = types.flatMap((type) =>
        (['tableinator', 'graphinator'] as const).flatMap((service) => [
          world.queue(service, type),
          `${world.queue(service, type)}.dlq`,
        ]),
      );
      const exchanges = types.flatMap((type) => [
        world.exchange(type),
        ...(['tableinator', 'graphinator'] as const).map((service) => `${world.queue(service, type)}.dlx`),
      ]);
      await broker.remove(queues, exchanges);
      if (servers.postgres !== undefined) await tables.query(`drop schema if exists "${schema}" cascade`);
      await Promise.all([tables.close(), graph.close(), broker.close()]);
    },
  };
  return world;
}

const shared = join(root, '../shared');

/** A file of real data, or undefined, loudly, where there is none. */
export function realData(path: string): Buffer | undefined {
  const file = join(shared, path);
  if (!existsSync(file)) {
    process.emitWarning(`skipped: there is no real data at ../shared/${path}`);
    return undefined;
  }
  const bytes = readFileSync(file);
  return path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}
