/** The Discogs tables: one per type, the body stored as it came. */
import { defaultLimits, examine, type Fault, type TableModel } from '@inator/runtime';
import { createMessageReader, type MessageOptions } from './messages.ts';
import { type RecordType, recordTypes } from './types.ts';

export interface TableOptions extends MessageOptions {
  /**
   * Operator class of the GIN index on `data`. `jsonb_path_ops` (default) serves `@>`, `@?` and `@@`, is smaller and was
   * measured to take new rows 40 % faster; `jsonb_ops` serves `?`, `?|` and `?&` as well.
   */
  readonly gin?: 'jsonb_path_ops' | 'jsonb_ops';
}

/**
 * The table model of each type. A record is its body's bytes: nothing of it is parsed, because one pass over the bytes
 * proves all that the store would otherwise have to refuse. No further indexes: each costs every write.
 */
export function createTableModels(options: TableOptions = {}): Readonly<Record<RecordType, TableModel<Uint8Array>>> {
  return Object.fromEntries(recordTypes.map((type) => [type, createTableModel(type, options)])) as Record<
    RecordType,
    TableModel<Uint8Array>
  >;
}

function createTableModel(type: RecordType, options: TableOptions): TableModel<Uint8Array> {
  const { limits = defaultLimits, gin: operatorClass = 'jsonb_path_ops' } = options;
  const read = createMessageReader(type, options);
  return {
    name: type,
    decode(body) {
      const message = read(body);
      if (message.is !== 'record') return message;
      return { ...message, record: body };
    },
    examine(body): Fault | undefined {
      const examined = examine(body, limits);
      return examined.is === 'refused' ? examined.fault : undefined;
    },
    table: {
      name: type,
      key: 'data_id',
      hash: 'hash',
      columns: [{ name: 'data', type: 'jsonb' }],
      indexes: [
        { name: `idx_${type}_hash`, columns: ['hash'] },
        { name: `idx_${type}_gin`, columns: ['data'], method: 'gin', operatorClass },
      ],
    },
    row: (body) => [body],
  };
}

/** The table models with default limits and indexes. */
export const tableModels = createTableModels();
