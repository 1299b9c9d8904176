/** Which servers a figure was measured on, as they say themselves. */
import type { ServerKind } from '@inator/stack';
import { onBroker } from '../queues.ts';
import { openGraph } from '../stores/graph.ts';
import { sql } from '../stores/table.ts';
import type { Environment } from '../world.ts';

const asked: Readonly<Record<ServerKind, (env: Environment) => Promise<string>>> = {
  rabbitmq: (env) => onBroker(env, async ({ connection }) => String(connection.serverProperties.version ?? 'unknown')),
  async postgres(env) {
    const rows = await sql<{ server_version: string }>(env, 'SHOW server_version');
    return rows[0]?.server_version ?? 'unknown';
  },
  async neo4j(env) {
    const neo4j = openGraph(env);
    try {
      return await neo4j.version();
    } finally {
      await neo4j.close();
    }
  },
};

export async function serverVersions(env: Environment, want: readonly ServerKind[]): Promise<Record<string, string>> {
  return Object.fromEntries(await Promise.all(want.map(async (kind) => [kind, await asked[kind](env)] as const)));
}
