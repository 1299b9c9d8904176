/** Which nodes, relationships and properties a record becomes. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createGraphModels, graphModels, longestText, type RecordType, recordTypes } from '../src/index.ts';
import { bytes, decode } from './decode.ts';

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
