/** What each kind of server is as a container: image, ports, environment, and how to tell that it answers. */
import { neo4jLogin } from '../local/neo4j.ts';
import { postgresLogin } from '../local/postgres.ts';
import { answersAmqp, answersBolt, answersManagement, answersPostgres } from '../local/probe.ts';
import type { ServerKind, ServerOptions } from '../server.ts';

/** Ports by purpose, as in the server's record. */
type Ports = Readonly<Record<string, number>>;

export interface ContainerRecipe {
  readonly image: string;
  /** Ports inside the container, by purpose; `main` is the one that clients use. */
  readonly inside: Ports;
  readonly environment: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly files: readonly { readonly target: string; readonly content: string }[];
  /** Where clients on this machine reach it, given the published ports. */
  url(ports: Ports): string;
  env(ports: Ports): Record<string, string>;
  answers(ports: Ports): Promise<boolean>;
}

/** Those of the compose file. */
export const images: Readonly<Record<ServerKind, string>> = {
  rabbitmq: 'rabbitmq:4-management',
  postgres: 'postgres:17-bookworm',
  neo4j: 'neo4j:5.26-community',
};

type Options = Pick<ServerOptions, 'image' | 'settings' | 'plugins' | 'heap' | 'java' | 'password' | 'env'>;

export const containerRecipes: Readonly<Record<ServerKind, (options: Options) => ContainerRecipe>> = {
  rabbitmq({ image = images.rabbitmq, settings = {}, plugins = [], env = {} }) {
    const login = 'guest:guest@127.0.0.1';
    const managementUrl = (ports: Ports): string => `http://${login}:${ports.management}`;
    const url = (ports: Ports): string => `amqp://${login}:${ports.main}`;
    const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`);
    return {
      image,
      inside: { main: 5672, management: 15672 },
      environment: env,
      command: [],
      files: [
        { target: '/etc/rabbitmq/conf.d/90-inator.conf', content: `# settings of this stack\n${lines.join('')}` },
        {
          target: '/etc/rabbitmq/enabled_plugins',
          content: `[${['rabbitmq_management', ...plugins].join(',')}].\n`,
        },
      ],
      url,
      env: (ports) => ({ RABBITMQ_URL: url(ports), RABBITMQ_MANAGEMENT_URL: managementUrl(ports) }),
      answers: async (ports) => (await answersAmqp(ports.main ?? 0)) && answersManagement(managementUrl(ports)),
    };
  },
  postgres({ image = images.postgres, settings = {}, env = {} }) {
    const { user, password, database } = postgresLogin;
    const url = (ports: Ports): string => `postgresql://${user}:${password}@127.0.0.1:${ports.main}/${database}`;
    return {
      image,
      inside: { main: 5432 },
      environment: { POSTGRES_USER: user, POSTGRES_PASSWORD: password, POSTGRES_DB: database, ...env },
      command: [
        'postgres',
        ...Object.entries({ max_connections: '200', ...settings }).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
      ],
      files: [],
      url,
      env: (ports) => ({ POSTGRES_URL: url(ports) }),
      answers: (ports) => answersPostgres(ports.main ?? 0, user, database),
    };
  },
  neo4j({ image = images.neo4j, settings = {}, env = {}, heap = '1g', java = [], password = neo4jLogin.password }) {
    const url = (ports: Ports): string => `bolt://127.0.0.1:${ports.main}`;
    const all = { 'server.memory.heap.max_size': heap, 'server.memory.pagecache.size': '256m', ...settings };
    // The image takes settings as variables: a dot becomes one underscore, an underscore two.
    const named = Object.entries(all).map(([key, value]): [string, string] => [
      `NEO4J_${key.replaceAll('_', '__').replaceAll('.', '_')}`,
      value,
    ]);
    // A setting of its own would replace the arguments that the image comes with. It has chosen its collector of garbage
    // there, and a Java machine that is told of two does not start.
    const further = java.filter((argument) => !/^-XX:\+Use\w+GC$/.test(argument)).join(' ');
    return {
      image,
      inside: { main: 7687 },
      environment: {
        NEO4J_AUTH: `${neo4jLogin.user}/${password}`,
        ...(further === '' ? {} : { JAVA_TOOL_OPTIONS: further }),
        ...Object.fromEntries(named),
        ...env,
      },
      command: [],
      files: [],
      url,
      env: (ports) => ({ NEO4J_URI: url(ports), NEO4J_USERNAME: neo4jLogin.user, NEO4J_PASSWORD: password }),
      answers: (ports) => answersBolt(ports.main ?? 0),
    };
  },
};
