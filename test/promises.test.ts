/** What the guides promise names tests: they must exist, under the names that are given. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from './support/root.ts';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

interface Reference {
  readonly row: string;
  /** A file, or `package.json` for a command that must be among its scripts. */
  readonly file: string;
  /** What stands in the file as the name of a test, or a part of one. */
  readonly quotes: readonly string[];
}

/** A file as guides name it: whole, without its ending, or without its folder where the section names one. */
function resolve(name: string, folder: string | undefined): string {
  const base = name.includes('/') ? name : `${folder ?? '.'}/${name}`;
  const found = ['', '.test.ts', '.server.test.ts']
    .map((end) => base + end)
    .find((path) => existsSync(join(root, path)));
  return found ?? base;
}

/** References of the last column of every row of a guide's tables. */
function referencesOf(guide: string): readonly Reference[] {
  const references: Reference[] = [];
  let folder: string | undefined;
  for (const line of read(guide).split('\n')) {
    folder = /Tests without a folder are in `([^`]+)`/.exec(line)?.[1] ?? folder;
    if (line.startsWith('## ')) folder = undefined;
    if (!line.startsWith('| ') || !line.endsWith(' |')) continue;
    const cells = line.slice(2, -2).split(' | ');
    const last = cells.at(-1) ?? '';
    if (!last.includes('`')) continue;
    for (const [, name = '', rest = ''] of last.matchAll(/`([^`]+)`([^`]*)/g)) {
      const script = /^npm run (\S+)/.exec(name)?.[1];
      if (script !== undefined) {
        references.push({ row: cells[0] ?? '', file: 'package.json', quotes: [`"${script}": "`] });
        continue;
      }
      const quotes = [...rest.matchAll(/"([^"]+)"/g)].map(([, quote = '']) => quote);
      references.push({ row: cells[0] ?? '', file: resolve(name, folder), quotes });
    }
  }
  return references;
}

describe.each(['docs/guarantees.md', 'docs/guides/outages.md'])('%s', (guide) => {
  const references = referencesOf(guide);

  it('names tests', () => {
    expect(references.length).toBeGreaterThan(15);
  });

  it('names no file that does not exist', () => {
    expect(references.filter(({ file }) => !existsSync(join(root, file)))).toEqual([]);
  });

  it('quotes no test that does not exist', () => {
    const missing = references.flatMap(({ row, file, quotes }) =>
      quotes
        .filter((quote) => existsSync(join(root, file)) && !read(file).includes(quote))
        .map((quote) => [row, file, quote]),
    );
    expect(missing).toEqual([]);
  });

  it('has a test in every row of a table that has a column for them', () => {
    const rows = read(guide)
      .split('\n')
      .filter((line) => line.startsWith('| ') && line.endsWith(' |') && !/^\| (promise|failure) \|/.test(line));
    expect(new Set(references.map(({ row }) => row)).size).toBe(rows.length);
  });
});
