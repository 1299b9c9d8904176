/** One server, wherever its options say. */
import { startContainer } from './containers/container-server.ts';
import { startNeo4j } from './local/neo4j.ts';
import { startPostgres } from './local/postgres.ts';
import { startRabbitmq } from './local/rabbitmq.ts';
import type { Server, ServerKind, ServerOptions } from './server.ts';

const local = { rabbitmq: startRabbitmq, postgres: startPostgres, neo4j: startNeo4j } as const;

/** Starts a container where the options name an image, else processes of this machine. Both are hurt in the same way. */
export function startServer(kind: ServerKind, options: ServerOptions): Promise<Server> {
  return options.image === undefined ? local[kind](options) : startContainer(kind, options);
}
