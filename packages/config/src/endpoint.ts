/** Where each server is, put together from its url and its parts: see parts.ts for the rule. */
import type { Secret } from './key.ts';
import {
  agree,
  announce,
  credentials,
  development,
  hostOf,
  parse,
  pathOf,
  portOf,
  refuseParameters,
  unbracketed,
} from './parts.ts';
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
  const endpoint = joinBroker(parts, judge);
  const { host, port, username, vhost } = endpoint;
  announce(judge, 'RABBITMQ', { HOST: host, PORT: port, USERNAME: username, VHOST: vhost });
  return endpoint;
}

function joinBroker(parts: BrokerParts, judge: Judge): BrokerEndpoint {
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
  const endpoint = joinPostgres(parts, judge, modes);
  const { host, port, database, username, sslMode } = endpoint;
  announce(judge, 'POSTGRES', { HOST: host, PORT: port, DATABASE: database, USERNAME: username, SSLMODE: sslMode });
  return endpoint;
}

function joinPostgres(parts: PostgresParts, judge: Judge, modes: readonly SslMode[]): PostgresEndpoint {
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
  const endpoint = joinNeo4j(parts, judge);
  announce(judge, 'NEO4J', { USERNAME: endpoint.username });
  if (!judge.given('NEO4J_URI')) judge.effective('NEO4J_URI', endpoint.uri);
  return endpoint;
}

function joinNeo4j(parts: Neo4jParts, judge: Judge): Neo4jEndpoint {
  const name = 'NEO4J_URI';
  const url = parse(parts.url) ?? new URL('bolt://localhost:7687');
  if (!url.protocol.startsWith('neo4j')) {
    refuseParameters(judge, name, url, [], 'the driver takes a routing context with neo4j:// alone');
  }
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
