/**
 * GIN indices, the dearest part of a write: a document of 1.25 KB puts some forty entries into the index. They are what
 * makes `data @> ...` quick, so they are on unless the operator says otherwise.
 */
import type { TableSpec } from '@inator/runtime';

/** The operator class of the GIN indices, or `false` for none. */
export type Gin = 'jsonb_path_ops' | 'jsonb_ops' | false;

/**
 * The pending list of a GIN index, in KiB, and the memory, in MiB, with which a writer that fills it up sorts it into
 * the index. Larger lists are sorted in with fewer page visits: measured over 40,000 new documents of 1.25 KB, the
 * writer's CPU per record was 134 microseconds with the server's defaults (4 MiB and 4 MiB) and 117 with these, of
 * which 17 are left to vacuum. Beyond them the total grows again, and with it the pause of the batch that meets a full list.
 */
const pendingListKiB = 16_384;
const sortMiB = 64;

/** Storage parameters of a GIN index, as they stand in CREATE INDEX. */
export const ginStorage = ` WITH (gin_pending_list_limit = ${pendingListKiB})`;

/** To be set in the transaction of a write into a table with a GIN index. */
export const ginMemory = `SET LOCAL work_mem = '${sortMiB}MB'`;

/** The table with the GIN indices that the operator wants; `undefined` leaves them as the model says. */
export function withGin(table: TableSpec, gin: Gin | undefined): TableSpec {
  if (gin === undefined) return table;
  const others = table.indexes.filter(({ method }) => method !== 'gin');
  if (gin === false) return { ...table, indexes: others };
  const indexes = table.indexes.map((index) => (index.method === 'gin' ? { ...index, operatorClass: gin } : index));
  return { ...table, indexes };
}
