/** Why a table that is there cannot be written as it is: compared with the catalogue, before the first record meets it. */
import type { TableSpec } from '@inator/runtime';
import type { Postgres } from '../pool/pool.ts';
import { type CatalogColumn, type CatalogTable, readTable } from './catalog.ts';
import { catalogNames, createdColumn, seqColumn, stagedColumns, updatedColumn } from './columns.ts';
import { qualified, quoted } from './names.ts';

export interface Complaint {
  /** What is wrong, with the names. */
  readonly says: string;
  /** The statement that mends it, where one does. */
  readonly mend?: string;
}

export function sentenceOf({ says, mend }: Complaint): string {
  return mend === undefined ? says : `${says}: ${mend}`;
}

/** Of a table that is there: what the sink would refuse it for when it opens; undefined also for one that is not there. */
export async function tableComplaint(postgres: Postgres, table: TableSpec): Promise<Complaint | undefined> {
  const { schema } = postgres.settings;
  const found = await postgres.lease((lease) => readTable(lease, schema, table.name));
  return found && complaintOf(found, schema, table);
}

/** Records are Unicode: a database of another encoding would refuse every one with a character that it has not got. */
export function encodingComplaint(database: string, encoding: string): Complaint | undefined {
  if (encoding === 'UTF8') return undefined;
  return {
    says: `database ${quoted(database)} has the encoding ${encoding}, which cannot hold every character of a record`,
    mend: "CREATE DATABASE a_name TEMPLATE template0 ENCODING 'UTF8', and name that in POSTGRES_URL",
  };
}

/** The first thing that stands in the way of writing; undefined for a table that can be written. */
export function complaintOf(found: CatalogTable, schema: string, table: TableSpec): Complaint | undefined {
  const target = qualified(schema, table.name);
  if (found.kind !== 'r' && found.kind !== 'p') return { says: `${target} is there, but it is not a table` };
  return (
    missingColumn(found, target, table) ??
    unfilledColumn(found, target, table) ??
    missingKey(found, target, table) ??
    missingRights(found, target)
  );
}

function missingColumn(found: CatalogTable, target: string, table: TableSpec): Complaint | undefined {
  const wanted = [
    ...stagedColumns(table),
    { name: createdColumn, type: 'timestamptz' as const },
    { name: updatedColumn, type: 'timestamptz' as const },
  ];
  for (const { name, type } of wanted) {
    const column = found.columns.find((other) => other.name === name);
    if (column === undefined) {
      return {
        says: `${target} has no column ${quoted(name)}`,
        mend: `ALTER TABLE ${target} ADD ${quoted(name)} ${type}`,
      };
    }
    if (!catalogNames[type].includes(column.base)) {
      return { says: `column ${quoted(name)} of ${target} is ${column.declared}, but ${type} is wanted` };
    }
  }
  return undefined;
}

/** A column that would refuse every record, or every record without a version, whatever is in it. */
function unfilledColumn(found: CatalogTable, target: string, table: TableSpec): Complaint | undefined {
  const alter = (column: CatalogColumn, how: string): string =>
    `ALTER TABLE ${target} ALTER ${quoted(column.name)} ${how}`;
  const seq = found.columns.find(({ name }) => name === seqColumn);
  if (seq?.notNull) {
    return {
      says: `column "${seqColumn}" of ${target} is NOT NULL, but a record without a version has none`,
      mend: alter(seq, seq.identity ? 'DROP IDENTITY, ALTER "seq" DROP NOT NULL' : 'DROP NOT NULL'),
    };
  }
  const staged = new Set(stagedColumns(table).map(({ name }) => name));
  const unfilled = found.columns.find(({ name, notNull, filled }) => notNull && !filled && !staged.has(name));
  if (unfilled === undefined) return undefined;
  const isTime = unfilled.name === createdColumn || unfilled.name === updatedColumn;
  return {
    says: `column ${quoted(unfilled.name)} of ${target} is NOT NULL without a default, and nothing fills it`,
    mend: alter(unfilled, isTime ? 'SET DEFAULT pg_catalog.now()' : 'DROP NOT NULL'),
  };
}

function missingKey(found: CatalogTable, target: string, { name, key }: TableSpec): Complaint | undefined {
  if (found.uniqueColumns.includes(key)) return undefined;
  return {
    says: `${target} has no primary key on ${quoted(key)}`,
    mend: `ALTER TABLE ${target} ADD CONSTRAINT ${quoted(`${name}_pkey`)} PRIMARY KEY (${quoted(key)})`,
  };
}

function missingRights({ missing }: CatalogTable, target: string): Complaint | undefined {
  if (missing.length === 0) return undefined;
  return { says: 'the role lacks rights', mend: `GRANT ${missing.join(', ')} ON ${target} TO it` };
}
