/** A private Neo4j Community with Bolt on 127.0.0.1 only, authentication on. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Server, type ServerOptions, StackError } from '../server.ts';
import { startLocalServer } from './local-server.ts';
import { neo4jJars } from './neo4j-jars.ts';
import { rememberedPorts } from './ports.ts';
import { answersBolt } from './probe.ts';

/** Neo4j wants eight characters. As guarded as RabbitMQ's guest: known to everybody, and reachable from here only. */
export const neo4jLogin = { user: 'neo4j', password: 'inator-local' } as const;

/**
 * Arguments (`ServerOptions.java`) of a machine that lives for minutes: it would spend most of its time compiling itself, and
 * this halves the time to its first answer. Not for measuring: what it compiles so is slower.
 */
export const shortLivedJava: readonly string[] = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];

/** Neo4j reaches into these packages of Java by reflection. */
const openPackages = ['java.nio', 'java.lang', 'java.io', 'sun.nio.ch'];

export async function startNeo4j(options: ServerOptions): Promise<Server> {
  const {
    report = () => {},
    name = 'neo4j',
    heap = '1g',
    java: machine = [],
    password = neo4jLogin.password,
  } = options;
  const { java, classPath } = await neo4jJars(report);
  const dir = resolve(options.dir);
  const home = join(dir, 'home');
  const ready = join(home, 'ready');
  const { main: port } = await rememberedPorts(dir, ['main'], options.port);
  const url = `bolt://127.0.0.1:${port}`;

  return startLocalServer(
    {
      kind: 'neo4j',
      name,
      dir,
      dataDirs: [dir],
      ports: { main: port },
      url,
      env: { NEO4J_URI: url, NEO4J_USERNAME: neo4jLogin.user, NEO4J_PASSWORD: password },
      async prepare() {
        mkdirSync(home, { recursive: true });
        rmSync(ready, { force: true });
        writeFileSync(join(dir, 'neo4j.conf'), configuration(port, options.settings ?? {}));
      },
      launch: () => ({
        command: java,
        args: [
          `-Xmx${heap}`,
          ...openPackages.map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`),
          '-XX:-OmitStackTraceInFastThrow',
          '-Dfile.encoding=UTF-8',
          ...machine,
          ...['-cp', classPath, 'Launcher', home, join(dir, 'neo4j.conf')],
        ],
        env: { ...process.env, NEO4J_PASSWORD: password, ...options.env },
        cwd: dir,
      }),
      answers: async (pid) => readyFor(ready) === pid && (await answersBolt(port)),
      async runTool(tool) {
        throw new StackError('tool-failed', 'operator', `neo4j: ${tool} is not part of the local server`);
      },
    },
    options,
  );
}

function configuration(port: number, settings: Readonly<Record<string, string>>): string {
  const all = {
    'server.bolt.enabled': 'true',
    'server.bolt.listen_address': `127.0.0.1:${port}`,
    'server.bolt.advertised_address': `127.0.0.1:${port}`,
    'dbms.security.auth_enabled': 'true',
    'server.memory.pagecache.size': '256m',
    // Else each of the two databases begins with an empty log file of 256 MB.
    'db.tx_log.preallocate': 'false',
    'dbms.usage_report.enabled': 'false',
    ...settings,
  };
  return Object.entries(all)
    .map(([key, value]) => `${key}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('');
}

/** The process that has written the file, undefined while there is none. */
function readyFor(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
