import { describe, expect, it } from '@jest/globals';
import { checkOf } from '../src/publish/check.ts';
import { type CsvReaderOptions, readCsv } from '../src/publish/csv.ts';
import { beginning, type Item, type Items, type Position } from '../src/publish/item.ts';
import { readJsonl } from '../src/publish/jsonl.ts';

async function* chunked(text: string | Buffer, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(items: Items): Promise<Item[]> {
  const found: Item[] = [];
  for await (const group of items) found.push(...group);
  return found;
}

const limits = { recordBytes: 200, depth: 100, members: 1000 };

function jsonl(text: string | Buffer, from: Position = beginning, size = 7): Promise<Item[]> {
  const rest = Buffer.from(text).subarray(from.byte);
  return all(readJsonl(chunked(rest, size), { check: checkOf('artists', limits), limits, from }));
}

function csv(text: string | Buffer, more: Partial<CsvReaderOptions> = {}): Promise<Item[]> {
  const check = checkOf('artists', limits);
  const options = { name: 'a.csv', check, limits, from: beginning, delimiter: ',', key: 'id', renames: new Map() };
  return all(readCsv(chunked(text, 5), { ...options, ...more }));
}

const bodies = (items: readonly Item[]): string[] =>
  items.flatMap((item) => (item.is === 'refused' ? [] : [Buffer.from(item.body).toString()]));
const refusals = (items: readonly Item[]): unknown[] =>
  items.flatMap((item) => (item.is === 'refused' ? [[item.at.line, item.at.byte, item.fault.code]] : []));

describe('JSONL', () => {
  it('is published byte for byte, duplicate keys, spaces and order included', async () => {
    const lines = ['{"id":"1", "id" : "2"}', ' {"b":1,"a":1.50,"id":7} '];
    expect(bodies(await jsonl(`${lines.join('\r\n')}\n\n`))).toEqual(lines);
  });

  it('refuses a bad line alone, with its line and byte', async () => {
    const text = '{"id":"1"}\n{"id":\n[1]\n{"name":"x"}\n{"id":"2"}\n';
    const items = await jsonl(text);
    expect(bodies(items)).toEqual(['{"id":"1"}', '{"id":"2"}']);
    expect(refusals(items)).toEqual([
      [2, 11, 'json-invalid'],
      [3, 18, 'record-not-object'],
      [4, 22, 'key-missing'],
    ]);
  });

  it('refuses a line over the limit by its size, and reads on', async () => {
    const items = await jsonl(`{"id":"1"}\n{"id":"${'x'.repeat(300)}"}\n{"id":"2"}`);
    expect(bodies(items)).toHaveLength(2);
    expect(refusals(items)).toEqual([[2, 11, 'record-too-large']]);
  });

  it('goes on from any position as if it had never stopped', async () => {
    const text = '{"id":"1"}\n\nbad\n{"id":"2"}\r\n{"type":"file_complete"}\n{"id":"3"}';
    const whole = await jsonl(text);
    expect(whole.map(({ is }) => is)).toEqual(['record', 'refused', 'record', 'signal', 'record']);
    for (const [index, item] of whole.entries()) {
      expect(await jsonl(text, item.next)).toEqual(whole.slice(index + 1));
    }
  });
});

describe('CSV', () => {
  it('makes the key column the id and every other column a text', async () => {
    const items = await csv('name,id,age\r\n"Łódź, ""PL""",7,\r\nx,8,1.50\r\n');
    expect(bodies(items)).toEqual([
      '{"type":"data","id":"7","name":"Łódź, \\"PL\\"","age":""}',
      '{"type":"data","id":"8","name":"x","age":"1.50"}',
    ]);
  });

  it('reads a field over several lines with its own line breaks', async () => {
    const items = await csv('id,text\n1,"a\r\nb\n\nc"\n2,d\n');
    expect(bodies(items)).toEqual([
      '{"type":"data","id":"1","text":"a\\r\\nb\\n\\nc"}',
      '{"type":"data","id":"2","text":"d"}',
    ]);
    expect(items.map(({ at }) => at.line)).toEqual([2, 6]);
  });

  it('refuses lines of the wrong width, without a key, and with misplaced quotes, each alone', async () => {
    const items = await csv('id,a\n1,x\n2\n,y\n3,q"q\n4,"z" z\n5,w\n');
    expect(bodies(items).map((body) => JSON.parse(body).id)).toEqual(['1', '5']);
    expect(refusals(items)).toEqual([
      [3, 9, 'csv-invalid'],
      [4, 11, 'key-missing'],
      [5, 14, 'csv-invalid'],
      [6, 20, 'csv-invalid'],
    ]);
  });

  it('a quote that never closes costs its line, not the rest of the file', async () => {
    const items = await csv('id,a\n1,x\n2,"open\n3,y\n4,z\n');
    expect(bodies(items).map((body) => JSON.parse(body).id)).toEqual(['1', '3', '4']);
    expect(refusals(items)).toEqual([[3, 9, 'csv-invalid']]);
  });

  it('what stands inside a quoted field is never taken for a record', async () => {
    const items = await csv('id,a\n1,"x\n9,not a record\n",too,many\n2,y\n');
    expect(bodies(items).map((body) => JSON.parse(body).id)).toEqual(['2']);
    expect(refusals(items)).toEqual([[2, 5, 'csv-invalid']]);
  });

  it('a file in which every line opens a quote is read in linear time', async () => {
    const text = `id,a\n${'a"b,"c\n'.repeat(20_000)}`;
    const started = performance.now();
    expect(refusals(await csv(text, { limits: { ...limits, recordBytes: 1_000_000 } }))).toHaveLength(20_000);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('refuses bytes that are no UTF-8', async () => {
    const text = Buffer.concat([Buffer.from('id,a\n1,'), Buffer.from([0xff]), Buffer.from('\n2,ok\n')]);
    expect(refusals(await csv(text))).toEqual([[2, 5, 'utf8-invalid']]);
  });

  it('renames columns, and says so when a name is taken', async () => {
    const text = 'id,type\n1,person\n';
    const renames = new Map([['type', 'kind']]);
    expect(bodies(await csv(text, { renames }))).toEqual(['{"type":"data","id":"1","kind":"person"}']);
    await expect(csv(text)).rejects.toThrow('the column "type" cannot be published');
    await expect(csv(text, { key: 'nope', renames })).rejects.toThrow('no column "nope"; it has: id, type');
  });

  it('skips what an earlier run has done', async () => {
    const text = 'id,a\n1,x\nbad\n2,y\n3,z\n';
    const whole = await csv(text);
    for (const [index, item] of whole.entries()) {
      expect(await csv(text, { from: item.next })).toEqual(whole.slice(index + 1));
    }
  });
});
