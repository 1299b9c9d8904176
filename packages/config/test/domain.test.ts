import { describe, expect, it } from '@jest/globals';
import { faultReport, graphinator, readConfig, tableinator } from '../src/index.ts';
import { configOf, faultsOf, filesOf } from './reading.ts';

const shop = `name: shop
types:
  orders: { key: id, table: , graph: { label: Order } }
  visits: { key: id, graph: { label: Visit } }
`;

describe('a model file as the domain', () => {
  it('gives each service the types that have something in its store, and the exchanges their name', () => {
    const env = { DOMAIN: './shop.yaml' };
    const files = { './shop.yaml': shop };
    const tables = configOf(tableinator, env, files);
    expect([tables.service.domain, tables.service.dataTypes]).toEqual(['shop', ['orders']]);
    expect(tables.rabbitmq.exchangePrefix).toBe('shop');
    expect(tables.service.model?.kinds.map(({ name }) => name)).toEqual(['orders', 'visits']);
    expect(configOf(graphinator, env, files).service.dataTypes).toEqual(['orders', 'visits']);
    expect(configOf(tableinator, { ...env, RABBITMQ_EXCHANGE_PREFIX: 'live' }, files).rabbitmq.exchangePrefix).toBe(
      'live',
    );
  });

  it('is reported with all its faults at once, together with every other fault of the configuration', () => {
    const files = { 'm.yaml': 'name: a\ntypes:\n  t:\n    kee: id\n    table: { colums: {} }\n' };
    const result = readConfig(
      tableinator,
      { DOMAIN: 'm.yaml', DATA_TYPES: 't', POSTGRES_BATCH_SIZE: 'many' },
      filesOf(files),
    );
    if ('ok' in result) throw new Error('no fault was found');
    expect(result.faults.map(({ name }) => name).sort()).toEqual(['DOMAIN', 'POSTGRES_BATCH_SIZE']);
    expect(faultReport('tableinator', result.faults)).toContain(
      [
        '  - DOMAIN is "m.yaml", a model file with 3 faults:',
        '      m.yaml:4:5: unknown key `kee`, did you mean `key`?',
        '      m.yaml:4:5: `t` has no `key`',
        '      m.yaml:5:14: unknown key `colums`, did you mean `columns`?',
      ].join('\n'),
    );
  });

  it('must be there, and have something for the service to do', () => {
    expect(faultsOf(tableinator, { DOMAIN: './no.yaml' })[0]?.reason).toBe(
      'is "./no.yaml", which cannot be read (ENOENT)',
    );
    expect(faultsOf(tableinator, { DOMAIN: 'discocks' })[0]).toMatchObject({
      reason: 'is "discocks"',
      allowed: 'discogs, or the path of a model file (.yaml, .yml, .json)',
    });
    const graphOnly = { 'g.yaml': 'name: g\ntypes: { t: { key: id, graph: { label: T } } }' };
    expect(faultsOf(tableinator, { DOMAIN: 'g.yaml' }, graphOnly)[0]?.reason).toContain('a model without a table');
    expect(faultsOf(graphinator, { DOMAIN: 'g.yaml', DATA_TYPES: 't,u' }, graphOnly)).toEqual([
      { name: 'DATA_TYPES', reason: 'names u, which g does not have', allowed: 'some of t' },
    ]);
  });

  it('may say itself where versions stand', () => {
    const files = { 'v.yaml': 'name: v\ntypes: { t: { key: id, version: rev, table: } }' };
    expect(configOf(tableinator, { DOMAIN: 'v.yaml', SEQ_SOURCE: 'body' }, files).ordering.seqSource).toBe('body');
    expect(faultsOf(tableinator, { DOMAIN: 'shop.yaml', SEQ_SOURCE: 'body' }, { 'shop.yaml': shop })[0]?.name).toBe(
      'SEQ_SOURCE',
    );
  });
});
