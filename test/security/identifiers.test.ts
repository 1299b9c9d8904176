/** Names that end up in SQL, Cypher and AMQP come from the operator; even so, no hostile one gets past the start. Needs no server. */
import { readConfig, tableinator } from '@inator/config';
import { describe, expect, it } from '@jest/globals';

const hostile = [
  'a"; drop table x; --',
  "a'b",
  'a b',
  'a;b',
  'a\nb',
  'pg_catalog',
  '1a',
  `a${'x'.repeat(63)}`,
  'a.b',
  'ä',
];

const files =
  (content: string) =>
  (path: string): string => {
    if (path.endsWith('model.yaml')) return content;
    throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
  };
const faultsOf = (env: Record<string, string>, model = ''): readonly string[] => {
  const read = readConfig(tableinator, env, files(model));
  return 'faults' in read ? read.faults.map(({ name }) => name) : [];
};

describe('a hostile name', () => {
  it.each(hostile)('of a schema stops the start: %j', (name) => {
    expect(faultsOf({ POSTGRES_SCHEMA: name })).toEqual(['POSTGRES_SCHEMA']);
  });

  it.each(['a b', 'a/b', 'a#', '*', 'a\nb', 'ä', `a${'x'.repeat(100)}`])(
    'of an exchange stops the start: %j',
    (name) => {
      expect(faultsOf({ RABBITMQ_EXCHANGE_PREFIX: name })).toEqual(['RABBITMQ_EXCHANGE_PREFIX']);
    },
  );

  const model = ({
    name = 'shop',
    type = 'orders',
    column = 'status',
    label = 'Order',
    edge = 'HAS',
    property = 'p',
  }) =>
    JSON.stringify({
      name,
      types: {
        [type]: {
          key: 'id',
          table: { columns: { [column]: { type: 'text', path: 'x' } } },
          graph: {
            label,
            properties: { [property]: { type: 'text', path: 'x' } },
            edges: [{ type: edge, to: { label: 'Product', key: 'sku' } }],
          },
        },
      },
    });

  it('of a model, type, column, label, relationship or property stops the start', () => {
    const started = (content: string): readonly string[] => faultsOf({ DOMAIN: './model.yaml' }, content);
    expect(started(model({}))).toEqual([]);
    for (const name of ['a"; drop table x; --', 'a`) detach delete n //', 'a b', "a'b", 'a\u0000b', '']) {
      for (const part of ['name', 'type', 'column', 'label', 'edge', 'property'] as const) {
        expect([part, name, started(model({ [part]: name }))]).toEqual([part, name, ['DOMAIN']]);
      }
    }
  });
});
