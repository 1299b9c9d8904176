/** The two services: which keys they have, and what is made of them. */
import { hostname } from 'node:os';
import { graphWriters, longestHoldSeconds, windowFor, writersFor } from './derive.ts';
import { brokerEndpoint, neo4jEndpoint, postgresEndpoint } from './endpoint.ts';
import { batching } from './groups/batching.ts';
import { broker } from './groups/broker.ts';
import { type Domain, typesOfDomain } from './groups/domain.ts';
import { neo4j } from './groups/neo4j.ts';
import { postgres, sslModes } from './groups/postgres.ts';
import { purge } from './groups/purge.ts';
import { brake, health, limits, log, ordering, service } from './groups/service.ts';
import type { Judge, ServiceName, ServiceSpec, ValuesOf } from './spec.ts';

const shared = { broker, limits, brake, ordering, purge, log, service } as const;
const tableGroups = { ...shared, postgres, batching: batching('POSTGRES'), health: health(8002) } as const;
const graphGroups = { ...shared, neo4j, batching: batching('NEO4J'), health: health(8001) } as const;

type Shared = ValuesOf<typeof shared>;
type Batching = ValuesOf<typeof tableGroups>['batching'];

/** A token of fewer characters is warned of. */
const shortestToken = 16;

/** What both services have in common. */
function finishShared(
  name: ServiceName,
  values: Shared & { readonly batching: Batching; readonly health: ValuesOf<typeof tableGroups>['health'] },
  judge: Judge,
  store: { readonly prefix: 'POSTGRES' | 'NEO4J'; readonly floor: number; readonly poolMax: number | undefined },
) {
  const { prefetch, url, host, port, username, password, vhost, caFile, ...consuming } = values.broker;
  const { batchSize, maxPending } = values.batching;
  const { domain } = values.service;
  const sizeName = `${store.prefix}_BATCH_SIZE`;
  const dataTypes = typesOf(domain, name, values.service.dataTypes, judge);
  const lanes = dataTypes.length;

  if (maxPending < batchSize) {
    judge.fault(
      ['BATCH_MAX_PENDING', sizeName],
      `do not fit: a batch of ${batchSize} records never fills with ${maxPending} pending`,
      `a BATCH_MAX_PENDING of at least ${sizeName}`,
    );
  }
  if (values.batching.maxPendingBytes < values.limits.recordBytes) {
    judge.fault(
      ['BATCH_MAX_PENDING_BYTES', 'MAX_RECORD_BYTES'],
      'do not fit: one record of the largest size would already be too much',
      'a BATCH_MAX_PENDING_BYTES of at least MAX_RECORD_BYTES',
    );
  }
  const { seqSource, seqField } = values.ordering;
  if (seqSource === 'body' && seqField === undefined && !versionsAreDeclared(domain)) {
    judge.fault(['SEQ_SOURCE'], 'is body, but SEQ_FIELD does not say which member', 'SEQ_FIELD to be set as well');
  }
  if (seqField !== undefined && seqSource !== 'body' && seqSource !== 'auto') {
    judge.warn('SEQ_FIELD', `is not read, because SEQ_SOURCE is ${seqSource}`);
  }
  if (values.ordering.singleActiveConsumer && values.broker.passive) {
    judge.warn('SINGLE_ACTIVE_CONSUMER', 'has no effect with RABBITMQ_PASSIVE: the queues must have been declared so');
  }

  const asked = values.batching.writers ?? graphWriters(batchSize, maxPending, lanes);
  const writers = store.poolMax === undefined ? asked : writersFor(asked, lanes, store.poolMax);
  if (store.poolMax !== undefined && lanes * writers > store.poolMax) {
    judge.warn('POSTGRES_POOL_MAX', `is ${store.poolMax}, less than one connection for each of ${lanes} types`);
  } else if (writers < asked) {
    judge.warn(
      `${store.prefix}_WRITERS`,
      `is ${asked}, cut to ${writers}: ${lanes} types × writers must not pass the pool of ${store.poolMax}`,
    );
  }
  const { adaptive, sizeMin, sizeMax: largest } = values.batching;
  if (adaptive && !(sizeMin <= batchSize && batchSize <= largest)) {
    judge.fault(
      ['BATCH_SIZE_MIN', sizeName, 'BATCH_SIZE_MAX'],
      `do not fit: ${batchSize}, with which it begins, is not between ${sizeMin} and ${largest}`,
      'the batch size between the bounds',
    );
  }
  const fullest = adaptive ? Math.max(batchSize, largest) : batchSize;
  const { window, by } = windowFor({ prefetch, batchSize: fullest, writers, maxPending, lanes, floor: store.floor });
  if (prefetch !== undefined && by === 'pending') {
    judge.warn(
      'RABBITMQ_PREFETCH',
      `is ${prefetch}, cut to ${window}: the windows of ${lanes} types together must not pass BATCH_MAX_PENDING (${maxPending})`,
    );
  }
  if (window < batchSize) {
    const cause = by === 'prefetch' ? 'RABBITMQ_PREFETCH' : 'BATCH_MAX_PENDING';
    judge.warn(cause, `allows a window of ${window} a type: batches will have ${window} records, not ${batchSize}`);
  } else if (window < batchSize * writers) {
    const cause = by === 'prefetch' ? 'RABBITMQ_PREFETCH' : 'BATCH_MAX_PENDING';
    const least = batchSize * writers * (by === 'prefetch' ? 1 : lanes);
    judge.warn(
      cause,
      `allows a window of ${window} a type, less than ${writers} writers' batches of ${batchSize}: they will be smaller; ${least} would do`,
    );
  }
  const token = values.health.token?.();
  if (token !== undefined && token.length < shortestToken) {
    judge.warn('ADMIN_TOKEN', `has ${token.length} characters, fewer than ${shortestToken}: it can be guessed`);
  }
  const exchangePrefix = prefixOf(domain, consuming.exchangePrefix, judge);
  const instance = values.service.instance ?? hostname();
  judge.effective('DATA_TYPES', dataTypes.join(','));
  judge.effective('INSTANCE', instance);
  judge.effective('RABBITMQ_PREFETCH', window);
  if (writers !== values.batching.writers) judge.effective(`${store.prefix}_WRITERS`, writers);

  return {
    service: {
      name,
      domain: domain.name,
      /** The model of one's own; undefined with a preset. */
      model: domain.is === 'declared' ? domain.model : undefined,
      dataTypes,
      instance,
      drainTimeoutSeconds: values.service.drainTimeoutSeconds,
    },
    rabbitmq: {
      ...consuming,
      exchangePrefix,
      endpoint: brokerEndpoint({ url, host, port, username, password, vhost, caFile }, judge),
      longestHoldSeconds: longestHoldSeconds(consuming.consumerTimeoutSeconds),
    },
    batch: {
      ...values.batching,
      /** What each writer can still fill within the window. */
      sizeMax: Math.max(batchSize, Math.min(largest, Math.floor(window / writers))),
      /** Writers of one lane, within the pool. */
      writers,
      /** Messages in hand, for one lane. */
      window,
      windowBy: by,
    },
    limits: values.limits,
    brake: values.brake,
    ordering: values.ordering,
    purge: values.purge,
    health: values.health,
    log: values.log,
  } as const;
}

