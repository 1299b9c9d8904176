/**
 * A server's address, put together from a url and its parts.
 *
 * The rule: a part completes the url; a part and a url that say different things are a fault that names both, because
 * nobody can know which of the two was forgotten. Credentials for development are used only when neither the url nor a
 * part gives a user or a password, and never when `NODE_ENV` is `production`.
 */
import type { Secret } from './key.ts';
import type { Judge } from './spec.ts';

export interface BrokerEndpoint {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: Secret;
  readonly vhost: string;
  readonly caFile: string | undefined;
}

export type SslMode = 'disable' | 'require' | 'verify-ca' | 'verify-full';

export interface PostgresEndpoint {
  /** Host name, address, or the absolute path of a socket directory. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly username: string;
  readonly password: Secret;
  readonly sslMode: SslMode;
  readonly caFile: string | undefined;
}

export interface Neo4jEndpoint {
  /** Without credentials. */
  readonly uri: string;
  readonly username: string;
  readonly password: Secret;
  readonly database: string;
  readonly caFile: string | undefined;
}

const development = {
  broker: { username: 'guest', password: 'guest' },
  postgres: { username: 'inator', password: 'inator' },
  neo4j: { username: 'neo4j', password: 'inatorinator' },
} as const;

export const developmentPasswords: readonly string[] = Object.values(development).map(({ password }) => password);

interface Credentials {
  readonly username: string;
  readonly password: Secret;
}

const emptyPassword: Secret = () => '';

/** Takes the same thing from the url or from its part; both are fine when they agree. */
function agree<T extends string | number>(
  judge: Judge,
  urlName: string,
  partName: string,
  fromUrl: T | undefined,
  part: T | undefined,
): T | undefined {
  if (fromUrl !== undefined && part !== undefined && fromUrl !== part) {
    judge.fault([partName, urlName], 'say different things', `one place for ${partName}, or the same in both`);
  }
  return part ?? fromUrl;
}

function credentials(
  judge: Judge,
  names: { readonly url: string; readonly username: string; readonly password: string },
  given: {
    readonly url: Secret | undefined;
    readonly username: string | undefined;
    readonly password: Secret | undefined;
  },
  fallback: { readonly username: string; readonly password: string },
): Credentials {
  const url = parse(given.url);
  const urlUser = url && url.username !== '' ? decodeURIComponent(url.username) : undefined;
  const urlPassword = url && url.password !== '' ? decodeURIComponent(url.password) : undefined;
  const username = agree(judge, names.url, names.username, urlUser, given.username);
  if (urlPassword !== undefined && given.password !== undefined && urlPassword !== given.password()) {
    judge.fault(
      [names.password, names.url],
      'say different things',
      `one place for ${names.password}, or the same in both`,
    );
  }
  const password = given.password ?? (urlPassword === undefined ? undefined : passwordOf(given.url, urlPassword));
  if (username === undefined && password === undefined) {
    if (judge.production) {
      judge.fault(
        [names.password],
        'is not set, and the credentials for development are not used when NODE_ENV is production',
        `a user and a password in ${names.username} and ${names.password} (or ${names.password}_FILE), or in ${names.url}`,
      );
    }
    return { username: fallback.username, password: () => fallback.password };
  }
  if (judge.production && password?.() === fallback.password) {
    judge.warn(names.password, 'is the password for development, which everybody knows');
  }
  // A password without a user is for the usual user; a user without a password has none (a certificate, or trust).
  return { username: username ?? fallback.username, password: password ?? emptyPassword };
}

/** The password as it stands in the url now; the first one when the rotated file holds no url any more. */
function passwordOf(url: Secret | undefined, first: string): Secret {
  return () => {
    try {
      return decodeURIComponent(parse(url)?.password ?? '') || first;
    } catch {
      return first;
    }
  };
}

function parse(url: Secret | undefined): URL | undefined {
  const text = url?.();
  return text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
}

/** `[::1]` as urls write it, `::1` as sockets want it. */
const hostOf = (url: URL | undefined): string | undefined =>
  url === undefined ? undefined : decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1');
const portOf = (url: URL | undefined): number | undefined => (url && url.port !== '' ? Number(url.port) : undefined);
const pathOf = (url: URL | undefined): string | undefined => {
  const path = decodeURIComponent(url?.pathname.slice(1) ?? '');
  return path === '' ? undefined : path;
};

export interface BrokerParts {
  readonly url: Secret | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly username: string | undefined;
  readonly password: Secret | undefined;
  readonly vhost: string | undefined;
  readonly caFile: string | undefined;
}

