/** The columns of a model's table, in the one order that stage, encoder and merge share. */
import type { ColumnType, TableSpec } from '@inator/runtime';

export interface TableColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly notNull: boolean;
}

/** The columns the sink fills by itself. */
export const seqColumn = 'seq';
export const createdColumn = 'created_at';
export const updatedColumn = 'updated_at';

/** Key, hash, seq, then the model's: what is staged, after the arrival number. */
export function stagedColumns(table: TableSpec): readonly TableColumn[] {
  return [
    { name: table.key, type: 'varchar', notNull: true },
    { name: table.hash, type: 'varchar', notNull: true },
    { name: seqColumn, type: 'bigint', notNull: false },
    ...table.columns.map(({ name, type, nullable }) => ({ name, type, notNull: !(nullable ?? false) })),
  ];
}

/** Name of the arrival number in the stage: one that no column of the table has. */
export function arrivalColumn(table: TableSpec): string {
  const taken = new Set(stagedColumns(table).map(({ name }) => name));
  let name = 'arrival';
  while (taken.has(name)) name += '_';
  return name;
}

/** How the catalogue spells the types. */
export const catalogNames: Readonly<Record<ColumnType, readonly string[]>> = {
  // Alike in every way but a length limit, which the stage mirrors.
  varchar: ['character varying', 'text'],
  text: ['text', 'character varying'],
  jsonb: ['jsonb'],
  bigint: ['bigint'],
  integer: ['integer'],
  'double precision': ['double precision'],
  boolean: ['boolean'],
  timestamptz: ['timestamp with time zone'],
  date: ['date'],
  numeric: ['numeric'],
};
