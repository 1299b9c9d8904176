import { describe, expect, it } from '@jest/globals';
import { graphinator, tableinator } from '../src/index.ts';
import { configOf, faultsOf, warningsOf } from './reading.ts';

describe('a variable that nobody reads', () => {
  it.each([
    ['POSTGRES_BATCHSIZE', 'POSTGRES_BATCH_SIZE'],
    ['RABBITMQ_PREFETC', 'RABBITMQ_PREFETCH'],
    ['LOG_LEVL', 'LOG_LEVEL'],
    ['NEO4J_URL', 'NEO4J_URI'],
    ['HEALTHPORT', undefined],
    ['HEALTH_PORTS', 'HEALTH_PORT'],
    ['BATCH_MAX_PENDINGS', 'BATCH_MAX_PENDING'],
    ['MAX_RECORD_BYTE', 'MAX_RECORD_BYTES'],
    ['POSTGRES_PASWORD_FILE', 'POSTGRES_PASSWORD_FILE'],
    ['POSTGRES_PORT_FILE', 'POSTGRES_PORT'],
  ])('%s is a fault that names the nearest, when it begins like ours', (name, nearest) => {
    if (nearest === undefined) {
      expect(warningsOf(tableinator, { [name]: '1' })).toMatchObject([{ name }]);
      return;
    }
    const faults = faultsOf(tableinator, { [name]: 'canary' });
    expect(faults).toHaveLength(1);
    expect(faults[0]?.name).toBe(name);
    expect(faults[0]?.reason).toContain(nearest);
    expect(JSON.stringify(faults)).not.toContain('canary');
  });

  it.each(['LOG_DIR', 'HEALTH_CHECK_PATH', 'ADMIN_EMAIL', 'DOMAIN_NAME'])(
    '%s begins like ours and like much else: it is only warned about',
    (name) => {
      expect(warningsOf(tableinator, { [name]: '1' })).toMatchObject([{ name }]);
      expect(faultsOf(tableinator, { [name]: '1', POSTGRES_DIR: '1' })).toMatchObject([{ name: 'POSTGRES_DIR' }]);
    },
  );

  it('is a fault without a suggestion when nothing is near', () => {
    expect(faultsOf(tableinator, { POSTGRES_ZZZZZZZZZZZZZZZZ: '1' })[0]?.reason).toBe('is not known');
  });

  it('is only warned about when its prefix is misspelt, and left alone when it is nothing like ours', () => {
    expect(warningsOf(tableinator, { RABITMQ_URL: 'x', PATH: '/bin', PGHOST: 'x' })).toEqual([
      { name: 'RABITMQ_URL', reason: 'is not read; did you mean RABBITMQ_URL?' },
    ]);
  });
});

describe('one .env for everything', () => {
  const shared = {
    POSTGRES_USER: 'u',
    POSTGRES_DB: 'd',
    POSTGRES_INITDB_ARGS: '--data-checksums',
    POSTGRES_HOST_AUTH_METHOD: 'trust',
    RABBITMQ_DEFAULT_USER: 'u',
    RABBITMQ_DEFAULT_PASS: 'p',
    RABBITMQ_NODENAME: 'rabbit@here',
    NEO4J_AUTH: 'neo4j/longenough',
    NEO4J_server_memory_heap_max__size: '1G',
    NEO4J_dbms_security_auth__enabled: 'true',
    NEO4J_ACCEPT_LICENSE_AGREEMENT: 'yes',
    RABBITMQ_USERNAME: 'u',
    RABBITMQ_PASSWORD: 'p',
    POSTGRES_USERNAME: 'u',
    POSTGRES_PASSWORD: 'p',
    POSTGRES_DATABASE: 'd',
    NEO4J_USERNAME: 'neo4j',
    NEO4J_PASSWORD: 'longenough',
    POSTGRES_BATCH_SIZE: '500',
    NEO4J_BATCH_SIZE: '500',
  };

  it('holds the variables of the other service and of the official images without stopping either service', () => {
    configOf(tableinator, shared);
    configOf(graphinator, shared);
    expect(warningsOf(tableinator, shared)).toEqual([]);
    expect(warningsOf(graphinator, shared)).toEqual([]);
  });

  it('is not judged by the service that does not read it', () => {
    configOf(graphinator, { POSTGRES_BATCH_SIZE: 'abc' });
    configOf(tableinator, { NEO4J_URI: 'nonsense' });
  });

  it('is warned about when the variable of an image was probably meant for the service', () => {
    expect(warningsOf(tableinator, { POSTGRES_USER: 'u' })).toMatchObject([{ name: 'POSTGRES_USER' }]);
    expect(warningsOf(tableinator, { POSTGRES_USER: 'u', POSTGRES_URL: 'postgres://u@h/d' })).toEqual([]);
    expect(warningsOf(tableinator, { NEO4J_AUTH: 'a/b' })).toEqual([]);
    expect(warningsOf(graphinator, { NEO4J_AUTH: 'a/b' })).toMatchObject([{ name: 'NEO4J_AUTH' }]);
  });
});
