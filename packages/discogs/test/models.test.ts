import { createHash } from 'node:crypto';
import type { Decoded } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  createGraphModels,
  createTableModels,
  extractionComplete,
  fileComplete,
  type GraphRecord,
  graphModels,
  longestText,
  type RecordType,
  recordTypes,
  tableModels,
} from '../src/index.ts';

const bytes = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

/** Both models on one body; the verdicts must not differ. */
function decode(value: unknown, type: RecordType = 'artists'): Decoded<Uint8Array> {
  const body = Buffer.isBuffer(value) ? value : bytes(value);
  const asTable = tableModels[type].decode(body, {});
  const { record: _, ...table } = asTable as Decoded<Uint8Array> & { record?: unknown };
  const { record: __, ...graph } = graphModels[type].decode(body, {}) as Decoded<GraphRecord> & { record?: unknown };
  expect(graph).toEqual(table);
  return asTable;
}

const codeOf = (value: unknown): string => {
  const decoded = decode(value);
  return decoded.is === 'refused' ? decoded.fault.code : decoded.is;
};
const keyOf = (value: unknown): string | undefined => {
  const decoded = decode(value);
  return decoded.is === 'record' ? decoded.key : undefined;
};

describe('keys', () => {
  it.each([
    ['"123"', '123'],
    ['123', '123'],
    ['1.0', '1'],
    ['1e2', '100'],
    ['-0', '0'],
    ['9007199254740993', '9007199254740993'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['" a "', ' a '],
    ['"\\u0031"', '1'],
    ['"\'; DROP TABLE artists; --"', "'; DROP TABLE artists; --"],
    [`"${'x'.repeat(255)}"`, 'x'.repeat(255)],
    [`"${'🎵'.repeat(255)}"`, '🎵'.repeat(255)],
  ])('id %s is the key %s in both stores', (id, key) => {
    expect(keyOf(`{"type":"data","id":${id}}`)).toBe(key);
  });

  it.each([
    ['{"type":"data"}', 'key-missing'],
    ['{"type":"data","id":null}', 'key-missing'],
    ['{"type":"data","id":""}', 'key-missing'],
    ['{"type":"data","id":" \\t\\n"}', 'key-invalid'],
    ['{"type":"data","id":true}', 'key-invalid'],
    ['{"type":"data","id":{"id":"1"}}', 'key-invalid'],
    ['{"type":"data","id":["1"]}', 'key-invalid'],
    ['{"type":"data","id":1.5}', 'key-invalid'],
    ['{"type":"data","id":1e300}', 'key-invalid'],
    [`{"type":"data","id":"${'x'.repeat(256)}"}`, 'key-too-long'],
    [`{"type":"data","id":"${'🎵'.repeat(256)}"}`, 'key-too-long'],
    ['{"a":{"id":"1"}}', 'key-missing'],
    ['{}', 'key-missing'],
  ])('%.60s is refused as %s', (body, code) => {
    expect(codeOf(body)).toBe(code);
  });

  it('the last of two ids counts, as it does in both stores', () => {
    expect(keyOf('{"type":"data","id":"1","sha256":"x","id":"2"}')).toBe('2');
    expect(keyOf('{"type":"data","id":"1","\\u0069d":"2"}')).toBe('2');
    expect(codeOf('{"type":"data","id":"1","id":null}')).toBe('key-missing');
  });
});

describe('kinds of messages', () => {
  it('a record without a type is a record, if it has an id', () => {
    expect(keyOf('{"id":"1"}')).toBe('1');
    expect(keyOf('{"type":null,"id":"1"}')).toBe('1');
  });

  it.each(['"artist"', '"DATA"', '""', '5', '{}', 'false'])('the type %s is unknown', (type) => {
    expect(codeOf(`{"type":${type},"id":"1"}`)).toBe('type-unknown');
  });

  it('the last type decides', () => {
    expect(codeOf('{"type":"file_complete","id":"1","type":"data"}')).toBe('record');
  });

  it('a file_complete is a signal, and what it does not tell is undefined', () => {
    const at = new Date('2026-01-02T03:04:05.678Z');
    expect(decode(fileComplete({ type: 'labels', total: 7, file: 'l.xml', at }))).toEqual({
      is: 'signal',
      signal: { is: 'file_complete', type: 'labels', total: 7, at: '2026-01-02T03:04:05.678Z' },
    });
    expect(decode('{"type":"file_complete","total_processed":"7","timestamp":5}')).toEqual({
      is: 'signal',
      signal: { is: 'file_complete', type: 'artists', total: undefined, at: undefined },
    });
  });

  it('an extraction_complete is a signal with its counts', () => {
    const startedAt = new Date('2026-01-01T00:00:00Z');
    expect(decode(extractionComplete({ version: '20260101', startedAt, counts: { artists: 3, labels: 0 } }))).toEqual({
      is: 'signal',
      signal: {
        is: 'extraction_complete',
        version: '20260101',
        startedAt: startedAt.toISOString(),
        counts: { artists: 3, labels: 0 },
      },
    });
    expect(decode('{"type":"extraction_complete","record_counts":{"a":-1,"b":"2","__proto__":4,"c":1e400}}')).toEqual({
      is: 'signal',
      signal: {
        is: 'extraction_complete',
        version: undefined,
        startedAt: undefined,
        counts: Object.fromEntries([['__proto__', 4]]),
      },
    });
  });
});

describe('hashes', () => {
  it('a declared hash is taken, an absent or null one is that of the bytes', () => {
    expect(decode('{"id":"1","sha256":"abc"}')).toMatchObject({ hash: 'abc' });
    for (const body of ['{"id":"1"}', '{"id":"1","sha256":null}']) {
      expect(decode(body)).toMatchObject({ hash: createHash('sha256').update(body).digest('hex') });
    }
  });

  it.each(['5', '""', '{}', 'true', `"${'x'.repeat(256)}"`])('sha256 %.20s is refused, with the key told', (hash) => {
    const decoded = decode(`{"id":"1","sha256":${hash}}`);
    expect(decoded).toMatchObject({ is: 'refused', key: '1', fault: { code: 'hash-invalid', proven: true } });
  });
});

describe('tables', () => {
  it.each(recordTypes)('%s has the columns and indexes that others rely on', (type) => {
    const { table } = tableModels[type];
    expect(table).toMatchObject({ name: type, key: 'data_id', hash: 'hash' });
    expect(table.columns).toEqual([{ name: 'data', type: 'jsonb' }]);
    expect(table.indexes.map((index) => index.name)).toEqual([`idx_${type}_hash`, `idx_${type}_gin`]);
  });

  it('the body goes into data as it came, byte for byte, the very same bytes', () => {
    const body = bytes('{ "id" : "1", "n": 0.10000000000000000000000001 }');
    const decoded = tableModels.artists.decode(body, {});
    expect(decoded.is === 'record' && tableModels.artists.row(decoded.record)[0]).toBe(body);
  });

  it('limits hold', () => {
    const models = createTableModels({ limits: { recordBytes: 10, depth: 5, members: 5 } });
    expect(models.labels.decode(bytes('{"id":"123"}'), {})).toMatchObject({ fault: { code: 'record-too-large' } });
  });

  it('the court of appeal finds nothing in what decode accepted', () => {
    expect(tableModels.artists.examine?.(bytes('{"id":"1"}'))).toBeUndefined();
    expect(tableModels.artists.examine?.(bytes('{"id":"\\u0000"}'))).toMatchObject({ code: 'text-nul', proven: true });
  });
});

/** Nodes and edges of a record in words: `Label:key{name}`, `TYPE from>to`. */
function graphOf(type: RecordType, body: unknown): { nodes: string[]; edges: string[]; properties: object } {
  const model = graphModels[type];
  const decoded = model.decode(bytes(body), {});
  if (decoded.is !== 'record') throw new Error(`not a record: ${JSON.stringify(decoded)}`);
  const primary = model.nodes.filter((step) => step.primary === true);
  expect(primary).toHaveLength(1);
  const nodes = model.nodes
    .filter((step) => step.primary !== true)
    .flatMap((step) =>
      step
        .rows(decoded.record)
        .map((row) => `${step.label}:${row.key}${row.properties.name ? `{${String(row.properties.name)}}` : ''}`),
    );
  const edges = model.edges.flatMap((step) =>
    step.rows(decoded.record).map((row) => `${step.type} ${step.from.label}:${row.from}>${step.to.label}:${row.to}`),
  );
  const [own] = primary[0]?.rows(decoded.record) ?? [];
  expect(own?.key).toBe(decoded.key);
  return { nodes, edges, properties: own?.properties ?? {} };
}

describe('graphs', () => {
  it('an artist: members point at it, it points at its groups and aliases, and all of them are stubs', () => {
    const graph = graphOf('artists', {
      id: '1',
      name: 'A',
      realname: 'R',
      members: [{ id: '2', name: 'B' }, { id: '2' }, { id: '0', name: 'nobody' }, { name: 'no id' }, null],
      groups: [{ id: '3', name: 'C' }],
      aliases: { name: { '@id': '4', '#text': 'D' } },
    });
    expect(graph.nodes).toEqual(['Artist:2{B}', 'Artist:3{C}', 'Artist:4{D}']);
    expect(graph.edges).toEqual([
      'MEMBER_OF Artist:2>Artist:1',
      'MEMBER_OF Artist:1>Artist:3',
      'ALIAS_OF Artist:1>Artist:4',
    ]);
    expect(graph.properties).toEqual({ name: 'A', realname: 'R', data_quality: null });
  });

  it('both ends of a membership name the same relationship, and say that the other may too', () => {
    const members = graphModels.artists.edges.filter((edge) => edge.type === 'MEMBER_OF');
    expect(members.map((edge) => [edge.owner, edge.twoSided])).toEqual([
      ['to', true],
      ['from', true],
    ]);
    const labels = graphModels.labels.edges;
    expect(labels.map((edge) => [edge.type, edge.owner, edge.twoSided])).toEqual([
      ['SUBLABEL_OF', 'to', true],
      ['SUBLABEL_OF', 'from', true],
    ]);
  });

  it('a record that names itself says nothing by it', () => {
    const self = [{ id: '1', name: 'A' }];
    expect(graphOf('artists', { id: 1, members: self, groups: self, aliases: self })).toMatchObject({
      nodes: [],
      edges: [],
    });
  });

  it('a label: parent and sublabels, also where sublabels are empty or wrapped', () => {
    expect(graphOf('labels', { id: '1', sublabels: [null, null], parentLabel: { id: '2', name: 'P' } }).edges).toEqual([
      'SUBLABEL_OF Label:1>Label:2',
    ]);
    expect(graphOf('labels', { id: '1', sublabels: { label: [{ '@id': '3', '#text': 'S' }] } }).edges).toEqual([
      'SUBLABEL_OF Label:3>Label:1',
    ]);
    expect(graphOf('labels', { id: '1', parent_label: { id: 5 } }).nodes).toEqual(['Label:5']);
  });

  it('a master with one genre says what its styles are part of; with two it does not', () => {
    const master = {
      id: '1',
      artists: [{ id: '9', name: 'A' }],
      genres: ['Rock'],
      styles: ['Punk', 'Punk'],
      year: '1977',
    };
    const graph = graphOf('masters', master);
    expect(graph.edges).toEqual([
      'BY Master:1>Artist:9',
      'IS Master:1>Genre:Rock',
      'IS Master:1>Style:Punk',
      'PART_OF Style:Punk>Genre:Rock',
    ]);
    expect(graph.properties).toEqual({ title: null, year: 1977n, main_release: null, data_quality: null });
    expect(graphOf('masters', { ...master, genres: ['Rock', 'Pop'] }).edges).not.toContain(
      'PART_OF Style:Punk>Genre:Rock',
    );
    expect(graphOf('masters', { ...master, genres: ['Rock', 'Rock'] }).edges).toContain(
      'PART_OF Style:Punk>Genre:Rock',
    );
  });

  it('a release: artists but not extra artists, labels, master, genres, styles, and its year', () => {
    const graph = graphOf('releases', {
      id: '1',
      title: 'T',
      released: '1999-03-00',
      artists: { artist: { id: '2', name: 'A' } },
      extraartists: [{ id: '3', name: 'X' }],
      labels: [{ catno: 'C1', id: '5', name: 'L' }, { catno: 'C2', id: '5', name: 'L' }, { catno: 'none' }],
      master_id: '7',
      genres: { genre: 'Jazz' },
      styles: ['Bop'],
    });
    expect(graph.nodes).toEqual(['Artist:2{A}', 'Label:5{L}', 'Master:7', 'Genre:Jazz', 'Style:Bop']);
    expect(graph.edges).toEqual([
      'BY Release:1>Artist:2',
      'ON Release:1>Label:5',
      'DERIVED_FROM Release:1>Master:7',
      'IS Release:1>Genre:Jazz',
      'IS Release:1>Style:Bop',
      'PART_OF Style:Bop>Genre:Jazz',
    ]);
    expect(graph.properties).toMatchObject({ title: 'T', released: '1999-03-00', year: 1999n, country: null });
  });

  it.each([
    [7, 'Master:7'],
    [{ '#text': '7', '@is_main_release': 'true' }, 'Master:7'],
    ['0', undefined],
    [0, undefined],
    [null, undefined],
    ['', undefined],
    [1.5, undefined],
  ])('master_id %j names %s', (master_id, node) => {
    expect(graphOf('releases', { id: '1', master_id }).nodes).toEqual(node === undefined ? [] : [node]);
  });

  it.each([
    ['1999', 1999n],
    [1999, 1999n],
    ['1999-03-00', 1999n],
    ['0', null],
    ['0000', null],
    [0, null],
    ['199', null],
    ['19990', null],
    ['soon', null],
    [['1999'], null],
  ])('the year of %j is %s', (released, year) => {
    expect(graphOf('releases', { id: '1', released }).properties).toMatchObject({ year });
  });

  it('texts are cut to what any index can hold, between characters', () => {
    const { name } = graphOf('artists', { id: '1', name: '🎵'.repeat(longestText + 1) }).properties as { name: string };
    expect([...name]).toHaveLength(longestText);
    expect(Buffer.byteLength(name)).toBeLessThan(8167);
    expect(graphOf('masters', { id: '1', genres: ['x'.repeat(256), ' ', 'Rock'] }).nodes).toEqual(['Genre:Rock']);
  });

  it('keys of an object are data, whatever their names', () => {
    const body = '{"id":"1","__proto__":{"name":"P"},"constructor":{},"members":{"__proto__":{"id":"5"}}}';
    expect(graphOf('artists', body)).toMatchObject({ nodes: [], properties: { name: null } });
  });

  it('any JSON in any field is read or left, never thrown at', () => {
    const fields = [
      'id',
      'name',
      'members',
      'groups',
      'aliases',
      'sublabels',
      'parentLabel',
      'artists',
      'genres',
      'styles',
    ];
    const named = fc.record({ id: fc.jsonValue(), name: fc.jsonValue() }, { requiredKeys: [] });
    const value = fc.oneof(fc.jsonValue(), named, fc.array(named), fc.record({ name: fc.array(named) }));
    const record = fc.dictionary(fc.constantFrom(...fields, 'labels', 'master_id', 'year', 'released', 'title'), value);
    fc.assert(
      fc.property(record, fc.constantFrom(...recordTypes), (body, type) => {
        const text = JSON.stringify({ ...body, id: '1' });
        if (decode(text, type).is !== 'record') return;
        const graph = graphOf(type, text);
        expect(new Set(graph.nodes).size).toBe(graph.nodes.length);
        expect(new Set(graph.edges).size).toBe(graph.edges.length);
        for (const edge of graph.edges) {
          const [, from, to] = /^\S+ (\w+:[\s\S]*)>(\w+:[\s\S]*)$/.exec(edge) ?? [];
          expect(from).not.toBe(to);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('limits hold for graphs too', () => {
    const models = createGraphModels({ limits: { recordBytes: 10, depth: 5, members: 5 } });
    expect(models.labels.decode(bytes('{"id":"123"}'), {})).toMatchObject({ fault: { code: 'record-too-large' } });
  });
});

describe('both models agree', () => {
  it('on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (body) => void decode(Buffer.from(body))),
      { numRuns: 2000 },
    );
  });

  it('on any record, whole or broken at one byte', () => {
    const record = fc.json().map((json) => `{"type":"data","id":"1","x":${json}}`);
    fc.assert(
      fc.property(record, fc.nat(), fc.nat(255), (text, at, byte) => {
        decode(text);
        const body = bytes(text);
        body[at % body.length] = byte;
        decode(body);
      }),
      { numRuns: 2000 },
    );
  });
});
