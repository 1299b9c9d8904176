/** The table is not ours alone, or not what can be loaded or restored so; an operator must look. */
export class BulkLoadRefused extends Error {
  readonly table: string;
  constructor(table: string, reason: string) {
    super(`table ${table}: ${reason}`);
    this.name = 'BulkLoadRefused';
    this.table = table;
  }
}
