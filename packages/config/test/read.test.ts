import { describe, expect, it } from '@jest/globals';
import { faultLine, faultReport, graphinator, describe as inWords, readConfig, tableinator } from '../src/index.ts';
import { configOf, faultsOf, filesOf, warningsOf } from './reading.ts';

describe('an empty environment', () => {
  it('is a complete configuration of both services, with the batch defaults of the code', () => {
    for (const spec of [tableinator, graphinator] as const) {
      const config = configOf(spec, {});
      expect(config.batch).toMatchObject({ batchSize: 500, flushInterval: 2, maxPending: 5000 });
    }
  });

  it('gives each service its own health port, so that both run on one host', () => {
    expect(configOf(tableinator, {}).health.port).toBe(8002);
    expect(configOf(graphinator, {}).health.port).toBe(8001);
  });

  it('gives the pool of requirement A17 and the limits of the runtime', () => {
    const config = configOf(tableinator, {});
    expect(config.postgres).toMatchObject({
      poolMax: 50,
      poolMin: 5,
      poolMaxRetries: 5,
      poolHealthCheckIntervalSeconds: 30,
      writePath: 'copy',
      schema: 'public',
    });
    expect(config.limits).toEqual({ recordBytes: 8 * 1024 * 1024, depth: 100, members: 100_000 });
    expect(config.brake).toEqual({ window: 1000, share: 0.05, minimum: 20, inARow: 10, provenShare: 0.5 });
  });

  it('warns of nothing', () => {
    expect(warningsOf(tableinator, {})).toEqual([]);
    expect(warningsOf(graphinator, {})).toEqual([]);
  });
});

describe('a value', () => {
  it.each(['abc', '0', '-5', '1e3', '0x10', '5.0', '500 records', '65536', '１２'])('%j is no batch size', (value) => {
    const faults = faultsOf(tableinator, { POSTGRES_BATCH_SIZE: value });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ name: 'POSTGRES_BATCH_SIZE', allowed: 'an integer from 1 to 65535' });
    expect(faults[0]?.reason).toContain(JSON.stringify(value));
  });

  it.each([
    ['5 ', 5],
    [' 5', 5],
    ['5\r', 5],
    ['+5', 5],
    ['005', 5],
    ['', 500],
    ['  ', 500],
  ])('%j is the batch size %i', (value, size) => {
    expect(configOf(tableinator, { POSTGRES_BATCH_SIZE: value }).batch.batchSize).toBe(size);
  });

  it.each([
    ['2.0', 2],
    ['0.25', 0.25],
    ['10', 10],
  ])('%j is a flush interval of %d seconds', (value, seconds) => {
    expect(configOf(graphinator, { NEO4J_BATCH_FLUSH_INTERVAL: value }).batch.flushInterval).toBe(seconds);
  });

  it.each(['0', '-1', '2s', '1e1', '.5', 'NaN', 'Infinity', '3601'])('%j is no flush interval', (value) => {
    expect(faultsOf(graphinator, { NEO4J_BATCH_FLUSH_INTERVAL: value })).toMatchObject([
      { name: 'NEO4J_BATCH_FLUSH_INTERVAL' },
    ]);
  });

  it.each(['yes', '1', 'TRUE', 'on'])('%j is no boolean: only true and false are', (value) => {
    expect(faultsOf(tableinator, { RABBITMQ_PASSIVE: value })).toMatchObject([{ allowed: 'true or false' }]);
  });

  it('of a choice is one of its words', () => {
    expect(configOf(tableinator, { POSTGRES_WRITE_PATH: 'row' }).postgres.writePath).toBe('row');
    expect(faultsOf(tableinator, { POSTGRES_WRITE_PATH: 'rows' })).toMatchObject([
      { allowed: 'copy, straight, multirow or row' },
    ]);
  });

  it('that Kubernetes put into NAME_PORT beside a Service of that name is ignored with a warning', () => {
    const env = {
      POSTGRES_PORT: 'tcp://10.0.0.7:5432',
      POSTGRES_SERVICE_HOST: '10.0.0.7',
      POSTGRES_PORT_5432_TCP: 'x',
    };
    expect(configOf(tableinator, env).postgres.endpoint.port).toBe(5432);
    expect(warningsOf(tableinator, env)).toMatchObject([{ name: 'POSTGRES_PORT' }]);
  });
});

