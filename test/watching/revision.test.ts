/** The commit of a build reaches the metrics by the manifest of the service, where whoever built it wrote it there. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { revisionOf } from '@inator/service';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readText } from '../compose/compose-file.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'inator-revision-'));
  mkdirSync(join(dir, 'dist'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const revision = (manifest: object): string | undefined => {
  writeFileSync(join(dir, 'package.json'), JSON.stringify(manifest));
  return revisionOf(pathToFileURL(join(dir, 'dist/main.js')).href);
};

describe('the revision', () => {
  it('is the gitHead of the manifest above the module, and unknown without one', () => {
    expect(revision({ version: '1', gitHead: 'abc123' })).toBe('abc123');
    expect(revision({ version: '1' })).toBeUndefined();
    expect(revision({ version: '1', gitHead: '' })).toBeUndefined();
  });

  it('is written by the image for both services', () => {
    const line = /^RUN npm pkg set "gitHead=.*$/m.exec(readText('Dockerfile'))?.[0] ?? '';
    for (const service of ['tableinator', 'graphinator']) expect(line).toContain(`--workspace=services/${service}`);
  });
});
