/** RabbitMQ to Neo4j: which models, which store. */
import type { GraphinatorConfig } from '@inator/config';
import { createGraphModels, isRecordType } from '@inator/discogs';
import { createGraphSink, createNeo4j } from '@inator/neo4j';
import type { Kit, Store } from '@inator/service';

export function wire({ config, lane }: Kit<GraphinatorConfig>): Store {
  const { endpoint } = config.neo4j;
  const neo4j = createNeo4j({
    uri: endpoint.uri,
    username: endpoint.username,
    password: endpoint.password,
    database: endpoint.database,
    caFile: endpoint.caFile,
    userAgent: `inator ${config.service.instance}`,
  });
  const models = createGraphModels({ limits: config.limits, seqField: config.ordering.seqField });
  for (const type of config.service.dataTypes) {
    if (!isRecordType(type)) throw new Error(`the domain ${config.service.domain} has no type ${type}`);
    lane(type, models[type], createGraphSink(neo4j, models[type]));
  }
  return {
    check: (signal) => neo4j.check(signal),
    advice: 'Check NEO4J_URI and the credentials, and that the server takes writes; nothing is lost meanwhile.',
    close: () => neo4j.close(),
  };
}
