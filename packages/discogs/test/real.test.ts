import { readdirSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { expectedGraph, graphModels, recordTypes, sha256, tableModels } from '../src/index.ts';
import { countGraph } from './count.ts';
import { describeReal, readShared, realMessages, shared } from './shared.ts';

describeReal('the extractor’s real messages', () => {
  it.each(recordTypes)('%s: 555 records and two signals, the same for both models', (type) => {
    const kinds = { record: 0, signal: 0, refused: 0 };
    const keys = new Set<string>();
    for (const body of realMessages(type)) {
      const row = tableModels[type].decode(body, {});
      const node = graphModels[type].decode(body, {});
      kinds[row.is]++;
      expect(node.is).toBe(row.is);
      if (row.is === 'record' && node.is === 'record') {
        expect(node.key).toBe(row.key);
        expect(node.hash).toBe(row.hash);
        expect(row.key).toBe((JSON.parse(body.toString()) as { id: string }).id);
        keys.add(row.key);
      }
      if (row.is === 'signal' && row.signal.is === 'file_complete') {
        expect(row.signal).toMatchObject({ type, total: 555 });
      }
      if (row.is === 'signal' && row.signal.is === 'extraction_complete') {
        expect(row.signal.counts).toEqual({ artists: 555, labels: 555, masters: 555, releases: 555 });
      }
    }
    expect(kinds).toEqual({ record: 555, signal: 2, refused: 0 });
    expect(keys.size).toBe(555);
  });

  it.each(recordTypes)('%s: the declared hash is that of the data without its envelope', (type) => {
    for (const body of realMessages(type)) {
      const [envelope, hash] = /^\{"type":"data","id":"\d+","sha256":"(\w+)",/.exec(body.toString()) ?? [];
      if (envelope !== undefined) expect(sha256(`{${body.toString().slice(envelope.length)}`)).toBe(hash);
    }
  });

  it('all four types: the models bring exactly the graph that the reference counts', () => {
    const bodies = Object.fromEntries(recordTypes.map((type) => [type, realMessages(type)]));
    const expected = expectedGraph(bodies);
    expect(countGraph(bodies)).toEqual(expected);
    expect(expected.totalNodes).toBeGreaterThan(2220);
    expect(Object.keys(expected.relationships).sort()).toEqual(
      ['ALIAS_OF', 'BY', 'DERIVED_FROM', 'IS', 'MEMBER_OF', 'ON', 'PART_OF', 'SUBLABEL_OF'].sort(),
    );
  });
});

describeReal('the JSON test suite', () => {
  const files = () => readdirSync(new URL('hostile/JSONTestSuite/', shared));

  it('gets one verdict from both models, alone and inside a record', () => {
    for (const name of files()) {
      const file = readShared(`hostile/JSONTestSuite/${name}`);
      for (const body of [file, Buffer.concat([Buffer.from('{"id":"1","a":'), file, Buffer.from('}')])]) {
        const row = tableModels.artists.decode(body, {});
        const node = graphModels.artists.decode(body, {});
        expect({ name, is: node.is, fault: node.is === 'refused' && node.fault }).toEqual({
          name,
          is: row.is,
          fault: row.is === 'refused' && row.fault,
        });
        if (name.startsWith('n_') && body === file) expect(row.is).toBe('refused');
      }
    }
  });
});
