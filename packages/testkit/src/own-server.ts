/** A server of the test's own, to be hurt: of the version under test. */
import { type Server, type ServerKind, type ServerOptions, startServer } from '@inator/stack';

/**
 * Starts a container where `TEST_RABBITMQ_IMAGE`, `TEST_POSTGRES_IMAGE` or `TEST_NEO4J_IMAGE` names an image for the kind,
 * else a local server. It goes, with its data, when this process does.
 */
export function startOwnServer(
  kind: ServerKind,
  options: Omit<ServerOptions, 'image' | 'ownedByParent' | 'ephemeral'>,
): Promise<Server> {
  const image = process.env[`TEST_${kind.toUpperCase()}_IMAGE`];
  return startServer(kind, { ...options, ownedByParent: true, ephemeral: true, ...(image ? { image } : {}) });
}
