import { describe, expect, it } from '@jest/globals';
import { graphinator, readConfig, tableinator } from '../src/index.ts';
import { configOf, faultsOf, filesOf, warningsOf } from './reading.ts';

const broker = (env: Record<string, string>, files = {}) => configOf(tableinator, env, files).rabbitmq.endpoint;
const postgres = (env: Record<string, string>, files = {}) => configOf(tableinator, env, files).postgres.endpoint;
const neo4j = (env: Record<string, string>, files = {}) => configOf(graphinator, env, files).neo4j.endpoint;

describe('the broker', () => {
  it('is localhost with the credentials for development when nothing is set', () => {
    const endpoint = broker({});
    expect(endpoint).toMatchObject({ tls: false, host: 'localhost', port: 5672, username: 'guest', vhost: '/' });
    expect(endpoint.password()).toBe('guest');
  });

  it('comes from a url, percent-encoding undone', () => {
    const endpoint = broker({ RABBITMQ_URL: 'amqps://joe%40corp:p%2Fw%25@[::1]:5999/my%2Fvhost' });
    expect(endpoint).toMatchObject({ tls: true, host: '::1', port: 5999, username: 'joe@corp', vhost: 'my/vhost' });
    expect(endpoint.password()).toBe('p/w%');
  });

  it.each(['amqp://h', 'amqp://h/', 'amqp://h/%2F'])('%s means the virtual host /', (url) => {
    expect(broker({ RABBITMQ_URL: url }).vhost).toBe('/');
  });

  it('comes from the parts', () => {
    expect(
      broker({ RABBITMQ_HOST: 'h', RABBITMQ_PORT: '1', RABBITMQ_VHOST: 'v', RABBITMQ_USERNAME: 'u' }),
    ).toMatchObject({
      host: 'h',
      port: 1,
      vhost: 'v',
      username: 'u',
    });
  });

  it('has the port of TLS when the url does not say', () => {
    expect(broker({ RABBITMQ_URL: 'amqps://h' }).port).toBe(5671);
  });
});

describe('a url and its parts', () => {
  it('complete each other: the password may come from a file', () => {
    const endpoint = broker(
      { RABBITMQ_URL: 'amqp://joe@h', RABBITMQ_PASSWORD_FILE: '/p' },
      { '/p': 'from the file\n' },
    );
    expect([endpoint.username, endpoint.password()]).toEqual(['joe', 'from the file']);
  });

  it('may say the same', () => {
    expect(postgres({ POSTGRES_URL: 'postgres://u:p@h:5/d', POSTGRES_HOST: 'h', POSTGRES_PORT: '5' }).port).toBe(5);
  });

  it.each([
    ['POSTGRES_HOST', 'other'],
    ['POSTGRES_PORT', '6'],
    ['POSTGRES_DATABASE', 'other'],
    ['POSTGRES_USERNAME', 'other'],
    ['POSTGRES_PASSWORD', 'other-canary'],
    ['POSTGRES_SSLMODE', 'verify-full'],
  ])('that say different things about %s are a fault that names both and quotes no secret', (name, value) => {
    const url = 'postgres://u:canary@h:5/d?sslmode=disable';
    const faults = faultsOf(tableinator, { POSTGRES_URL: url, [name]: value });
    expect(faults.map((fault) => fault.name)).toEqual([`${name} and POSTGRES_URL`]);
    expect(JSON.stringify(faults)).not.toContain('canary');
  });
});