describe('faults', () => {
  it('are reported all at once, each by its variable and with the values that are taken', () => {
    const faults = faultsOf(tableinator, {
      POSTGRES_BATCH_SIZE: 'abc',
      POSTGRES_BATCH_FLUSH_INTERVAL: '0',
      RABBITMQ_QUEUE_TYPE: 'stream',
      LOG_FORMAT: 'xml',
      POSTGRES_BATCHSIZE: '5',
      DATA_TYPES: 'artists,songs',
      POSTGRES_PASSWORD: 'a',
      POSTGRES_PASSWORD_FILE: '/run/secrets/x',
      POSTGRES_POOL_MIN: '9',
      POSTGRES_POOL_MAX: '8',
    });
    expect(faults.map((fault) => fault.name).sort()).toEqual([
      'DATA_TYPES',
      'LOG_FORMAT',
      'POSTGRES_BATCHSIZE',
      'POSTGRES_BATCH_FLUSH_INTERVAL',
      'POSTGRES_BATCH_SIZE',
      'POSTGRES_PASSWORD',
      'POSTGRES_POOL_MIN and POSTGRES_POOL_MAX',
      'RABBITMQ_QUEUE_TYPE',
    ]);
    const report = faultReport('tableinator', faults);
    expect(report).toContain('8 faults');
    for (const fault of faults) expect(report).toContain(faultLine(fault));
  });

  it('of one key are not repeated by the rules that look at several', () => {
    expect(faultsOf(tableinator, { BATCH_MAX_PENDING: 'x', POSTGRES_BATCH_SIZE: '9000' })).toHaveLength(1);
  });
});

describe('rules over several keys', () => {
  it('stop a max pending under the batch size, naming both variables', () => {
    expect(faultsOf(tableinator, { POSTGRES_BATCH_SIZE: '500', BATCH_MAX_PENDING: '499' })).toMatchObject([
      { name: 'BATCH_MAX_PENDING and POSTGRES_BATCH_SIZE' },
    ]);
    expect(faultsOf(graphinator, { NEO4J_BATCH_SIZE: '6000' })).toMatchObject([
      { name: 'BATCH_MAX_PENDING and NEO4J_BATCH_SIZE' },
    ]);
    configOf(tableinator, { POSTGRES_BATCH_SIZE: '500', BATCH_MAX_PENDING: '500' });
  });

  it('honour a window smaller than a batch, with a warning', () => {
    expect(configOf(graphinator, { RABBITMQ_PREFETCH: '10' }).batch.window).toBe(10);
    expect(warningsOf(graphinator, { RABBITMQ_PREFETCH: '10' })).toMatchObject([{ name: 'RABBITMQ_PREFETCH' }]);
  });

  it.each([
    [{ POSTGRES_BATCH_SIZE: '1000' }, 'BATCH_MAX_PENDING', '8000 would do'],
    [{ POSTGRES_WRITERS: '4' }, 'BATCH_MAX_PENDING', '8000 would do'],
    [{ RABBITMQ_PREFETCH: '600' }, 'RABBITMQ_PREFETCH', '1000 would do'],
  ])('warn of a window that holds no whole batch for every writer: %j', (env, name, enough) => {
    const [warning, ...others] = warningsOf(tableinator, env);
    expect(others).toEqual([]);
    expect(warning?.name).toBe(name);
    expect(warning?.reason).toContain(enough);
    expect(warningsOf(tableinator, { ...env, [name]: enough.split(' ')[0] ?? '' })).toEqual([]);
  });

  it('cut windows that together would pass max pending, with a warning', () => {
    const env = { RABBITMQ_PREFETCH: '2000', BATCH_MAX_PENDING: '5000' };
    expect(configOf(tableinator, env).batch.window).toBe(1250);
    expect(warningsOf(tableinator, env)[0]?.reason).toContain('cut to 1250');
  });

  it('cut writers that would wait for a connection, with a warning', () => {
    const env = { POSTGRES_POOL_MAX: '9', POSTGRES_WRITERS: '4' };
    expect(configOf(tableinator, env).batch.writers).toBe(2);
    expect(warningsOf(tableinator, env)).toMatchObject([{ name: 'POSTGRES_WRITERS' }]);
  });

  it('lower a default pool minimum to an explicit maximum, but stop two that were given and do not fit', () => {
    expect(configOf(tableinator, { POSTGRES_POOL_MAX: '4' }).postgres.poolMin).toBe(4);
    expect(faultsOf(tableinator, { POSTGRES_POOL_MAX: '4', POSTGRES_POOL_MIN: '5' })).toHaveLength(1);
  });

  it('need SEQ_FIELD when the version is in the body, and warn when it is not read', () => {
    expect(faultsOf(tableinator, { SEQ_SOURCE: 'body' })).toMatchObject([{ name: 'SEQ_SOURCE' }]);
    expect(configOf(tableinator, { SEQ_SOURCE: 'body', SEQ_FIELD: 'rev' }).ordering.seqField).toBe('rev');
    expect(warningsOf(tableinator, { SEQ_SOURCE: 'header', SEQ_FIELD: 'rev' })).toMatchObject([{ name: 'SEQ_FIELD' }]);
  });

  it('take a subset of the types, each once', () => {
    const config = configOf(tableinator, { DATA_TYPES: 'releases, artists' });
    expect(config.service.dataTypes).toEqual(['releases', 'artists']);
    expect(config.batch.window).toBe(2000);
    expect(faultsOf(tableinator, { DATA_TYPES: 'artists,artists' })).toHaveLength(1);
    expect(faultsOf(tableinator, { DATA_TYPES: 'artists,,labels' })).toHaveLength(1);
  });

  it('let go of a held batch at a quarter of the consumer timeout of the broker', () => {
    expect(configOf(tableinator, {}).rabbitmq.longestHoldSeconds).toBe(450);
    expect(configOf(tableinator, { RABBITMQ_CONSUMER_TIMEOUT: '3' }).rabbitmq.longestHoldSeconds).toBe(0.75);
  });
});

