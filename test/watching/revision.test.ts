/** The commit of a build reaches the metrics by the manifest of the service, where whoever built it wrote it there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { revisionOf } from '@inator/service';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readText } from '../compose/compose-file.ts';
import { root } from '../support/root.ts';

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

async function portOf(output: Readable): Promise<number> {
  for await (const line of createInterface({ input: output })) {
    const { event, port } = JSON.parse(line) as { readonly event: string; readonly port?: number };
    if (event === 'admin.listening' && port !== undefined) return port;
  }
  throw new Error('the service ended before it listened');
}

describe('the revision', () => {
  it('is the gitHead of the manifest above the module, and unknown without one', () => {
    expect(revision({ version: '1', gitHead: 'abc123' })).toBe('abc123');
    expect(revision({ version: '1' })).toBeUndefined();
    expect(revision({ version: '1', gitHead: '' })).toBeUndefined();
  });

  it.each(['tableinator', 'graphinator'] as const)('is said by %s at /version and in its metrics', async (name) => {
    // The service as it is built, beside a manifest such as the image has.
    cpSync(join(root, 'services', name, 'dist'), join(dir, 'dist'), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
    writeFileSync(join(dir, 'package.json'), JSON.stringify({ type: 'module', version: '9.8.7', gitHead: 'abc123' }));
    // Nothing listens at port 1: it is asked while it still looks for its servers.
    const env = {
      PATH: process.env.PATH ?? '',
      NODE_ENV: 'test',
      HEALTH_PORT: '0',
      HEALTH_HOST: '127.0.0.1',
      LOG_FORMAT: 'json',
      RABBITMQ_URL: 'amqp://127.0.0.1:1',
      ...(name === 'tableinator'
        ? { POSTGRES_URL: 'postgres://u:p@127.0.0.1:1/d' }
        : { NEO4J_URI: 'bolt://127.0.0.1:1' }),
    };
    const child = spawn(process.execPath, [join(dir, 'dist/main.js')], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const url = `http://127.0.0.1:${await portOf(child.stdout)}`;
      const version: unknown = await (await fetch(`${url}/version`)).json();
      expect(version).toMatchObject({ service: name, version: '9.8.7', revision: 'abc123' });
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toMatch(/^inator_build_info\{[^}]*revision="abc123"/m);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  it('is written by the image for both services', () => {
    const line = /^RUN npm pkg set "gitHead=.*$/m.exec(readText('Dockerfile'))?.[0] ?? '';
    for (const service of ['tableinator', 'graphinator']) expect(line).toContain(`--workspace=services/${service}`);
  });
});
