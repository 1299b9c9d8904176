/** RabbitMQ to Neo4j: which models, which store. */
import { type GraphinatorConfig, milliseconds } from '@inator/config';
import { createGraphModels } from '@inator/declared';
import * as discogs from '@inator/discogs';
import { createGraphSink, createNeo4j } from '@inator/neo4j';
import type { GraphModel } from '@inator/runtime';
import { type Kit, purgeSettings, type Store } from '@inator/service';

export function wire({ config, lane }: Kit<GraphinatorConfig>): Store {
  const { endpoint, transactionTimeoutSeconds } = config.neo4j;
  const neo4j = createNeo4j({
    uri: endpoint.uri,
    username: endpoint.username,
    password: endpoint.password,
    database: endpoint.database,
    caFile: endpoint.caFile,
    transactionTimeoutMs: milliseconds(transactionTimeoutSeconds),
    userAgent: `inator ${config.service.instance}`,
  });
  const reading = { limits: config.limits, seqField: config.ordering.seqField };
  const open = <R>(type: string, model: GraphModel<R> | undefined): void => {
    if (model === undefined) throw new Error(`the domain ${config.service.domain} has no graph of type ${type}`);
    lane(type, model, createGraphSink(neo4j, model, { purge: purgeSettings(config) }));
  };
  if (config.service.model === undefined) {
    const models = discogs.createGraphModels(reading);
    for (const type of config.service.dataTypes) open(type, discogs.isRecordType(type) ? models[type] : undefined);
  } else {
    const models = createGraphModels(config.service.model, reading);
    for (const type of config.service.dataTypes) open(type, models.get(type));
  }
  return {
    check: (signal) => neo4j.check(signal),
    pool: () => ({ active: neo4j.stats().inFlight }),
    advice: 'Check NEO4J_URI and the credentials, and that the server takes writes; nothing is lost meanwhile.',
    close: () => neo4j.close(),
  };
}
