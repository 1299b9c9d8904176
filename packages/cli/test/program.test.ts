import { describe, expect, it } from '@jest/globals';
import { cliReference } from '../src/reference.ts';
import { inator } from './support/command.ts';

describe('the command line', () => {
  it('prints help on everything, with exit code 0', async () => {
    for (const args of [['--help'], ['publish', '--help'], ['stack', 'up', '--help'], ['start', '-h']]) {
      const ran = await inator(args);
      expect(ran).toMatchObject({ code: 0, stderr: '' });
      expect(ran.stdout).toContain('Usage: inator');
    }
  });

  it('answers what it does not understand with the nearest thing it knows, and exit code 2', async () => {
    expect(await inator(['pubish'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean publish?'),
    });
    expect(await inator(['status', '--jsn'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean --json?'),
    });
    expect((await inator(['start', '--records', 'many'])).stderr).toContain('It takes a whole number from 1.');
  });

  it('the reference covers every command, its options and the exit codes', () => {
    const page = cliReference();
    for (const heading of ['start', 'publish', 'status', 'doctor', 'config', 'stack', 'bench']) {
      expect(page).toContain(`\n## inator ${heading}\n`);
    }
    expect(page).toContain('\n### inator stack up\n');
    expect(page).toContain('`--dry-run`');
    expect(page).toContain('| 130 |');
    expect(page).not.toContain('undefined');
  });
});

describe('inator config', () => {
  it('prints what is in force and where it comes from, secrets masked', async () => {
    const ran = await inator(['config', 'tableinator'], {
      env: { POSTGRES_BATCH_SIZE: '250', POSTGRES_PASSWORD: 'sesame' },
    });
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/POSTGRES_BATCH_SIZE +250 +environment/);
    expect(ran.stdout + ran.stderr).not.toContain('sesame');
  });

  it('says every fault at once, and ends with 1', async () => {
    const ran = await inator(['config', '--check'], {
      env: { POSTGRES_BATCH_SIZE: 'abc', NEO4J_BATCH_SIZE: '0', LOG_LEVL: 'info' },
    });
    expect(ran.code).toBe(1);
    for (const name of ['POSTGRES_BATCH_SIZE', 'NEO4J_BATCH_SIZE', 'LOG_LEVL']) expect(ran.stderr).toContain(name);
  });
});

describe('inator status', () => {
  it('says which service does not answer, and what to do', async () => {
    const ran = await inator(['status', '--url', 'http://127.0.0.1:1']);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('http://127.0.0.1:1 does not answer');
    expect(ran.stderr).toContain('next: npm start');
  });
});

describe('inator doctor', () => {
  it('finds what is wrong without servers, changes nothing and ends with 1', async () => {
    const ran = await inator(['doctor', '--json'], {
      env: {
        RABBITMQ_URL: 'amqp://127.0.0.1:1',
        POSTGRES_URL: 'postgres://x:sesame@127.0.0.1:1/x',
        NEO4J_URI: 'bolt://127.0.0.1:1',
      },
    });
    expect(ran.code).toBe(1);
    const findings = JSON.parse(ran.stdout) as { is: string; what: string; next?: string }[];
    const failed = findings.filter(({ is }) => is === 'fail');
    expect(failed.map(({ what }) => what)).toEqual(['RabbitMQ', 'PostgreSQL', 'Neo4j']);
    expect(failed.every(({ next }) => next !== undefined)).toBe(true);
    expect(ran.stdout).not.toContain('sesame');
  });

  it('looks at what one service needs, where the environment is that of one', async () => {
    const env = { RABBITMQ_URL: 'amqp://127.0.0.1:1', NEO4J_URI: 'bolt://127.0.0.1:1' };
    const ran = await inator(['doctor', '--json', '--service', 'graphinator'], { env });
    const findings = JSON.parse(ran.stdout) as { is: string; what: string }[];
    expect(findings.filter(({ is }) => is === 'fail').map(({ what }) => what)).toEqual(['RabbitMQ', 'Neo4j']);
    expect(findings.some(({ what }) => what.includes('tableinator'))).toBe(false);
  });
});
