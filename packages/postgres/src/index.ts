/** Binary COPY and merge into PostgreSQL, over a pool that survives what happens to its connections. */

export {
  type BulkLoad,
  type BulkLoadOptions,
  type BulkNote,
  createBulkLoad,
  type Ended,
} from './bulk/bulk-load.ts';
export { BulkLoadRefused } from './bulk/refused.ts';
export { type ClassifyOptions, classify } from './faults/classify.ts';
export { type LedgerRights, ledgerRights } from './ledger/tables.ts';
export type { Lease } from './pool/lease.ts';
export { createPostgres, type LeaseOptions, type PoolStats, type Postgres, type ServerLimits } from './pool/pool.ts';
export { type PostgresSettings, type ResolvedSettings, type SslMode, sslModes } from './pool/settings.ts';
export { createTableSink, type TableSinkOptions, type WritePathName, writePathNames } from './sink.ts';
export { type Complaint, encodingComplaint, tableComplaint } from './table/complaint.ts';
export type { Gin } from './table/gin.ts';
export { qualified, quoted } from './table/names.ts';