describe('the description', () => {
  it('names every value in force and shows no secret', () => {
    const config = configOf(tableinator, {
      RABBITMQ_URL: 'amqp://joe:hush-hush-1@broker',
      POSTGRES_PASSWORD: 'hush-hush-2',
      POSTGRES_BATCH_SIZE: '100',
    });
    const words = inWords(config);
    expect(words).toMatchObject({
      RABBITMQ_URL: 'amqp://***@broker',
      RABBITMQ_HOST: 'broker',
      RABBITMQ_USERNAME: 'joe',
      RABBITMQ_PREFETCH: '400',
      POSTGRES_HOST: 'localhost',
      POSTGRES_PASSWORD: '***',
      POSTGRES_BATCH_SIZE: '100',
      POSTGRES_BATCH_FLUSH_INTERVAL: '2.0',
    });
    expect(JSON.stringify([words, config])).not.toContain('hush');
    expect(config.secrets()).toEqual(expect.arrayContaining(['hush-hush-1', 'hush-hush-2']));
  });

  it('says where each value comes from', () => {
    const result = readConfig(
      tableinator,
      { POSTGRES_PASSWORD_FILE: '/secret', LOG_LEVEL: 'debug' },
      filesOf({ '/secret': 'x' }),
    );
    const from = 'ok' in result ? Object.fromEntries(result.ok.settings.map((s) => [s.name, s.from])) : {};
    expect(from).toMatchObject({
      POSTGRES_PASSWORD: 'file',
      LOG_LEVEL: 'environment',
      LOG_FORMAT: 'default',
      RABBITMQ_PREFETCH: 'derived',
      POSTGRES_HOST: 'derived',
    });
  });

  it('shows a url without its parameters, which may be secrets too, and leaves out what is not set', () => {
    const config = configOf(tableinator, { RABBITMQ_MANAGEMENT_URL: 'https://h/api?token=hush' });
    expect(inWords(config).RABBITMQ_MANAGEMENT_URL).toBe('https://h/api');
    expect(inWords(config)).not.toHaveProperty('SEQ_FIELD');
    expect(inWords(config)).not.toHaveProperty('POSTGRES_PASSWORD');
  });
});
