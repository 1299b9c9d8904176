import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { inator, lastJson } from './support/command.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'inator-model-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

const shop = `name: shop
types:
  orders:
    key: id
    version: rev
    table: { columns: { amount: { type: numeric, required: true }, at: timestamptz } }
    graph:
      label: Order
      edges: [{ type: HAS, to: { label: Product, key: "items[].sku", as: sku }, properties: { n: { type: bigint, path: "items[].n" } } }]
  visits: { key: [day, page], table: }
`;
const orders = [
  '{"id":"o1","rev":3,"amount":0.10,"at":"2024-01-01T00:00:00Z","items":[{"sku":"a","n":2}]}',
  '{"id":"o2","amount":"x"}',
  '',
  'no json',
  '{"id":"o1","amount":1}',
  '{"type":"file_complete","data_type":"orders"}',
].join('\n');

describe('inator model check', () => {
  it('says that a good file is good', async () => {
    const path = await file('shop.yaml', shop);
    expect(await inator(['model', 'check', path])).toEqual({
      code: 0,
      stdout: `${path}: the model is good: orders (table, graph), visits (table)\n`,
      stderr: '',
    });
  });

  it('prints every fault with its place, and ends with the code of a command not understood', async () => {
    const path = await file('shop.yaml', shop.replace('key: id', 'kee: id').replace('columns:', 'colums:'));
    const ran = await inator(['model', 'check', path]);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(`${path}:4:5: unknown key \`kee\`, did you mean \`key\`?`);
    expect(ran.stderr).toContain(`${path}:4:5: \`orders\` has no \`key\``);
    expect(ran.stderr).toContain(`${path}:6:14: unknown key \`colums\`, did you mean \`columns\`?`);
  });

  it('prints per record of a sample what would be stored, and what would be refused and why', async () => {
    const path = await file('shop.yaml', shop);
    const ran = await inator(['model', 'check', path, '--sample', await file('orders.jsonl.gz', gzipSync(orders))]);
    expect(ran.code).toBe(1);
    expect(ran.stdout.trimEnd().split('\n')).toEqual([
      'line 1: stored, key "o1", version 3',
      '  row in orders: amount: "0.10", at: "2024-01-01T00:00:00Z"',
      '  node Order "o1" {}',
      '  node if missing Product "a" {}',
      '  edge (Order "o1")-[HAS {n: "2"}]->(Product "a")',
      'line 2: refused, key "o2": value-refused: column amount (amount): the text is not a number; numeric is expected',
      'line 4: refused: json-invalid: byte 0: a value expected',
      'line 5: stored, key "o1"',
      '  row in orders: amount: "1", at: null',
      '  node Order "o1" {}',
      'line 6: a signal, file_complete',
      '4 records: 2 would be stored under 1 key, 2 refused (1 value-refused, 1 json-invalid)',
    ]);
  });

  it('prints the same as JSON, and only the refused when that is asked', async () => {
    const path = await file('shop.yaml', shop);
    const sample = await file('some.jsonl', orders);
    const ran = await inator(['model', 'check', path, '--sample', sample, '--type', 'orders', '--refused', '--json']);
    expect(ran.stdout.trimEnd().split('\n').length).toBe(3);
    expect(lastJson(ran)).toEqual({
      type: 'orders',
      records: 4,
      stored: 2,
      keys: 1,
      refused: 2,
      codes: { 'value-refused': 1, 'json-invalid': 1 },
    });
  });

  it('asks for the type where nothing tells it', async () => {
    const ran = await inator([
      'model',
      'check',
      await file('shop.yaml', shop),
      '--sample',
      await file('some.jsonl', orders),
    ]);
    expect(ran).toMatchObject({ code: 2 });
    expect(ran.stderr).toContain('--type orders|visits');
  });
});

describe('inator model init', () => {
  it.each([
    ['orders.jsonl', '{"id":1,"amount":1.5,"lines":[{"sku":"a"}]}\n{"id":2,"amount":2,"lines":[]}\n'],
    ['orders-2024.csv', 'no,amount,name\nA1,1.50,"x, y"\nA2,,z\n'],
  ])('proposes a model from %s that passes the check on it', async (name, content) => {
    const sample = await file(name, content);
    const out = join(directory, 'model.yaml');
    expect(await inator(['model', 'init', '--from', sample, '--name', 'shop', '--out', out])).toMatchObject({
      code: 0,
    });
    const checked = await inator(['model', 'check', out, '--sample', sample, '--json']);
    expect(checked.code).toBe(0);
    expect(lastJson(checked)).toMatchObject({ type: 'orders', records: 2, stored: 2, refused: 0 });
    expect(await readFile(out, 'utf8')).toContain('amount: numeric');
  });

  it('does not overwrite a model, and takes a sample from standard input', async () => {
    const out = await file('model.yaml', 'mine');
    const ran = await inator(['model', 'init', '--from', '-', '--type', 'orders', '--out', out], {
      stdin: '{"id":1}\n',
    });
    expect(ran.code).toBe(2);
    expect(await readFile(out, 'utf8')).toBe('mine');
  });
});

describe('inator publish with a model', () => {
  it('checks records as the services would, and knows the types', async () => {
    const model = await file('shop.yaml', shop);
    const env = { DOMAIN: model };
    const ran = await inator(['publish', '--dry-run', '--json', await file('orders.jsonl', orders)], { env });
    expect(lastJson(ran)).toMatchObject({ published: 2, refused: 2 });
    const visits = await file('visits.csv', 'day,page,id\n2024-01-01,/a,\n2024-01-01,,\n');
    expect(lastJson(await inator(['publish', '--model', model, '--dry-run', '--json', visits]))).toMatchObject({
      published: 1,
      refused: 1,
    });
    const wrong = await inator(['publish', '--model', model, '--dry-run', '--type', 'artists', visits]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('--type orders|visits')]);
  });
});

it('inator model schema prints the schema of the reference', async () => {
  const { code, stdout } = await inator(['model', 'schema']);
  expect(code).toBe(0);
  expect(stdout).toBe(await readFile(new URL('../../../docs/reference/model.schema.json', import.meta.url), 'utf8'));
});