describe('PostgreSQL', () => {
  it.each([
    ['RABBITMQ_URL', 'amqp://h%zz/x', 'two hexadecimal digits'],
    ['POSTGRES_URL', 'postgres://u@h%zz/x', 'two hexadecimal digits'],
  ])('%s with a host that cannot be read is named', (name, url, why) => {
    expect(faultsOf(tableinator, { [name]: url })).toMatchObject([{ name, reason: expect.stringContaining(why) }]);
  });

  it('a routing context goes with neo4j:// alone', () => {
    expect(faultsOf(graphinator, { NEO4J_URI: 'bolt://h:7687?x=1' })).toMatchObject([
      { name: 'NEO4J_URI', reason: expect.stringContaining('parameters that are not read: x') },
    ]);
    expect(configOf(graphinator, { NEO4J_URI: 'neo4j://h:7687?region=eu' }).neo4j.endpoint.uri).toBe(
      'neo4j://h:7687?region=eu',
    );
  });

  it('takes sslmode from the url and no other parameter', () => {
    expect(postgres({ POSTGRES_URL: 'postgres://u:p@h/d?sslmode=verify-full' }).sslMode).toBe('verify-full');
    expect(faultsOf(tableinator, { POSTGRES_URL: 'postgres://h/d?application_name=x' })[0]?.reason).toContain(
      'application_name',
    );
    expect(faultsOf(tableinator, { POSTGRES_URL: 'postgres://h/d?sslmode=prefer' })).toHaveLength(1);
  });

  it('has no password, rather than that for development, when only a user is given', () => {
    expect(postgres({ POSTGRES_URL: 'postgres://bob@h/d' }).password()).toBe('');
  });

  it('warns of encryption without a check of the server', () => {
    expect(warningsOf(tableinator, { POSTGRES_SSLMODE: 'require' })).toMatchObject([{ name: 'POSTGRES_SSLMODE' }]);
  });

  it('refuses a CA file that would not be used, or cannot be read', () => {
    expect(faultsOf(tableinator, { POSTGRES_CA_FILE: '/ca' }, { '/ca': 'pem' })).toHaveLength(1);
    const missing = faultsOf(tableinator, { POSTGRES_CA_FILE: '/gone', POSTGRES_SSLMODE: 'verify-full' });
    expect(missing[0]?.reason).toContain('ENOENT');
    expect(faultsOf(tableinator, { POSTGRES_SSLMODE: 'verify-ca' })).toMatchObject([{ name: 'POSTGRES_SSLMODE' }]);
    const env = { POSTGRES_CA_FILE: '/ca', POSTGRES_SSLMODE: 'verify-full' };
    expect(postgres(env, { '/ca': 'pem' }).caFile).toBe('/ca');
  });
});

describe('Neo4j', () => {
  it('keeps the uri without the credentials that may stand in it', () => {
    const endpoint = neo4j({ NEO4J_URI: 'neo4j+s://joe:hush@graph:7999' });
    expect(endpoint).toMatchObject({ uri: 'neo4j+s://graph:7999', username: 'joe', database: 'neo4j' });
    expect(endpoint.password()).toBe('hush');
  });

  it('takes a CA file with TLS only', () => {
    expect(neo4j({ NEO4J_URI: 'bolt+s://h', NEO4J_CA_FILE: '/ca' }, { '/ca': 'pem' }).caFile).toBe('/ca');
    expect(faultsOf(graphinator, { NEO4J_CA_FILE: '/ca' }, { '/ca': 'pem' })).toHaveLength(1);
  });

  it.each(['bolt+ssc://h', 'http://h', 'bolt://h/db'])('refuses %s', (uri) => {
    expect(faultsOf(graphinator, { NEO4J_URI: uri })).toMatchObject([{ name: 'NEO4J_URI' }]);
  });
});

