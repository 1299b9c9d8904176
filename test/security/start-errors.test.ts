/** What a service says that does not start: what is wrong, and no secret. Needs no server. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from '../support/root.ts';

const secret = 'zq4711qz';
const password = `Pa/55 ${secret}%"\\@:#`;

describe('a service that does not start', () => {
  const run = (env: Record<string, string>) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'services/tableinator/dist/main.js')], {
      env: { PATH: process.env.PATH ?? '', LOG_LEVEL: 'debug', ...env },
      encoding: 'utf8',
      timeout: 30_000,
    });
    return { status, output: stdout + stderr };
  };

  it('names what is wrong and no secret: urls that are none, two sources of one password, files that are not there', () => {
    const { status, output } = run({
      RABBITMQ_URL: `amqp://joe:${secret}@host:port/`,
      POSTGRES_URL: `postgres://joe:${secret}@h/d?password=${secret}`,
      POSTGRES_PASSWORD: secret,
      POSTGRES_PASSWORD_FILE: '/nowhere',
      RABBITMQ_CA_FILE: `/nowhere/amqps://joe:${secret}@h`,
      POSTGRES_HOST: `postgres://joe:${secret}@h`,
    });
    expect(status).toBe(2);
    for (const name of ['RABBITMQ_URL', 'POSTGRES_PASSWORD and', 'RABBITMQ_CA_FILE', 'POSTGRES_HOST']) {
      expect(output).toContain(name.replace(' and', ''));
    }
    expect(output).toContain('POSTGRES_PASSWORD_FILE are both set');
    expect(output).not.toContain(secret);
  });

  it('names an address it cannot listen on, and no secret of the configuration it prints', () => {
    const { status, output } = run({
      RABBITMQ_URL: `amqp://joe:${encodeURIComponent(password)}@localhost`,
      POSTGRES_PASSWORD: password,
      HEALTH_HOST: '192.0.2.1',
    });
    expect(status).toBe(2);
    expect(output).toContain('HEALTH_HOST');
    expect(output).toContain('***');
    expect(output).not.toContain(secret);
  });
});
