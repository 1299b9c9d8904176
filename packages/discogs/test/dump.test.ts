import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type DumpItem, type DumpOptions, readDump, recordTypes } from '../src/index.ts';
import { describeReal, readShared, realMessages, shared } from './shared.ts';

async function* chunked(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

async function items(xml: string | Buffer, options: DumpOptions & { size?: number } = {}): Promise<DumpItem[]> {
  const { size = 1 << 16, ...rest } = options;
  const found: DumpItem[] = [];
  for await (const item of readDump(chunked(Buffer.from(xml as string), size), rest)) found.push(item);
  return found;
}

/** Items in few words: the id of a record, `error@byte` or `fatal@byte`. */
const inWords = (found: readonly DumpItem[]): string[] =>
  found.map((item) => (item.is === 'record' ? item.id : `${item.fatal ? 'fatal' : 'error'}@${item.position.byte}`));

/** Items as text, every byte and place of them. */
const inFull = (found: readonly DumpItem[]): string[] =>
  found.map((item) => `${item.is === 'record' ? item.body.toString() : item.reason} ${JSON.stringify(item.position)}`);

const artist = (id: string, more = ''): string => `<artist><id>${id}</id><name>n${id}</name>${more}</artist>`;

describeReal('the real dumps', () => {
  it.each(recordTypes)('%s of 2020: the extractor’s messages, byte for byte, in order', async (type) => {
    const file = readFileSync(new URL(`discogs/discogs_20200806_${type}.part-a.xml.gz`, shared));
    const bodies = (await items(file, { type })).map((item) =>
      item.is === 'record' ? item.body.toString() : item.reason,
    );
    expect(bodies).toEqual(
      realMessages(type)
        .map((body) => body.toString())
        .filter((body) => body.startsWith('{"type":"data"')),
    );
  });

  it.each(recordTypes)('%s: positions are those of the start tags', async (type) => {
    const xml = readShared(`discogs/discogs_20200806_${type}.part-a.xml.gz`);
    const tag = `<${type.slice(0, -1)}`;
    for (const size of [1 << 16, 1009]) {
      const found = await items(xml, { size });
      expect(found).toHaveLength(555);
      for (const { position } of found) {
        expect(xml.toString('latin1', position.byte, position.byte + tag.length)).toBe(tag);
      }
      const last = found.at(-1);
      expect(last?.position.line).toBe(xml.subarray(0, last?.position.byte).toString().split('\n').length);
    }
  });

  it.each([
    ['discogs_20170401_artists.head50.xml.gz', 27],
    ['discogs_20170401_labels.head50.xml.gz', 5],
    ['discogs_20170401_masters.head50.xml.gz', 47],
    ['discogs_20170401_releases.head50.xml.gz', 10],
    ['elpassion_artists_sample.xml.gz', 50],
    ['elpassion_labels_sample.xml.gz', 50],
    ['elpassion_masters_sample.xml.gz', 50],
    ['elpassion_releases_sample.xml.gz', 50],
    ['open-discogs-batch_artist.xml', 3],
    ['open-discogs-batch_label.xml', 5],
    ['open-discogs-batch_master.xml', 3],
    ['open-discogs-batch_release.xml', 3],
  ])('%s has %i records, whatever the chunks', async (name, count) => {
    const file = readFileSync(new URL(`discogs/${name}`, shared));
    const whole = await items(file);
    expect(whole.filter((item) => item.is === 'record')).toHaveLength(count);
    const xml = readShared(`discogs/${name}`);
    for (const size of [313, 4096]) expect(inFull(await items(xml, { size }))).toEqual(inFull(whole));
  });

  it('old dumps pair members by order and give aliases without ids', async () => {
    const found = await items(readFileSync(new URL('discogs/discogs_20170401_artists.head50.xml.gz', shared)));
    const records = found.flatMap((item) => (item.is === 'record' ? [JSON.parse(item.body.toString())] : []));
    const second = records.find((record) => record.id === '2');
    expect(second.members).toEqual([
      { id: '26', name: 'Alexi Delano' },
      { id: '27', name: 'Cari Lekebusch' },
    ]);
    expect(second.aliases[0]).toEqual({ name: expect.any(String) });
  });
});

describe('a dump', () => {
  const good = `<artists>\n${artist('1')}\n${artist('2')}\n</artists>\n`;

  it('may be plain, gzip, or gzip of several members', async () => {
    const halves = [good.slice(0, 30), good.slice(30)].map((half) => gzipSync(half));
    for (const file of [Buffer.from(good), gzipSync(good), Buffer.concat(halves)]) {
      for (const size of [1, 7, 1 << 16]) expect(inWords(await items(file, { size }))).toEqual(['1', '2']);
    }
  });

  it('may have a declaration, a byte order mark, comments and CDATA', async () => {
    const xml = `\ufeff<?xml version="1.0" encoding="UTF-8"?>\n<!-- x --><artists><artist><id>1</id><name><![CDATA[a<b & c]]></name></artist></artists>`;
    const [only] = await items(xml);
    expect(only?.is === 'record' && JSON.parse(only.body.toString())).toMatchObject({ id: '1', name: 'a<b & c' });
  });

  it.each([
    ['a bare ampersand', '<profile>a & b</profile>'],
    ['an unknown entity', '<profile>&nbsp;</profile>'],
    ['a forbidden character reference', '<profile>&#0;</profile>'],
    ['a forbidden character', '<profile>\u0001</profile>'],
    ['a bracket in text', '<profile>a < b</profile>'],
    ['a wrong end tag', '<profile></name>'],
    ['an unfinished end tag', '<profile></profile'],
    ['an unquoted attribute', '<images><image width=5/></images>'],
    ['an attribute never closed', '<images><image uri="/></images>'],
    ['an element never closed', '<profile>'],
    ['no id at all', '<id/>', true],
  ])('%s costs that record and no other', async (_, more, withoutId = false) => {
    const bad = withoutId === true ? '<artist><name>x</name></artist>' : artist('2', more);
    const xml = `<artists>\n${artist('1')}\n${bad}\n${artist('3')}\n${artist('4')}\n</artists>\n`;
    const at = xml.indexOf('<artist>', 20);
    for (const size of [1, 5, 64, 1 << 16]) {
      const found = await items(xml, { size });
      expect(inWords(found)).toEqual(['1', `error@${at}`, '3', '4']);
      expect(found[1]?.position).toEqual({ line: 3, byte: at, record: 2 });
      expect(found[3]?.position).toMatchObject({ line: 5, record: 4 });
    }
  });

  it('a record whose end tag is missing costs that record and no other', async () => {
    const xml = `<artists>\n<artist><id>1</id>\n${artist('2')}\n</artists>`;
    for (const size of [1, 1 << 16]) expect(inWords(await items(xml, { size }))).toEqual(['error@10', '2']);
  });

  it('a record whose end tag is another is not a record', async () => {
    const xml = `<artists>\n<artist><id>1</id></artixt>\n${artist('2')}\n</artists>`;
    for (const size of [1, 1 << 16]) expect(inWords(await items(xml, { size }))).toEqual(['error@10', '2']);
  });

  it('after a bad label the next record is not taken for a sublabel, nor a sublabel for a record', async () => {
    const sublabels = '<sublabels><label id="7">x</label><label></label><label/></sublabels>';
    const label = (id: string, more = ''): string => `<label><id>${id}</id>${more}${sublabels}</label>`;
    const xml = `<labels>\n${label('1', '<profile>&</profile>')}\n${label('2')}\n</labels>`;
    for (const size of [1, 9, 1 << 16]) expect(inWords(await items(xml, { size }))).toEqual(['error@9', '2']);
  });

  it('bytes that are not UTF-8 cost the record they stand in', async () => {
    const bad = Buffer.concat([
      Buffer.from('<artist><id>2</id><name>'),
      Buffer.from([0xff, 0xc3]),
      Buffer.from('</name></artist>\n'),
    ]);
    const xml = Buffer.concat([
      Buffer.from(`<artists>\n${artist('1', '<profile>\ufffd ö</profile>')}\n`),
      bad,
      Buffer.from(`${artist('3')}\n</artists>`),
    ]);
    const at = xml.indexOf('<artist><id>2');
    for (const size of [1, 1 << 16]) expect(inWords(await items(xml, { size }))).toEqual(['1', `error@${at}`, '3']);
  });

  it('one broken byte costs at most two records, and never makes one up', async () => {
    const ids = ['1', '2', '3', '4', '5', '6'];
    const more =
      '<images><image uri="u"/></images><profile>a &amp; b</profile><aliases><name id="9">z</name></aliases>';
    const xml = `<artists>\n${ids.map((id) => artist(id, more)).join('\n')}\n</artists>\n`;
    const inside = xml.indexOf('<id>3');
    await fc.assert(
      fc.asyncProperty(
        fc.nat(250),
        fc.constantFrom(...'<>/&;"= \0a'),
        fc.constantFrom(1, 50, 4096),
        async (at, byte, size) => {
          const broken = xml.slice(0, inside + at) + byte + xml.slice(inside + at + 1);
          const found = await items(broken, { size });
          const read = found.flatMap((item) => (item.is === 'record' ? [item.id] : []));
          // A broken id is another id; the others must be themselves, in order.
          expect(read.filter((id) => ids.includes(id)).length).toBeGreaterThanOrEqual(4);
          expect(read.length).toBeLessThanOrEqual(6);
          expect(read.slice(0, 2)).toEqual(['1', '2']);
          expect(read.slice(-1)).toEqual(['6']);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('a record over the limit costs that record, and its text is not kept', async () => {
    const xml = `<artists>${artist('1')}${artist('2', `<profile>${'x'.repeat(100_000)}</profile>`)}${artist('3')}</artists>`;
    expect(inWords(await items(xml, { size: 1000, recordBytes: 5000 }))).toEqual([
      '1',
      `error@${artist('1').length + 9}`,
      '3',
    ]);
  });

  it('nesting too deep costs that record', async () => {
    const xml = `<artists>${artist('1', '<a>'.repeat(200))}${artist('2')}</artists>`;
    expect(inWords(await items(xml))).toEqual(['error@9', '2']);
  });

  it.each([
    ['cut inside a record', good.slice(0, 70), ['1', 'fatal@55']],
    ['cut between records', good.slice(0, 55), ['1', 'fatal@55']],
    ['empty', '', ['fatal@0']],
    ['of something else', '<html><body/></html>', ['fatal@5']],
    ['not XML', '{"id":"1"}', ['fatal@0']],
  ])('%s ends with a fatal error and its place', async (_, xml, expected) => {
    const found = inWords(await items(xml)).map((word) => (word.startsWith('fatal') ? 'fatal' : word));
    expect(found).toEqual(expected.map((word) => (word.startsWith('fatal') ? 'fatal' : word)));
  });

  it('a broken archive ends with a fatal error after the records before it', async () => {
    const file = gzipSync(good.repeat(1).slice(0, 60));
    expect(inWords(await items(Buffer.concat([file, gzipSync(good).subarray(0, 15)]))).at(-1)).toMatch(/^fatal/);
    const corrupt = gzipSync(good);
    corrupt[corrupt.length - 6] = (corrupt[corrupt.length - 6] as number) ^ 0xff;
    expect(inWords(await items(corrupt)).at(-1)).toMatch(/^fatal/);
  });

  it('a failing source ends with a fatal error that names the cause', async () => {
    const failing = Readable.from(
      (async function* () {
        yield Buffer.from(good.slice(0, 60));
        throw new Error('disk on fire');
      })(),
    );
    const found: DumpItem[] = [];
    for await (const item of readDump(failing)) found.push(item);
    expect(found.at(-1)).toMatchObject({ is: 'error', fatal: true, reason: expect.stringContaining('disk on fire') });
  });

  it('of another type than expected ends with a fatal error', async () => {
    expect(inWords(await items(good, { type: 'labels' }))).toEqual(['fatal@0']);
  });

  it('an element named __proto__ is data', async () => {
    const [only] = await items(`<artists>${artist('1', '<__proto__><x>1</x></__proto__>')}</artists>`);
    expect(only?.is === 'record' && only.body.toString()).toContain('"__proto__":{"x":"1"}');
  });

  it('is read no faster than it is consumed', async () => {
    let given = 0;
    async function* endless(): AsyncGenerator<Buffer> {
      yield Buffer.from('<artists>');
      for (let id = 1; ; id++) {
        given++;
        yield Buffer.from(artist(String(id)));
      }
    }
    let taken = 0;
    for await (const item of readDump(endless())) {
      expect(item.is).toBe('record');
      if (++taken === 50) break;
      expect(given - taken).toBeLessThan(3);
    }
  });
});
