/** RabbitMQ, PostgreSQL and Neo4j on this machine: found, started, hurt and stopped. */

export { startContainer } from './containers/container-server.ts';
export { images } from './containers/recipes.ts';
export { neo4jLogin, shortLivedJava, startNeo4j } from './local/neo4j.ts';
export { postgresLogin, startPostgres } from './local/postgres.ts';
export { startRabbitmq } from './local/rabbitmq.ts';
export { installTestTools } from './local/tools.ts';
export { type ResolvedServers, type ResolveOptions, resolveServers } from './resolve.ts';
export {
  type Report,
  type Server,
  type ServerKind,
  type ServerOptions,
  StackError,
  type StackErrorCode,
  serverKinds,
  type ToolResult,
} from './server.ts';
export { readState, type ServerStatus, type StackState, stackDown, stackStatus, stackUp } from './stack.ts';
export { startServer } from './start.ts';
