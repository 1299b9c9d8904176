/** Where the servers are, from the same variables that the services read. Only what a command needs is judged. */
import { readFileSync } from 'node:fs';
import {
  type BrokerEndpoint,
  faultLine,
  type GraphinatorConfig,
  graphinator,
  readConfig,
  type TableinatorConfig,
  tableinator,
} from '@inator/config';
import type { BrokerSettings } from '@inator/rabbitmq';
import { CliError, exitCodes } from '../exit.ts';
import type { Environment } from '../io.ts';

/** A mistyped batch size is no reason not to publish: variables that the command does not read are left out. */
function only(env: Environment, prefix: string): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith(prefix)));
}

function ok<C>(result: { readonly ok: C } | { readonly faults: readonly Parameters<typeof faultLine>[0][] }): C {
  if ('ok' in result) return result.ok;
  throw new CliError(result.faults.map(faultLine).join('\n       '), {
    exitCode: exitCodes.usage,
    next: 'inator config --check',
  });
}

function tls({ tls: on, caFile }: BrokerEndpoint): Pick<BrokerSettings, 'tls'> {
  if (!on) return {};
  return { tls: caFile === undefined ? {} : { ca: readFileSync(caFile) } };
}

export interface BrokerTarget {
  readonly settings: BrokerSettings;
  /** `amqp://host:port/vhost`: for people and for state files, never with credentials. */
  readonly address: string;
  readonly exchangePrefix: string;
  readonly queueType: 'quorum' | 'classic';
  /** Nothing may be declared. */
  readonly passive: boolean;
  readonly singleActiveConsumer: boolean;
  /** What the services take the queues' delivery limit for. */
  readonly deliveryLimit: number;
  readonly managementUrl: TableinatorConfig['rabbitmq']['managementUrl'];
}

export function brokerTarget(env: Environment): BrokerTarget {
  const { rabbitmq, ordering } = ok(
    readConfig(tableinator, { ...only(env, 'RABBITMQ_'), ...only(env, 'SINGLE_ACTIVE_') }),
  );
  const { endpoint, exchangePrefix, queueType, passive, heartbeat, managementUrl, deliveryLimit } = rabbitmq;
  const { host, port, username, password, vhost } = endpoint;
  return {
    settings: {
      host,
      port,
      username,
      password,
      vhost,
      heartbeatSeconds: heartbeat,
      connectionName: 'inator command',
      ...tls(endpoint),
    },
    address: `${endpoint.tls ? 'amqps' : 'amqp'}://${host}:${port}/${encodeURIComponent(vhost)}`,
    exchangePrefix,
    queueType,
    passive,
    singleActiveConsumer: ordering.singleActiveConsumer,
    deliveryLimit,
    managementUrl,
  };
}

/** PostgreSQL as tableinator would reach it. */
export function postgresTarget(env: Environment): TableinatorConfig['postgres'] {
  return ok(readConfig(tableinator, only(env, 'POSTGRES_'))).postgres;
}

/** Neo4j as graphinator would reach it. */
export function neo4jTarget(env: Environment): GraphinatorConfig['neo4j'] {
  return ok(readConfig(graphinator, only(env, 'NEO4J_'))).neo4j;
}

/** What becomes of vanished records; off where the variables of the purge cannot be read, which `config --check` tells. */
export function purgeMode(env: Environment): TableinatorConfig['purge']['mode'] {
  const result = readConfig(tableinator, only(env, 'PURGE_'));
  return 'ok' in result ? result.ok.purge.mode : 'off';
}

/** The types that a service consumes; undefined where its variables cannot be read, which `config --check` tells. */
export function dataTypesOf(env: Environment, service: 'tableinator' | 'graphinator'): readonly string[] | undefined {
  const given = { ...only(env, 'DATA_TYPES'), ...only(env, 'DOMAIN') };
  const result = service === 'tableinator' ? readConfig(tableinator, given) : readConfig(graphinator, given);
  return 'ok' in result ? result.ok.service.dataTypes : undefined;
}
