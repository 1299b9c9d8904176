// Jest's set-up for the project `servers`: the three real servers, started side by side, once for all tests.
//
// Servers that the environment names (TEST_RABBITMQ_URL, TEST_POSTGRES_URL, TEST_NEO4J_URI) are used as they are; the
// others are containers or private processes on free ports, as for `npm start`. They and their data go when the run ends,
// also when it dies. TEST_SERVERS=postgres,rabbitmq starts only what is listed, for a quick run of one room.
// TEST_RABBITMQ_IMAGE, TEST_POSTGRES_IMAGE and TEST_NEO4J_IMAGE make one a container of that image, these three as well as
// those that a test starts to hurt them: the way to other versions (docs/compatibility.md).
import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const prefix = 'TEST_';

export default async function startServers() {
  const built = new URL('../../packages/stack/dist/index.js', import.meta.url);
  if (!existsSync(built)) throw new Error('packages/stack is not built: run `npx tsc -b`, or `npm test`, which does');
  const { resolveServers, serverKinds, shortLivedJava } = await import(built.href);
  // What tests need that the defaults do not give. Durability is as it comes: tests of lost commits would prove nothing.
  const tuned = {
    rabbitmq: { settings: { collect_statistics_interval: '1000' } },
    postgres: { settings: { max_connections: '300' } },
    neo4j: { java: shortLivedJava },
  };
  const listed = process.env.TEST_SERVERS?.split(',') ?? serverKinds;

  // Made only when something is started there; readable, because PostgreSQL runs as another user where we are root.
  const root = join(tmpdir(), `inator-test-${randomUUID()}`);
  globalThis.inatorTestServers = {
    async stop() {
      rmSync(root, { recursive: true, force: true });
    },
  };
  try {
    const servers = await resolveServers({
      env: { ...testVariables(), INATOR_STACK: process.env.INATOR_STACK },
      want: serverKinds.filter((kind) => listed.includes(kind)),
      dir: root,
      options: Object.fromEntries(serverKinds.map((kind) => [kind, { ...tuned[kind], ...imageOf(kind) }])),
      ownedByParent: true,
      ephemeral: true,
      report: (line) => process.stderr.write(`${line}\n`),
    });
    for (const [name, value] of Object.entries(servers.env)) process.env[prefix + name] = value;
    globalThis.inatorTestServers.stop = async () => {
      await servers.remove();
      rmSync(root, { recursive: true, force: true });
    };
  } catch (error) {
    await globalThis.inatorTestServers.stop();
    throw error;
  }
}

function imageOf(kind) {
  const image = process.env[`${prefix}${kind.toUpperCase()}_IMAGE`];
  return image ? { image } : {};
}

/** The variables named TEST_*, without the prefix: the ones without it may be those of servers that matter. */
function testVariables() {
  const ours = Object.entries(process.env).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(ours.map(([name, value]) => [name.slice(prefix.length), value]));
}