export function brokerEndpoint(parts: BrokerParts, judge: Judge): BrokerEndpoint {
  const name = 'RABBITMQ_URL';
  const url = parse(parts.url);
  const tls = url?.protocol === 'amqps:';
  refuseParameters(judge, name, url, [], 'heartbeat and the like have variables of their own');
  if (parts.caFile !== undefined && !tls) {
    judge.fault(
      ['RABBITMQ_CA_FILE'],
      'is set, but the connection does not use TLS',
      'a RABBITMQ_URL that begins with amqps://',
    );
  }
  return {
    tls,
    host: agree(judge, name, 'RABBITMQ_HOST', hostOf(url), unbracketed(parts.host)) ?? 'localhost',
    port: agree(judge, name, 'RABBITMQ_PORT', portOf(url), parts.port) ?? (tls ? 5671 : 5672),
    vhost: agree(judge, name, 'RABBITMQ_VHOST', pathOf(url), parts.vhost) ?? '/',
    ...credentials(
      judge,
      { url: name, username: 'RABBITMQ_USERNAME', password: 'RABBITMQ_PASSWORD' },
      parts,
      development.broker,
    ),
    caFile: parts.caFile,
  };
}

export interface PostgresParts {
  readonly url: Secret | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly database: string | undefined;
  readonly username: string | undefined;
  readonly password: Secret | undefined;
  readonly sslMode: SslMode | undefined;
  readonly caFile: string | undefined;
}

export function postgresEndpoint(parts: PostgresParts, judge: Judge, modes: readonly SslMode[]): PostgresEndpoint {
  const name = 'POSTGRES_URL';
  const url = parse(parts.url);
  refuseParameters(judge, name, url, ['sslmode'], 'sslmode is the only one');
  const written = url?.searchParams.get('sslmode') ?? undefined;
  const urlMode = modes.find((mode) => mode === written);
  if (written !== undefined && urlMode === undefined) {
    judge.fault([name], 'has an sslmode that is not known', `sslmode=${modes.join(', ')}`);
  }
  const sslMode = agree(judge, name, 'POSTGRES_SSLMODE', urlMode, parts.sslMode) ?? 'disable';
  if (sslMode === 'require') {
    judge.warn(
      'POSTGRES_SSLMODE',
      'is require: traffic is encrypted, but the server could be anybody; use verify-full',
    );
  }
  if (sslMode === 'verify-ca' && parts.caFile === undefined) {
    judge.fault(
      ['POSTGRES_SSLMODE'],
      'is verify-ca, but no POSTGRES_CA_FILE says which authorities: anybody can get a certificate of a public one',
      'verify-full, or verify-ca with POSTGRES_CA_FILE',
    );
  }
  if (parts.caFile !== undefined && !sslMode.startsWith('verify-')) {
    judge.fault(
      ['POSTGRES_CA_FILE', 'POSTGRES_SSLMODE'],
      `do not fit: with ${sslMode} no certificate is checked`,
      'verify-ca or verify-full',
    );
  }
  return {
    host: agree(judge, name, 'POSTGRES_HOST', hostOf(url), unbracketed(parts.host)) ?? 'localhost',
    port: agree(judge, name, 'POSTGRES_PORT', portOf(url), parts.port) ?? 5432,
    database: agree(judge, name, 'POSTGRES_DATABASE', pathOf(url), parts.database) ?? 'inator',
    ...credentials(
      judge,
      { url: name, username: 'POSTGRES_USERNAME', password: 'POSTGRES_PASSWORD' },
      parts,
      development.postgres,
    ),
    sslMode,
    caFile: parts.caFile,
  };
}

export interface Neo4jParts {
  readonly url: Secret | undefined;
  readonly username: string | undefined;
  readonly password: Secret | undefined;
  readonly database: string;
  readonly caFile: string | undefined;
}

export function neo4jEndpoint(parts: Neo4jParts, judge: Judge): Neo4jEndpoint {
  const name = 'NEO4J_URI';
  const url = parse(parts.url) ?? new URL('bolt://localhost:7687');
  if (url.pathname !== '' && url.pathname !== '/') {
    judge.fault([name], 'has a path', 'no path; the database goes into NEO4J_DATABASE');
  }
  if (parts.caFile !== undefined && !url.protocol.endsWith('+s:')) {
    judge.fault(
      ['NEO4J_CA_FILE', name],
      'do not fit: the connection does not use TLS',
      'a NEO4J_URI that begins with bolt+s:// or neo4j+s://',
    );
  }
  return {
    uri: `${url.protocol}//${url.host}${url.search}`,
    ...credentials(
      judge,
      { url: name, username: 'NEO4J_USERNAME', password: 'NEO4J_PASSWORD' },
      parts,
      development.neo4j,
    ),
    database: parts.database,
    caFile: parts.caFile,
  };
}

const unbracketed = (host: string | undefined): string | undefined => host?.replace(/^\[(.*)\]$/, '$1');

function refuseParameters(
  judge: Judge,
  name: string,
  url: URL | undefined,
  allowed: readonly string[],
  hint: string,
): void {
  const strange = [...(url?.searchParams.keys() ?? [])].filter((key) => !allowed.includes(key));
  if (strange.length > 0) {
    judge.fault([name], `has parameters that are not read: ${strange.join(', ')}`, `no others (${hint})`);
  }
}
