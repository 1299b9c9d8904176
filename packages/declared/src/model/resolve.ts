/** The meaning of a file that has the right shape, and what in it contradicts itself. */
import type { Reporter } from '../file/check.ts';
import type { Way } from '../file/document.ts';
import type { ModelFile, TypeFile } from '../file/shape.ts';
import { isThroughLists, type Path, pathsOf } from '../path/path.ts';
import { resolveGraphs } from './resolve-graph.ts';
import { createTableResolver } from './resolve-table.ts';
import type { DeclaredKind, DeclaredModel } from './types.ts';

/** A way from the record to one value: what key, version and hash must be. */
function single(texts: string | readonly string[] | undefined, way: Way, report: Reporter): readonly Path[] {
  const paths = texts === undefined ? [] : pathsOf(texts);
  for (const path of paths) {
    if (isThroughLists(path)) {
      report.value(way, `the path "${path.text}" leads to many values; \`${String(way.at(-1))}\` is one`);
    }
  }
  return paths;
}

export function resolveModel(file: ModelFile, report: Reporter): DeclaredModel {
  const resolveTable = createTableResolver(report);
  const types = Object.entries(file.types);
  const graphs = resolveGraphs(file, report);
  const kinds = types.map(([name, type]): DeclaredKind => {
    const way: Way = ['types', name];
    if (!Object.hasOwn(type, 'table') && type.graph === undefined) {
      report.name(way, `type \`${name}\` has neither \`table\` nor \`graph\`: its records would go nowhere`);
    }
    return {
      name,
      key: single(type.key, [...way, 'key'], report),
      version: single(type.version, [...way, 'version'], report)[0],
      hash: single(type.hash, [...way, 'hash'], report)[0],
      table: tableOf(type) ? resolveTable(name, type.table ?? {}, [...way, 'table']) : undefined,
      graph: graphs.get(name),
    };
  });
  return { name: file.name, kinds };
}

/** `table:` with nothing behind it is a table with nothing special. */
function tableOf(type: TypeFile): boolean {
  return Object.hasOwn(type, 'table');
}
