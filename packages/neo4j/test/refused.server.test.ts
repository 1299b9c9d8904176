import { describe, expect, it } from '@jest/globals';
import { createGraphSink } from '../src/index.ts';
import { useBandSink } from './support/band-sink.ts';
import { type Band, band, batchOf, keyed } from './support/bands.ts';
import { never, query, unique } from './support/server.ts';

const { labels, model, neo4j, sink, write, nodeOf } = useBandSink();

describe('what Neo4j must not be given', () => {
  const zoo: readonly [string, Partial<Band>, string][] = [
    ['half of a surrogate pair in a text', { name: 'a\ud800' }, 'text-surrogate'],
    ['half of a surrogate pair in a name of another node', { places: ['\udc00'] }, 'text-surrogate'],
    ['an integer past 64 bits', { country: 2n ** 63n }, 'number-out-of-range'],
    ['a key of 256 characters', { genres: ['x'.repeat(256)] }, 'key-too-long'],
    ['an empty key', { members: [''] }, 'key-missing'],
    ['a map', { country: { a: 1 } as unknown as string }, 'value-refused'],
    ['a list in a list', { country: [['a']] as unknown as string[] }, 'value-refused'],
    ['a list with a null', { country: ['a', null] as unknown as string[] }, 'value-refused'],
    ['a function', { country: (() => 1) as unknown as string }, 'value-refused'],
    ['a symbol', { country: Symbol('x') as unknown as string }, 'value-refused'],
    ['undefined', { country: undefined as unknown as null }, 'value-refused'],
    ['a record its model cannot read', { styles: null as unknown as string[] }, 'defect'],
  ];

  it.each(zoo)('%s is refused before it reaches the driver, its record named', async (_, more, code) => {
    const [good, bad] = [unique(), unique()];
    const batch = batchOf(model, [keyed(band(good), 'h'), keyed(band(bad, more), 'h')]);
    await expect(sink().write(batch, never)).rejects.toMatchObject({ is: 'refused', culprit: 1, fault: { code } });
    expect(await nodeOf(good)).toBeUndefined();
    expect((await write(keyed(band(good), 'h'))).counts.created).toBe(1);
    expect(neo4j().stats()).toMatchObject({ driversMade: 1, inFlight: 0 });
  });

  it('hostile texts are stored as they are', async () => {
    const texts = [
      "'; MATCH (n) DETACH DELETE n //",
      '`}) //',
      '$key',
      '{$ne: 1}',
      'a\u0000b',
      '\ud83d\ude00',
      '\ufeff',
      '-0',
      '1e400',
    ];
    const records = texts.map((text) => {
      const id = `${unique()}${text}`;
      return keyed(band(id, { name: text, places: [`p${id}`] }), 'h');
    });
    expect((await write(...records)).counts.created).toBe(texts.length);
    for (const { record } of records) expect((await nodeOf(record.id))?.name).toBe(record.name);
  });

  it('keys that differ only in case, form or kind of digits are different nodes', async () => {
    const base = unique();
    const ids = ['1', '1.0', 'é', 'e\u0301', 'É', '01'].map((end) => `${base}${end}`);
    expect((await write(...ids.map((id) => keyed(band(id), 'h')))).counts.created).toBe(ids.length);
  });

  it('a text too long for an index is blamed on its record, and the neighbours can be written', async () => {
    await query(neo4j(), `CREATE INDEX FOR (n:${labels.band}) ON (n.country)`);
    await query(neo4j(), 'CALL db.awaitIndexes(60)');
    const [good, bad] = [unique(), unique()];
    const long = keyed(band(bad, { country: 'x'.repeat(9_000) }), 'h');
    await expect(sink().write(batchOf(model, [keyed(band(good), 'h'), long]), never)).rejects.toMatchObject({
      is: 'refused',
      culprit: 1,
      fault: { code: 'limit-refused', proven: false },
    });
    expect((await write(keyed(band(good), 'h'))).counts.created).toBe(1);
    await write(keyed(band(bad, { country: 'short' }), 'h0'));
    await expect(sink().write(batchOf(model, [{ ...long, hash: 'h1' }]), never)).rejects.toMatchObject({ culprit: 0 });
  });

  it('a model that names other properties in every record is stopped', async () => {
    const step = model.nodes[0];
    if (step === undefined) throw new Error('no step');
    const loose = {
      ...model,
      nodes: [
        { ...step, rows: (r: Band) => [{ key: r.id, properties: { [String(r.name)]: 1n } }] },
        ...model.nodes.slice(1),
      ],
    };
    const looseSink = createGraphSink(neo4j(), loose);
    const batch = batchOf(loose, [
      keyed(band(unique(), { name: 'a' }), 'h'),
      keyed(band(unique(), { name: 'b' }), 'h'),
    ]);
    await expect(looseSink.write(batch, never)).rejects.toMatchObject({
      is: 'refused',
      culprit: 1,
      fault: { code: 'defect' },
    });
  });
});

describe('the canary and the signal', () => {
  it('check passes on a server that can be written to, and leaves nothing behind', async () => {
    await sink().check(never);
    const [row] = await query(neo4j(), 'MATCH (n) WHERE size(labels(n)) = 0 RETURN count(n) AS c');
    expect(row?.c).toBe(0n);
  });

  it('an aborted write rejects at once and stores nothing', async () => {
    const a = unique();
    const abort = new AbortController();
    abort.abort();
    await expect(sink().write(batchOf(model, [keyed(band(a), 'h')]), abort.signal)).rejects.toMatchObject({
      is: 'unavailable',
    });
    expect(await nodeOf(a)).toBeUndefined();
  });

  it('mark resolves', async () => {
    const signal = { is: 'file_complete', type: 'bands', total: 1, at: undefined } as const;
    await expect(sink().mark(signal, model, { abort: never, draining: never })).resolves.toBeUndefined();
  });
});
