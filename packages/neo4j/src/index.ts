export { createNeo4j, type Neo4j, type Neo4jStats } from './driver.ts';
export { classify, type FaultRow, faultTable } from './faults.ts';
export type { LedgerSettings } from './ledger/ledger.ts';
export { duplicatesStatement } from './schema.ts';
export type { Neo4jSettings } from './settings.ts';
export { createGraphSink, type GraphSink, type GraphSinkOptions, type GraphSinkStats } from './sink.ts';
