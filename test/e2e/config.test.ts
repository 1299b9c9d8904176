/** A wrong configuration: every fault at once, by name, nearest name, no secret, no start. Needs no server. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../..', import.meta.url));

function run(service: string, env: Record<string, string>): { readonly code: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${root}services/${service}/dist/main.js`], {
    env: { PATH: process.env.PATH ?? '', ...env },
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { code: status, output: stdout + stderr };
}

describe.each([
  ['tableinator', 'POSTGRES'],
  ['graphinator', 'NEO4J'],
])('%s', (service, prefix) => {
  it('names every fault at once and does not start', () => {
    const { code, output } = run(service, {
      [`${prefix}_BATCH_SIZE`]: 'abc',
      [`${prefix}_BATCH_FLUSH_INTERVAL`]: '0',
      BATCH_MAX_PENDING: '-1',
      RABBITMQ_PREFECH: '100',
      RABBITMQ_PASSWORD: 'canary-7f3a',
    });
    expect(code).toBeGreaterThan(0);
    for (const name of [
      `${prefix}_BATCH_SIZE`,
      `${prefix}_BATCH_FLUSH_INTERVAL`,
      'BATCH_MAX_PENDING',
      'RABBITMQ_PREFECH',
    ])
      expect(output).toContain(name);
    expect(output).toContain('RABBITMQ_PREFETCH');
    expect(output).not.toContain('canary-7f3a');
  });

  it('refuses a window of pending records that no batch fits in', () => {
    const { code, output } = run(service, { [`${prefix}_BATCH_SIZE`]: '500', BATCH_MAX_PENDING: '100' });
    expect(code).toBeGreaterThan(0);
    expect(output).toContain('BATCH_MAX_PENDING');
  });
});
