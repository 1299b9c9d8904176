import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { maxLinks, names } from '../src/index.ts';

const guide = readFileSync(new URL('../../../docs/guides/tracing.md', import.meta.url), 'utf8');

describe('the guide to tracing', () => {
  it('names every attribute, and none that there is not', () => {
    const named = [...guide.matchAll(/`((?:inator|messaging|db|error)\.[a-z_.]+)`/g)].map(([, name]) => name);
    expect([...new Set(named)].sort()).toEqual(Object.values(names).sort());
  });

  it('tells how many links there are at most', () => {
    expect(guide).toContain(`at most ${maxLinks}`);
  });
});