function typesOf(
  domain: Domain,
  service: ServiceName,
  asked: readonly string[] | undefined,
  judge: Judge,
): readonly string[] {
  const all = typesOfDomain(domain, service);
  if (all.length === 0) {
    const what = service === 'tableinator' ? 'table' : 'graph';
    judge.fault(
      ['DOMAIN'],
      `names a model without a ${what}: there is nothing for ${service} to do`,
      `a model with a ${what}`,
    );
  }
  const strange = asked?.filter((type) => !all.includes(type)) ?? [];
  if (strange.length > 0) {
    const what = `names ${strange.join(', ')}, which ${domain.name} does not have`;
    // Of a domain that could not be read nobody knows the types.
    if (!judge.faulty('DOMAIN')) judge.fault(['DATA_TYPES'], what, `some of ${all.join(', ')}`);
    return all;
  }
  return asked ?? all;
}

/** Whether every type of a model says where its version stands. */
function versionsAreDeclared(domain: Domain): boolean {
  return domain.is === 'declared' && domain.model.kinds.every(({ version }) => version !== undefined);
}

/** A model's exchanges are called as it is, unless the operator says otherwise. */
function prefixOf(domain: Domain, configured: string, judge: Judge): string {
  if (domain.is === 'preset' || judge.given('RABBITMQ_EXCHANGE_PREFIX')) return configured;
  judge.effective('RABBITMQ_EXCHANGE_PREFIX', domain.name);
  return domain.name;
}

function finishTables(values: ValuesOf<typeof tableGroups>, judge: Judge) {
  const { url, host, port, database, username, password, sslMode, caFile, ...rest } = values.postgres;
  if (rest.poolMin > rest.poolMax && judge.given('POSTGRES_POOL_MIN')) {
    judge.fault(
      ['POSTGRES_POOL_MIN', 'POSTGRES_POOL_MAX'],
      `do not fit: ${rest.poolMin} kept open, ${rest.poolMax} allowed`,
      'a POSTGRES_POOL_MIN of at most POSTGRES_POOL_MAX',
    );
  }
  // Only a default can still be above the maximum here.
  const poolMin = Math.min(rest.poolMin, rest.poolMax);
  if (poolMin !== rest.poolMin) judge.effective('POSTGRES_POOL_MIN', poolMin);
  return {
    ...finishShared('tableinator', values, judge, { prefix: 'POSTGRES', floor: 50, poolMax: rest.poolMax }),
    postgres: {
      ...rest,
      poolMin,
      endpoint: postgresEndpoint({ url, host, port, database, username, password, sslMode, caFile }, judge, sslModes),
    },
  } as const;
}

function finishGraphs(values: ValuesOf<typeof graphGroups>, judge: Judge) {
  return {
    ...finishShared('graphinator', values, judge, { prefix: 'NEO4J', floor: 10, poolMax: undefined }),
    neo4j: {
      endpoint: neo4jEndpoint(values.neo4j, judge),
      transactionTimeoutSeconds: values.neo4j.transactionTimeoutSeconds,
    },
  } as const;
}

/**
 * The configuration of a service. Names that end in `Seconds`, and `flushInterval`, are seconds; the rest of the units
 * are in docs/reference/configuration.md.
 */
export type TableinatorConfig = ReturnType<typeof finishTables>;
export type GraphinatorConfig = ReturnType<typeof finishGraphs>;

export const tableinator: ServiceSpec<typeof tableGroups, TableinatorConfig> = {
  service: 'tableinator',
  groups: tableGroups,
  finish: finishTables,
};

export const graphinator: ServiceSpec<typeof graphGroups, GraphinatorConfig> = {
  service: 'graphinator',
  groups: graphGroups,
  finish: finishGraphs,
};

/** Everything that the service, its lanes and its log share, whichever the store. */
export type ServiceConfig = Omit<TableinatorConfig, 'postgres'> | Omit<GraphinatorConfig, 'neo4j'>;
