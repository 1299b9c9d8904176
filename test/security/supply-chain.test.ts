/** The check of the lockfile and the licences: it passes here, and it notices what it is for. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { root } from '../support/root.ts';

type Entry = Record<string, unknown>;
interface Lock {
  readonly packages: Record<string, Entry>;
}

const script = join(root, 'scripts/supply-chain.mjs');
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'inator-lock-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function check(...args: string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { status, output: stdout + stderr };
}

/** The lockfile with `change` made to the entry of pg. */
function changed(change: (entry: Entry, lock: Lock) => void): {
  readonly status: number | null;
  readonly output: string;
} {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
  const entry = lock.packages['node_modules/pg'];
  if (entry === undefined) throw new Error('pg is not in the lockfile');
  change(entry, lock);
  writeFileSync(join(dir, 'package-lock.json'), JSON.stringify(lock));
  return check(dir);
}

describe('the supply chain', () => {
  it('is as it should be', () => {
    const { status, output } = check();
    expect(output).toMatch(/^\d{3,} packages, \d{2,} of them for running: 0 faults$/m);
    expect(status).toBe(0);
  });

  it.each<[string, (entry: Entry) => void, string]>([
    ['without a checksum', (entry) => delete entry.integrity, 'node_modules/pg has no SHA-512'],
    [
      'with a weak checksum',
      (entry) => Object.assign(entry, { integrity: 'sha1-AAAA' }),
      'node_modules/pg has no SHA-512',
    ],
    ['from an address', (entry) => Object.assign(entry, { resolved: 'https://evil.test/pg.tgz' }), 'evil.test'],
    ['under another licence', (entry) => Object.assign(entry, { license: 'GPL-3.0-only' }), 'is under GPL-3.0-only'],
    ['under two licences at once', (entry) => Object.assign(entry, { license: '(MIT AND AGPL-3.0)' }), 'AGPL-3.0'],
    ['without a licence', (entry) => delete entry.license, 'does not say its licence'],
    [
      'from a repository',
      (entry) => Object.assign(entry, { version: 'git+ssh://git@h/pg.git#1' }),
      'comes from git+ssh',
    ],
  ])('notices a package %s', (_, change, words) => {
    const { status, output } = changed(change);
    expect(status).toBe(1);
    expect(output).toContain(words);
  });

  it('looks at the licences of what runs only: build tools may have others', () => {
    const { output } = changed((_, lock) => Object.assign(lock.packages['node_modules/jest'] ?? {}, { license: 'X' }));
    expect(output).not.toContain('node_modules/jest');
  });

  it('takes a package that offers a permissive licence beside another', () => {
    expect(changed((entry) => Object.assign(entry, { license: '(MIT OR GPL-3.0-only)' })).output).not.toContain(
      'node_modules/pg ',
    );
  });

  it('notices a link that leads out of the checkout', () => {
    const { status, output } = changed((_, lock) => {
      lock.packages['node_modules/@inator/runtime'] = { resolved: '../elsewhere', link: true };
    });
    expect(status).toBe(1);
    expect(output).toContain('../elsewhere');
  });

  const workspaces = ['services/tableinator', 'services/graphinator', 'packages/cli'].map(
    (each) => `--workspace=${each}`,
  );
  it('has a bill of materials: every package that runs, with its version and licence', () => {
    const { status, stdout } = spawnSync(
      'npm',
      ['sbom', '--omit=dev', '--sbom-format=cyclonedx', '--package-lock-only', ...workspaces],
      {
        cwd: root,
        encoding: 'utf8',
        timeout: 60_000,
      },
    );
    expect(status).toBe(0);
    const { components } = JSON.parse(stdout) as { readonly components: readonly { name: string; version: string }[] };
    const names = components.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['pg', 'amqplib', 'neo4j-driver', 'pino']));
    for (const name of ['jest', 'testcontainers', 'caniuse-lite', 'typescript']) expect(names).not.toContain(name);
  });
});