describe('a secret', () => {
  it('is trimmed of one newline when it comes from a file, and of nothing else', () => {
    const read = (content: string): string => neo4j({ NEO4J_PASSWORD_FILE: '/p' }, { '/p': content }).password();
    expect(read('pw\n')).toBe('pw');
    expect(read('pw\r\n')).toBe('pw');
    expect(read('pw\n\n')).toBe('pw\n');
    expect(read(' pw ')).toBe(' pw ');
  });

  it('is taken from the environment as it is', () => {
    expect(neo4j({ NEO4J_PASSWORD: ' p w ' }).password()).toBe(' p w ');
  });

  it('is read again at every use, and stays the last one while its file is missing', () => {
    const files: Record<string, string> = { '/p': 'first' };
    const result = readConfig(graphinator, { NEO4J_PASSWORD_FILE: '/p' }, filesOf(files));
    if ('faults' in result) throw new Error('faults');
    const { password } = result.ok.neo4j.endpoint;
    expect(password()).toBe('first');
    files['/p'] = 'second';
    expect(password()).toBe('second');
    delete files['/p'];
    expect(password()).toBe('second');
  });

  it('inside a url from a file is read again too', () => {
    const files: Record<string, string> = { '/u': 'amqp://joe:one@h\n' };
    const result = readConfig(tableinator, { RABBITMQ_URL_FILE: '/u' }, filesOf(files));
    if ('faults' in result) throw new Error('faults');
    const { password } = result.ok.rabbitmq.endpoint;
    expect(password()).toBe('one');
    files['/u'] = 'amqp://joe:two@h\n';
    expect(password()).toBe('two');
    files['/u'] = 'half written';
    expect(password()).toBe('one');
  });

  it('that is given twice, or whose file cannot be read, is a fault', () => {
    expect(faultsOf(graphinator, { NEO4J_PASSWORD: 'a', NEO4J_PASSWORD_FILE: '/p' }, { '/p': 'b' })).toMatchObject([
      { name: 'NEO4J_PASSWORD', reason: 'and NEO4J_PASSWORD_FILE are both set' },
    ]);
    expect(faultsOf(graphinator, { NEO4J_PASSWORD_FILE: '/p' })[0]?.reason).toContain('ENOENT');
  });

  it('must be given in production', () => {
    expect(faultsOf(tableinator, { NODE_ENV: 'production' }).map((fault) => fault.name)).toEqual([
      'RABBITMQ_PASSWORD',
      'POSTGRES_PASSWORD',
    ]);
    const env = { NODE_ENV: 'production', RABBITMQ_URL: 'amqp://u:p@h', POSTGRES_URL: 'postgres://u:inator@h/d' };
    expect(warningsOf(tableinator, env)).toMatchObject([{ name: 'POSTGRES_PASSWORD' }]);
    configOf(tableinator, env);
  });
});

describe('a secret in any wrong place', () => {
  it('is never quoted by a fault or a warning', () => {
    const canary = 'canary-4711';
    const url = `amqp://u:${canary}@h`;
    const names = [
      'RABBITMQ_URL',
      'RABBITMQ_PASSWORD',
      'POSTGRES_URL',
      'POSTGRES_PASSWORD',
      'NEO4J_URI',
      'NEO4J_PASSWORD',
    ];
    const bad = [`http://u:${canary}@h`, `amqp://u:${canary}@h/%zz`, `postgres://u:${canary}#x@h:p/`, `::${canary}`];
    const texts: string[] = [];
    for (const spec of [tableinator, graphinator]) {
      for (const name of names) {
        for (const value of [canary, ...bad]) {
          for (const env of [
            { [name]: value },
            { [name]: value, [`${name}_FILE`]: '/x' },
            { [`${name}_FILE`]: '/x' },
          ]) {
            for (const content of [value, '']) {
              const result = readConfig(spec, env, filesOf({ '/x': content }));
              texts.push(JSON.stringify(result));
            }
          }
        }
      }
      for (const name of ['RABBITMQ_HOST', 'POSTGRES_HOST', 'LOG_LEVEL', 'RABBITMQ_VHOST', 'HEALTH_PORT']) {
        const result = readConfig(spec, { [name]: url }, filesOf({}));
        if ('faults' in result) texts.push(JSON.stringify(result));
      }
    }
    expect(texts.length).toBeGreaterThan(300);
    expect(texts.filter((text) => text.includes(canary))).toEqual([]);
  });
});
