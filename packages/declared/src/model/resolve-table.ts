/** Tables: names that PostgreSQL takes and that do not collide, columns that hold one value. */
import type { IndexSpec } from '@inator/runtime';
import type { Reporter } from '../file/check.ts';
import type { Way } from '../file/document.ts';
import { suggestion } from '../file/nearest.ts';
import type { ColumnFile, TableFile } from '../file/shape.ts';
import { isThroughLists, nameAsStep, pathsOf } from '../path/path.ts';
import type { DeclaredColumn, DeclaredTable } from './types.ts';

/** What every table has already, and PostgreSQL's system columns (documentation, "System Columns"). */
const standing = ['data_id', 'hash', 'data', 'seq', 'created_at', 'updated_at'];
const system = ['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'];
/** Bytes of the longest name in PostgreSQL: longer ones it would cut, and two could become one. */
const longestName = 63;

export function createTableResolver(report: Reporter): (type: string, file: TableFile, way: Way) => DeclaredTable {
  /** Tables and indexes share one namespace in a schema. */
  const taken = new Map<string, string>();
  const claim = (name: string, what: string, way: Way): void => {
    const before = taken.get(name);
    if (before !== undefined) report.value(way, `${what} would be called \`${name}\`, as is ${before}`);
    else if (name.length > longestName) {
      report.value(
        way,
        `${what} would be called \`${name}\`, longer than ${longestName} characters: shorten the names`,
      );
    } else taken.set(name, what);
  };

  return (type, file, way) => {
    const name = file.name ?? type;
    const here = file.name === undefined ? way : [...way, 'name'];
    claim(name, `the table of type \`${type}\``, here);
    claim(`${name}_pkey`, `the primary key of table \`${name}\``, here);

    const indexes: IndexSpec[] = [{ name: `idx_${name}_hash`, columns: ['hash'] }];
    if (file.gin ?? true) {
      indexes.push({ name: `idx_${name}_gin`, columns: ['data'], method: 'gin', operatorClass: 'jsonb_path_ops' });
    }
    for (const index of indexes) claim(index.name, `an index of table \`${name}\``, here);

    const columns = Object.entries(file.columns ?? {}).map(([column, short]): DeclaredColumn => {
      const at: Way = [...way, 'columns', column];
      const long: ColumnFile = typeof short === 'string' ? { type: short } : short;
      if (standing.includes(column))
        report.name(at, `every table has a column \`${column}\` already: call this one otherwise`);
      if (system.includes(column))
        report.name(at, `\`${column}\` is a system column of PostgreSQL: call this one otherwise`);
      const [path] = pathsOf(long.path ?? nameAsStep(column));
      if (path === undefined) throw new RangeError(`the path of column ${column} was not checked`);
      if (isThroughLists(path)) {
        report.value(
          [...at, 'path'],
          `the path "${path.text}" leads to many values; a column holds one (jsonb can hold the list)`,
        );
      }
      for (const option of ['zone', 'epoch'] as const) {
        if (long[option] !== undefined && long.type !== 'timestamptz') {
          report.name([...at, option], `\`${option}\` is for timestamptz, and \`${column}\` is ${long.type}`);
        }
      }
      if (long.index === true) {
        if (long.type === 'jsonb')
          report.name([...at, 'index'], 'a jsonb column has no order to index; `gin` serves `data`');
        const index = { name: `idx_${name}_${column}`, columns: [column] };
        claim(index.name, `the index of column \`${column}\` of table \`${name}\``, [...at, 'index']);
        indexes.push(index);
      }
      const { zone, epoch } = long;
      return { name: column, type: long.type, path, required: long.required ?? false, time: { zone, epoch } };
    });

    const names = columns.map((column) => column.name);
    for (const [i, listed] of (file.indexes ?? []).entries()) {
      const at: Way = [...way, 'indexes', i];
      for (const [j, column] of listed.entries()) {
        if (!names.includes(column) && !['seq', 'created_at', 'updated_at'].includes(column)) {
          report.value([...at, j], `table \`${name}\` has no column \`${column}\`${suggestion(column, names)}`);
        }
        if (listed.indexOf(column) !== j) report.value([...at, j], `column \`${column}\` stands twice in the index`);
      }
      const index = { name: `idx_${name}_${listed.join('_')}`, columns: listed };
      claim(index.name, `an index of table \`${name}\``, at);
      indexes.push(index);
    }
    return { name, columns, indexes };
  };
}
