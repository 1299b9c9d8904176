import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultKinds } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import { logKinds, metricKinds, referencePages, routeKinds } from '../src/index.ts';

const root = join(import.meta.dirname, '../../..');
const pages = new Map(referencePages().map((page) => [page.path, page.text]));

describe('generated pages', () => {
  it.each([...pages])('%s is what the lists say', (path, text) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(text);
  });

  it.each([
    ['docs/reference/metrics.md', Object.keys(metricKinds)],
    ['docs/reference/log-events.md', Object.keys(logKinds)],
    ['docs/reference/faults.md', Object.keys(faultKinds)],
    ['docs/reference/http.md', Object.values(routeKinds).map((route) => route.path)],
  ])('%s has every entry', (path, names) => {
    for (const name of names) expect(pages.get(path)).toContain(name);
  });
});
