/** RabbitMQ to PostgreSQL: which models, which store. */
import { readFileSync } from 'node:fs';
import { milliseconds, type TableinatorConfig } from '@inator/config';
import { createTableModels } from '@inator/declared';
import * as discogs from '@inator/discogs';
import { createPostgres, createTableSink } from '@inator/postgres';
import type { TableModel } from '@inator/runtime';
import { type Kit, purgeSettings, type Store } from '@inator/service';

export function wire({ config, log, lane }: Kit<TableinatorConfig>): Store {
  const { endpoint, schema, writePath, gin, ...pool } = config.postgres;
  const postgres = createPostgres({
    host: endpoint.host,
    port: endpoint.port,
    database: endpoint.database,
    user: endpoint.username,
    password: endpoint.password,
    sslMode: endpoint.sslMode,
    ca: endpoint.caFile === undefined ? undefined : readFileSync(endpoint.caFile, 'utf8'),
    schema,
    applicationName: `${config.service.name} ${config.service.instance}`,
    poolMax: pool.poolMax,
    poolMin: pool.poolMin,
    maxRetries: pool.poolMaxRetries,
    healthCheckIntervalMs: milliseconds(pool.poolHealthCheckIntervalSeconds),
    statementTimeoutMs: milliseconds(pool.statementTimeoutSeconds),
    lockTimeoutMs: milliseconds(pool.lockTimeoutSeconds),
  });
  const reading = { limits: config.limits, seqField: config.ordering.seqField };
  const open = <R>(type: string, model: TableModel<R> | undefined): void => {
    if (model === undefined) throw new Error(`the domain ${config.service.domain} has no table of type ${type}`);
    const sink = createTableSink(postgres, model, {
      writePath,
      gin: gin === 'false' ? false : gin,
      warn: (reason) => log.write('store.warning', { reason }),
      purge: purgeSettings(config),
    });
    lane(type, model, sink);
  };
  if (config.service.model === undefined) {
    const models = discogs.createTableModels(reading);
    for (const type of config.service.dataTypes) open(type, discogs.isRecordType(type) ? models[type] : undefined);
  } else {
    const models = createTableModels(config.service.model, reading);
    for (const type of config.service.dataTypes) open(type, models.get(type));
  }
  return {
    check: (signal) => postgres.check(signal),
    advice: 'Check POSTGRES_URL, and that the server runs and takes writes; nothing is lost meanwhile.',
    pool: () => postgres.stats(),
    async warnings() {
      const { maxConnections, reserved, roleLimit, databaseLimit, peers } = await postgres.limits();
      const allowed = Math.min(maxConnections - reserved, roleLimit ?? Infinity, databaseLimit ?? Infinity);
      const replicas = peers + 1;
      if (pool.poolMax * replicas <= allowed) return postgres.warnings;
      const whose = replicas === 1 ? 'this process alone' : `each of ${replicas} processes`;
      const short = `POSTGRES_POOL_MAX is ${pool.poolMax} for ${whose}, but the server gives this role ${allowed} connections: lower it, or raise max_connections (${maxConnections})`;
      return [...postgres.warnings, short];
    },
    close: () => postgres.close(),
  };
}
