import { describe, expect, it } from '@jest/globals';
import { dumpVersion } from '../src/publish/completion.ts';
import { delimiterOf, formatOf, rootElement, typeOf } from '../src/publish/format.ts';
import { speed, summarise, summaryTable } from '../src/publish/summary.ts';
import { differences } from '../src/start/drain.ts';

const head = (text: string, gzip = false) => ({ name: 'x', head: Buffer.from(text), gzip });

describe('the format of an input', () => {
  it.each([
    ['a.xml.gz', '', 'xml'],
    ['a.NDJSON', '', 'jsonl'],
    ['a.tsv', '', 'csv'],
    ['-', '\ufeff\n  <?xml version="1.0"?>', 'xml'],
    ['dump.json', '{"id":1}\n', 'jsonl'],
  ] as const)('of %s with %j is %s', (path, text, format) => {
    expect(formatOf(path, head(text), undefined)).toBe(format);
  });

  it('that cannot be told is a usage error with the option that tells it', () => {
    expect(() => formatOf('x', head('a,b\n1,2\n'), undefined)).toThrow('cannot tell its format');
    expect(() => formatOf('x.json', head('[{"id":1}]'), undefined)).toThrow('one JSON array');
    expect(formatOf('x', head('a,b\n'), 'csv')).toBe('csv');
  });

  it('that is one JSON array is told with the commands that make lines of it, gzipped or not', () => {
    const advice = (path: string, gzip: boolean): unknown => {
      try {
        return formatOf(path, head('[{"id":1}]', gzip), undefined);
      } catch (error) {
        return (error as { next?: string }).next?.replace('turn it into lines first, for example with: ', '');
      }
    };
    expect(advice('a.json', false)).toBe("jq -c '.[]'");
    expect(advice('in/a-1.json.gz', true)).toBe("zcat in/a-1.json.gz | jq -c '.[]'");
    expect(advice("it's 1.json.gz", true)).toBe("zcat 'it'\\''s 1.json.gz' | jq -c '.[]'");
    expect(advice('-', true)).toBe("zcat | jq -c '.[]'");
  });

  it('a tab parts the fields of a .tsv file, unless told otherwise', () => {
    expect([delimiterOf('a.tsv.gz', undefined), delimiterOf('a.csv', undefined), delimiterOf('a.tsv', ';')]).toEqual([
      '\t',
      ',',
      ';',
    ]);
  });
});

describe('the kind of record', () => {
  it.each([
    ['discogs_20200806_artists.part-a.xml.gz', '<artists>', 'artists'],
    ['open-discogs-batch_label.xml', '<?xml version="1.0"?><!-- x --><labels>', 'labels'],
    ['masters.jsonl', '{}', 'masters'],
    ['labels-of-artists.jsonl', '{}', undefined],
    ['artistry.jsonl', '{}', undefined],
  ] as const)('of %s is told by its name', (path, text, type) => {
    expect(typeOf(path, head(text), 'jsonl', undefined)).toBe(type);
  });

  it('is told by the root of the XML before its name, and by the option before both', () => {
    const xml = head('<?xml version="1.0"?>\n<!DOCTYPE releases [<!ENTITY a "b">]>\n<releases><release/>');
    expect(rootElement(xml.head)).toBe('releases');
    expect(typeOf('artists.xml', xml, 'xml', undefined)).toBe('releases');
    expect(typeOf('artists.xml', xml, 'xml', 'labels')).toBe('labels');
  });
});

describe('what is announced', () => {
  it('carries the date of the dump where the names agree on one', () => {
    const today = new Date('2026-11-22T10:00:00Z');
    expect(dumpVersion(['discogs_20260801_artists.xml.gz', 'discogs_20260801_labels.xml.gz'], today)).toBe('20260801');
    expect(dumpVersion(['discogs_20260801_artists.xml', 'discogs_20260701_labels.xml'], today)).toBe('20261122');
    expect(dumpVersion(['artists.jsonl'], today)).toBe('20261122');
  });
});

describe('the summary', () => {
  const file = {
    file: 'a.jsonl',
    type: 'artists',
    exchange: 'discogs-artists',
    ended: 'complete',
    read: 1_204,
    published: 1_200,
    refused: 4,
    signals: 0,
    before: 0,
    unroutable: 0,
    rejects: null,
    ...speed(1_200, 2_000),
  } as const;

  it('has a row per file and a total, numbers to the right', () => {
    const run = summarise([file, file], { dryRun: false, ended: 'complete', milliseconds: 4_000 });
    expect(`\n${summaryTable(run)}\n`).toBe(`
file     exchange          read  published  refused  seconds  per second
a.jsonl  discogs-artists  1,204      1,200        4      2.0         600
a.jsonl  discogs-artists  1,204      1,200        4      2.0         600
total                     2,408      2,400        8      4.0         600
`);
  });

  it('says what an earlier run had published, and what a dry run would', () => {
    const run = summarise([{ ...file, before: 50 }], { dryRun: true, ended: 'complete', milliseconds: 1 });
    expect(summaryTable(run)).toMatch(/would publish .* before/);
  });
});

describe('the comparison after the sample', () => {
  const expected = {
    rows: { artists: 2, labels: 2, masters: 2, releases: 2 },
    graph: { nodes: { Artist: 3 }, relationships: { BY: 4 }, totalNodes: 3, totalRelationships: 4 },
  };
  it('finds nothing where the stores hold exactly that', () => {
    expect(differences(expected, { rows: expected.rows, graph: expected.graph })).toEqual([]);
  });
  it('names what is missing and what is too much', () => {
    const held = {
      rows: { ...expected.rows, labels: null, masters: 3 },
      graph: { nodes: { Artist: 3, Genre: 1 }, relationships: {} },
    };
    expect(differences(expected, held)).toEqual([
      'rows in labels: 0, expected 2',
      'rows in masters: 3, expected 2',
      'nodes Genre: 1, expected 0',
      'relationships BY: 0, expected 4',
    ]);
  });
});
