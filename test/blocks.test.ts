/** Every shell block of the documents is run by a test, or says why none can. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { documents } from './support/documents.ts';
import { shellBlocks } from './support/reader.ts';
import { root } from './support/root.ts';

/** By whom the blocks of a mark are run; test/readme and test/tutorial say which of them a document may have. */
const runners: Readonly<Record<string, readonly string[]>> = {
  start: ['README.md', 'docs/guides/tutorial.md'],
  self: ['README.md'],
  compose: ['README.md'],
  here: ['README.md'],
  bench: ['README.md'],
  // In a folder with a sample, by test/own-model.
  model: ['docs/guides/your-own-model.md'],
  // Beside `npm start`, by test/readme and test/tutorial.
  stack: documents,
};

/** Generated usage, whose commands have tests of their own; and what is looked at when something is wrong. */
const exempt = /^docs\/(reference|runbooks)\//;
const all = documents
  .filter((document) => !exempt.test(document))
  .flatMap((document) => shellBlocks(document).map((block) => ({ document, ...block })));

describe('the shell blocks of the documents', () => {
  it('each say who runs them, or why nobody can', () => {
    const unclear = all.filter(({ document, marks: { run, not, profile } }) => {
      const said = [run, not, profile].filter((one) => one !== undefined && one !== '');
      return said.length !== 1 || (run !== undefined && runners[run]?.includes(document) !== true);
    });
    expect(unclear.map(({ document, line }) => `${document}:${line}`)).toEqual([]);
    expect(all.length).toBeGreaterThan(25);
  });

  it('that cannot be run name only tests that exist', () => {
    const named = all.flatMap(({ marks }) => [
      ...(marks.not ?? '').matchAll(/\b(?:test|bench\/test|packages\/\w+\/test)(?:\/[\w-]+)*/g),
    ]);
    const places = named.map(([path]) => path);
    expect(places.length).toBeGreaterThan(5);
    const suffixes = ['', '.test.ts', '.server.test.ts'];
    expect(places.filter((path) => !suffixes.some((suffix) => existsSync(join(root, path + suffix))))).toEqual([]);
  });

  it('that are profiles hold settings and nothing else', () => {
    const profiles = all.filter(({ marks }) => marks.profile !== undefined);
    expect(profiles.length).toBeGreaterThan(0);
    for (const { text } of profiles) expect(text).toMatch(/^(?:[A-Z0-9_]+=\S+\n)+$/);
  });
});
