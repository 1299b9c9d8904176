export {
  graphWriters,
  longestHoldSeconds,
  milliseconds,
  type Window,
  type WindowParts,
  windowFor,
  writersFor,
} from './derive.ts';
export { describe, faultLine, faultReport, warningLine } from './describe.ts';
export type { BrokerEndpoint, Neo4jEndpoint, PostgresEndpoint, SslMode } from './endpoint.ts';
export { type Domain, domains } from './groups/domain.ts';
export type { Key, KeyType, Secret } from './key.ts';
export { type ConfigResult, type Environment, type Loaded, type ReadFile, readConfig, type Setting } from './read.ts';
export { configurationPage, envExample, type ReferencePage, referencePages } from './reference.ts';
export {
  type GraphinatorConfig,
  graphinator,
  type ServiceConfig,
  type TableinatorConfig,
  tableinator,
} from './services.ts';
export {
  type ConfigFault,
  type ConfigWarning,
  type Group,
  type Groups,
  keysOf,
  type ServiceName,
  type ServiceSpec,
  type ValuesOf,
} from './spec.ts';
