/**
 * What a table demands of a row by itself, asked of a whole batch in one statement. COPY into a stage that makes the same
 * demands names one culprit and takes nothing; of a batch with several that would cost a COPY each. So after the first
 * the batch is staged without demands, whoever breaks one is taken out again, and the rest is merged.
 */
import type { Fault, SinkError, TableSpec } from '@inator/runtime';
import { demandFault } from '../faults/classify.ts';
import type { CatalogTable } from '../table/catalog.ts';
import { arrivalColumn } from '../table/columns.ts';
import { quoted } from '../table/names.ts';
import { checksOf, copySql, createStageSql, notNullsOf, stage } from './stage.ts';

export interface Judging {
  /** As the table's, but the stage takes everything. */
  readonly stageAndCopy: string;
  /** Takes out of the stage what breaks a demand, and returns it: rows of `Broken`. */
  readonly refuse: string;
  /** By number: what is said of a record that breaks it. */
  readonly faults: readonly Fault[];
}

export interface Broken {
  /** Of the record in its batch. */
  readonly index: number;
  /** The first demand that it breaks. */
  readonly demand: number;
}

/** Whether a record broke what the table demands of it by itself. */
export function isDemand({ is, fault }: SinkError): boolean {
  return is === 'refused' && (fault.native === '23502' || fault.native === '23514');
}

/** Undefined for a table that demands nothing of a row. */
export function judgingOf(table: TableSpec, found: CatalogTable): Judging | undefined {
  // In the order in which the server itself looks at them: NOT NULL, then CHECK by name.
  const demands = [
    ...notNullsOf(table, found).map((name) => ({
      broken: `s.${quoted(name)} IS NULL`,
      fault: demandFault('23502', `column "${name}"`),
    })),
    ...checksOf(table, found).map(({ name, expression }) => ({
      broken: `(${expression}) IS FALSE`,
      fault: demandFault('23514', `constraint "${name}"`),
    })),
  ];
  if (demands.length === 0) return undefined;
  const cases = demands.map(({ broken }, i) => `WHEN ${broken} THEN ${i}`).join(' ');
  return {
    stageAndCopy: [createStageSql(table, found, { demanding: false }), copySql(table)].join('; '),
    refuse:
      `DELETE FROM ${stage} AS s WHERE ${demands.map(({ broken }) => broken).join(' OR ')} ` +
      `RETURNING s.${quoted(arrivalColumn(table))} AS index, CASE ${cases} END AS demand`,
    faults: demands.map(({ fault }) => fault),
  };
}
