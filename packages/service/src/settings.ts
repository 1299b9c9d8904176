/** From a service's configuration to what the rooms below take: the only place where their words meet. */
import { readFileSync } from 'node:fs';
import { milliseconds, type ServiceConfig } from '@inator/config';
import type { BrokerSettings, QueueSpec } from '@inator/rabbitmq';
import { queueNames } from '@inator/rabbitmq';
import { defaultBrake, defaultHold, type LaneSettings, type PurgeSettings } from '@inator/runtime';

/**
 * Returns after which a record is handled alone, and after which it is condemned, for a broker that drops, or
 * dead-letters without a reason, what came back more than `deliveryLimit` times: ours must come before that, and no
 * record is condemned before it was tried alone. A record that came back three times is no longer innocent.
 */
export function returnLimits(deliveryLimit: number): Pick<LaneSettings, 'suspectAfter' | 'condemnAfter'> {
  const condemnAfter = deliveryLimit - 2;
  return { suspectAfter: Math.min(3, condemnAfter - 1), condemnAfter };
}

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
    ...returnLimits(rabbitmq.deliveryLimit),
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
