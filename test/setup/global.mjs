// Jest's set-up for the project `servers`: the three real servers, started side by side once for all tests.
//
// Servers that the environment names (TEST_RABBITMQ_URL, TEST_POSTGRES_URL, TEST_NEO4J_URI) are used as they are. The
// others are private ones on free ports in a temporary folder; they and the folder go when the run ends, and also when it
// dies. TEST_SERVERS=postgres,rabbitmq starts only what is listed, for a quick run of one room.
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What tests need that the defaults do not give. Durability is as it comes: tests of lost commits would prove nothing. */
const tuned = {
  rabbitmq: { settings: { collect_statistics_interval: '1000' } },
  postgres: { settings: { max_connections: '300' } },
  neo4j: {},
};

const named = { rabbitmq: 'TEST_RABBITMQ_URL', postgres: 'TEST_POSTGRES_URL', neo4j: 'TEST_NEO4J_URI' };

export default async function startServers() {
  const built = new URL('../../packages/stack/dist/index.js', import.meta.url);
  if (!existsSync(built)) throw new Error('packages/stack is not built: run `npx tsc -b`, or `npm test`, which does');
  const { serverKinds, startNeo4j, startPostgres, startRabbitmq } = await import(built.href);
  const starters = { rabbitmq: startRabbitmq, postgres: startPostgres, neo4j: startNeo4j };
  const listed = process.env.TEST_SERVERS?.split(',') ?? serverKinds;
  const kinds = serverKinds.filter((kind) => listed.includes(kind) && !process.env[named[kind]]);

  const root = mkdtempSync(join(tmpdir(), 'inator-test-'));
  // PostgreSQL runs as another user where we are root, and must get through.
  chmodSync(root, 0o711);
  const outcomes = await Promise.allSettled(
    kinds.map((kind) =>
      starters[kind]({
        ...tuned[kind],
        dir: join(root, kind),
        ownedByParent: true,
        ephemeral: true,
        report: (line) => process.stderr.write(`${line}\n`),
      }),
    ),
  );
  const servers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  globalThis.inatorTestServers = {
    async stop() {
      await Promise.all(servers.map((server) => server.remove()));
      rmSync(root, { recursive: true, force: true });
    },
  };
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) {
    await globalThis.inatorTestServers.stop();
    throw failed.reason;
  }
  for (const server of servers) {
    for (const [name, value] of Object.entries(server.env)) process.env[`TEST_${name}`] = value;
  }
}
