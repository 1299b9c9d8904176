/** Servers that the environment names: used as they are, never stopped or hurt. */
import { readFileSync } from 'node:fs';
import { accepts, acceptsAt } from './local/probe.ts';
import { type Server, type ServerKind, StackError } from './server.ts';

interface Naming {
  /** Any of these names the server. */
  readonly decisive: readonly string[];
  /** What else belongs to reaching it. */
  readonly besides: readonly string[];
  readonly scheme: string;
  readonly defaultPort: number;
}

/** Every secret may stand in a file named by `NAME_FILE` as well. */
const namings: Readonly<Record<ServerKind, Naming>> = {
  rabbitmq: {
    decisive: ['RABBITMQ_URL', 'RABBITMQ_URL_FILE', 'RABBITMQ_HOST'],
    besides: ['PORT', 'USERNAME', 'PASSWORD', 'PASSWORD_FILE', 'VHOST', 'CA_FILE', 'MANAGEMENT_URL'].map(
      (name) => `RABBITMQ_${name}`,
    ),
    scheme: 'amqp',
    defaultPort: 5672,
  },
  postgres: {
    decisive: ['POSTGRES_URL', 'POSTGRES_URL_FILE', 'POSTGRES_HOST'],
    besides: ['PORT', 'DATABASE', 'USERNAME', 'PASSWORD', 'PASSWORD_FILE', 'SSLMODE'].map((name) => `POSTGRES_${name}`),
    scheme: 'postgresql',
    defaultPort: 5432,
  },
  neo4j: {
    decisive: ['NEO4J_URI', 'NEO4J_URI_FILE'],
    besides: ['USERNAME', 'PASSWORD', 'PASSWORD_FILE', 'DATABASE'].map((name) => `NEO4J_${name}`),
    scheme: 'bolt',
    defaultPort: 7687,
  },
};

/** The server that `env` names for this kind, undefined when it names none. Nothing is connected to. */
export function givenServer(kind: ServerKind, env: Readonly<Record<string, string | undefined>>): Server | undefined {
  const { decisive, besides, scheme, defaultPort } = namings[kind];
  const isSet = (name: string): boolean => env[name] !== undefined && env[name] !== '';
  const naming = decisive.find(isSet);
  if (naming === undefined) return undefined;
  const variables = [...decisive, ...besides].filter(isSet).map((name): [string, string] => [name, env[name] ?? '']);
  const [urlName = '', , hostName = ''] = decisive;
  const url =
    env[urlName] || `${scheme}://${env[hostName] ?? 'localhost'}:${env[`${kind.toUpperCase()}_PORT`] ?? defaultPort}`;
  const refuse = async (): Promise<never> => {
    throw new StackError(
      'not-ours',
      'operator',
      `${kind} is named by ${naming}: it is not ours to start, stop or hurt`,
    );
  };
  return {
    kind,
    name: kind,
    runs: 'given',
    env: Object.fromEntries(variables),
    url,
    port: portOf(url) ?? (Number(env[`${kind.toUpperCase()}_PORT`]) || portOfScheme(url) || defaultPort),
    dir: undefined,
    attached: true,
    pid: () => undefined,
    start: refuse,
    stop: refuse,
    kill: refuse,
    restart: refuse,
    pause: refuse,
    resume: refuse,
    run: refuse,
    remove: refuse,
  };
}

/**
 * True when the server that `env` names for this kind accepts connections. A url in a file is read anew; false when none
 * is named, or when the name cannot be read.
 */
export async function givenAccepts(
  kind: ServerKind,
  env: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  const [urlName = '', fileName = '', hostName = ''] = namings[kind].decisive;
  try {
    const inFile = !env[urlName] && env[fileName] ? readFileSync(env[fileName], 'utf8').trim() : undefined;
    const server = givenServer(kind, inFile === undefined ? env : { ...env, [urlName]: inFile });
    if (server === undefined) return false;
    const url = inFile ?? env[urlName];
    const named = url ? decodeURIComponent(new URL(url).hostname) : '';
    const host = unbracketed(named || env[hostName] || 'localhost');
    // PostgreSQL alone is reached through a directory, too.
    if (host.startsWith('/')) return await acceptsAt({ path: `${host}/.s.PGSQL.${server.port}` });
    return await accepts(server.port, host);
  } catch {
    return false;
  }
}

/** An address as a url has it, as a socket takes it. */
const unbracketed = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

/** Of the schemes whose port is not the usual one of their kind. */
function portOfScheme(url: string): number | undefined {
  return url.startsWith('amqps:') ? 5671 : undefined;
}

function portOf(url: string): number | undefined {
  try {
    return Number(new URL(url).port) || undefined;
  } catch {
    return undefined;
  }
}
