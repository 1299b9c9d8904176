/** From a service's configuration to what the rooms below take: the only place where their words meet. */
import { readFileSync } from 'node:fs';
import { milliseconds, type ServiceConfig } from '@inator/config';
import type { BrokerSettings, QueueSpec } from '@inator/rabbitmq';
import { queueNames } from '@inator/rabbitmq';
import { defaultBrake, defaultHold, type LaneSettings, type PurgeSettings } from '@inator/runtime';

/** A record that came back three times is no longer innocent: it is handled alone. */
const suspectAfter = 3;
/** RabbitMQ 4 drops, or dead-letters without a reason, what came back 20 times: ours must come before that. */
const condemnAfter = 18;

export function laneSettings(config: ServiceConfig): LaneSettings {
  const { batch, limits, brake, ordering, rabbitmq } = config;
  return {
    writers: batch.writers,
    batchSize: batch.batchSize,
    batchBytes: batch.maxBytes,
    flushIntervalMs: milliseconds(batch.flushInterval),
    natural: batch.natural,
    adaptive: batch.adaptive ? { min: batch.sizeMin, max: batch.sizeMax } : undefined,
    window: batch.window,
    maxRecordBytes: limits.recordBytes,
    seqSource: ordering.seqSource,
    suspectAfter,
    condemnAfter,
    hold: { ...defaultHold, limitMs: milliseconds(rabbitmq.longestHoldSeconds) },
    brake: { ...defaultBrake, ...brake },
    reopen: { firstMs: 200, maxMs: 10_000 },
  };
}

/** `purpose` tells the connections of one process apart in the broker's list. */
export function brokerSettings(config: ServiceConfig, purpose: 'consume' | 'letters'): BrokerSettings {
  const { endpoint, heartbeat } = config.rabbitmq;
  return {
    host: endpoint.host,
    port: endpoint.port,
    username: endpoint.username,
    password: endpoint.password,
    vhost: endpoint.vhost,
    heartbeatSeconds: heartbeat,
    connectionName: `${config.service.name} ${config.service.instance} ${purpose}`,
    ...(endpoint.tls ? { tls: endpoint.caFile === undefined ? {} : { ca: readFileSync(endpoint.caFile) } } : {}),
  };
}

export function queueSpec(config: ServiceConfig, type: string): QueueSpec {
  const { exchangePrefix, queueType, passive } = config.rabbitmq;
  return {
    ...queueNames(exchangePrefix, config.service.name, type),
    type: queueType,
    passive,
    singleActiveConsumer: config.ordering.singleActiveConsumer,
  };
}

/** How a service's sinks purge. Replicas may take two flush intervals to write what they hold; half again for the rest. */
export function purgeSettings({ purge, batch }: ServiceConfig): PurgeSettings {
  return { ...purge, patienceMs: Math.max(5_000, 3 * milliseconds(batch.flushInterval)) };
}
