import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { envExample, graphinator, keysOf, referencePages, tableinator } from '../src/index.ts';
import { configOf, warningsOf } from './reading.ts';

const root = join(import.meta.dirname, '../../..');

/** The assignments of an `.env` file, with those that are commented out when `all` is set. */
function assignments(text: string, all: boolean): Record<string, string> {
  const pattern = all ? /^#?([A-Z][A-Z0-9_]*)=(.*)$/gm : /^([A-Z][A-Z0-9_]*)=(.*)$/gm;
  return Object.fromEntries([...text.matchAll(pattern)].map(([, name, value]) => [name ?? '', value ?? '']));
}

describe('generated pages', () => {
  it.each(referencePages().map((page) => [page.path, page.text]))('%s is what the specification says', (path, text) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(text);
  });
});

describe('.env.example', () => {
  it('boots both services as it is', () => {
    for (const spec of [tableinator, graphinator]) configOf(spec, assignments(envExample(), false));
  });

  it('boots both services, without a warning, when every line of it is taken', () => {
    const env = assignments(envExample(), true);
    for (const spec of [tableinator, graphinator]) {
      configOf(spec, env);
      expect(warningsOf(spec, env)).toEqual([]);
    }
  });

  it('has every key of both services', () => {
    const names = Object.keys(assignments(envExample(), true)).sort();
    const keys = [...keysOf(tableinator.groups), ...keysOf(graphinator.groups)].map((key) => key.name);
    expect(names).toEqual([...new Set(keys)].sort());
  });
});

describe('every key', () => {
  it.each([...keysOf(tableinator.groups), ...keysOf(graphinator.groups)].map((key) => [key.name, key] as const))(
    '%s says what it is for, when to change it, and has a default that it would take',
    (_, key) => {
      expect(key.sentence).toMatch(/\.$/);
      expect(key.when).toMatch(/\.$/);
      expect(key.default ?? key.otherwise ?? key.type).not.toBe('');
      if (key.default === undefined) return;
      const value = key.default;
      expect(key.parse({ text: value, reread: () => value, readFile: () => '' })).toEqual({ ok: key.absent });
    },
  );
});
