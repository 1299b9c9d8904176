import { describe, expect, it } from '@jest/globals';
import { createGraphSink, type Neo4j } from '../src/index.ts';
import { useBandSink } from './support/band-sink.ts';
import { band, batchOf, graphOf, keyed, stubName } from './support/bands.ts';
import { recording } from './support/recording.ts';
import { never, query, unique } from './support/server.ts';

const { labels, model, neo4j, write, nodeOf, edgesOf } = useBandSink();

describe('writing a batch', () => {
  it('makes nodes, stubs, shared nodes and relationships, and says what it did', async () => {
    const [a, m, p, g, s] = Array.from({ length: 5 }, unique);
    const record = band(`${a}`, {
      members: [`${m}`],
      places: [`${p}`],
      genres: [`${g}`],
      styles: [`${s}`],
      country: 7n,
    });
    const receipt = await write(keyed(record, 'h1', 4n));
    expect(receipt.outcomes).toEqual([{ is: 'stored' }]);
    expect(receipt.counts).toEqual({ created: 1, updated: 0, unchanged: 0, stale: 0, collapsed: 0 });
    expect(receipt.graph).toEqual({ nodesCreated: 5, relationshipsCreated: 5, relationshipsDeleted: 0 });
    expect(Object.keys(receipt.phases).sort()).toEqual(['acquire', 'commit', 'edges', 'nodes', 'read']);
    expect(await nodeOf(`${a}`)).toEqual({ id: a, sha256: 'h1', seq: 4n, name: `name of ${a}`, country: 7n });
    expect(await nodeOf(`${m}`)).toEqual({ id: m, name: stubName(`${m}`) });
    expect((await graphOf(neo4j(), labels)).edges).toEqual(
      expect.arrayContaining([
        `${m} MEMBER_OF ${a}`,
        `${a} AT ${p}`,
        `${a} IS ${g}`,
        `${a} IS ${s}`,
        `${s} PART_OF ${g}`,
      ]),
    );
  });

  it('a replay finds everything unchanged and writes nothing', async () => {
    const ids = Array.from({ length: 20 }, unique);
    const records = ids.map((id, i) =>
      keyed(band(id, { groups: [ids[(i + 1) % 20] ?? ''], genres: ['replayed'] }), 'h'),
    );
    await write(...records);
    const before = await graphOf(neo4j(), labels);
    const receipt = await write(...records);
    expect(receipt.counts).toMatchObject({ created: 0, updated: 0, unchanged: 20 });
    expect(receipt.graph).toEqual({ nodesCreated: 0, relationshipsCreated: 0, relationshipsDeleted: 0 });
    expect(await graphOf(neo4j(), labels)).toEqual(before);
  });

  it('counts a record whose stub stood there as created, and overwrites what the stub said', async () => {
    const [a, m] = [unique(), unique()];
    await write(keyed(band(a, { members: [m] }), 'h'));
    const receipt = await write(keyed(band(m, { name: 'itself' }), 'h'));
    expect(receipt.counts.created).toBe(1);
    expect(receipt.graph?.nodesCreated).toBe(0);
    expect(await nodeOf(m)).toEqual({ id: m, sha256: 'h', name: 'itself' });
  });

  it('a later mention does not overwrite a stub nor a filled node', async () => {
    const [a, b, m] = [unique(), unique(), unique()];
    await write(keyed(band(m, { name: 'itself' }), 'h'));
    await write(keyed(band(a, { members: [m] }), 'h'), keyed(band(b, { members: [m] }), 'h'));
    expect(await nodeOf(m)).toEqual({ id: m, sha256: 'h', name: 'itself' });
  });

  it('a changed record loses the properties and relationships it no longer has, and keeps those it has', async () => {
    const [a, p1, p2, p3] = [unique(), unique(), unique(), unique()];
    await write(keyed(band(a, { country: 'NO', places: [p1, p2] }), 'h1'));
    await query(neo4j(), `MATCH (n:${labels.band} {id: $a})-[e:AT]->({id: $p2}) SET e.witness = true, n.rank = 0.5`, {
      a,
      p2,
    });
    const receipt = await write(keyed(band(a, { places: [p2, p3] }), 'h2'));
    expect(receipt.counts).toMatchObject({ created: 0, updated: 1 });
    expect(receipt.graph).toMatchObject({ relationshipsCreated: 1, relationshipsDeleted: 1 });
    expect(await edgesOf(a)).toEqual([`${a} AT ${p2}`, `${a} AT ${p3}`].sort());
    // A property of somebody else survives, and the kept relationship was not made anew.
    expect(await nodeOf(a)).toEqual({ id: a, sha256: 'h2', name: `name of ${a}`, rank: 0.5 });
    const [kept] = await query(neo4j(), `MATCH ({id: $a})-[e:AT]->({id: $p2}) RETURN e.witness AS w`, { a, p2 });
    expect(kept?.w).toBe(true);
  });

  it('a changed record sends only the nodes that it newly names', async () => {
    const [a, m, n, p, g] = Array.from({ length: 5 }, unique);
    const first = band(`${a}`, { members: [`${m}`], places: [`${p}`], genres: [`${g}`] });
    await write(keyed(first, 'h1'));
    const driver = recording(neo4j());
    const second = createGraphSink(driver, model);
    const changed = { ...first, name: 'another', members: [`${m}`, `${n}`] };
    const { graph } = await second.write(batchOf(model, [keyed(changed, 'h2')]), never);
    expect(graph).toEqual({ nodesCreated: 1, relationshipsCreated: 1, relationshipsDeleted: 0 });
    const lists = driver.sent.find(({ lists }) => lists.fresh !== undefined)?.lists ?? {};
    const others = Object.entries(lists).filter(([name]) => /^n\d+$/.test(name));
    expect(others.flatMap(([, keys]) => keys)).toEqual([n]);
  });

  it('of a batch larger than one answer, each record is judged by what is stored of it', async () => {
    const ids = Array.from({ length: 150 }, unique).sort();
    const of = (rest: number) => ids.filter((_, i) => i % 5 === rest);
    const place = unique();
    const stored = (id: string) => band(id, { country: 5n, places: [place] });
    // What stands there: 0 the same, 1 another, 2 the same at an earlier version, 3 nothing, 4 a stub.
    await write(
      ...[...of(0), ...of(1), ...of(2)].map((id) => keyed(stored(id), 'h1', 1n)),
      ...of(4).map((id) => keyed(band(unique(), { members: [id] }), 'h1')),
    );
    const receipt = await write(
      ...of(0).map((id) => keyed(stored(id), 'h1', 1n)),
      ...of(1).map((id) => keyed(band(id, { places: [unique()] }), 'h2', 2n)),
      ...of(2).map((id) => keyed(stored(id), 'h1', 2n)),
      ...[...of(3), ...of(4)].map((id) => keyed(stored(id), 'h1')),
    );
    expect(receipt.counts).toEqual({ created: 60, updated: 30, unchanged: 60, stale: 0, collapsed: 0 });
    expect(receipt.graph).toMatchObject({ nodesCreated: 60, relationshipsCreated: 90, relationshipsDeleted: 30 });
    const text = `UNWIND $ids AS id MATCH (n:${labels.band} {id: id}) RETURN [n.sha256, n.seq, n.country] AS is`;
    const found = async (rest: number) => (await query(neo4j(), text, { ids: of(rest) })).map(({ is }) => is);
    const all = (is: readonly unknown[]) => Array.from({ length: 30 }, () => is);
    expect(await found(0)).toEqual(all(['h1', 1n, 5n]));
    expect(await found(1)).toEqual(all(['h2', 2n, null]));
    expect(await found(2)).toEqual(all(['h1', 2n, 5n]));
    expect(await found(3)).toEqual(all(['h1', null, 5n]));
    expect(await found(4)).toEqual(all(['h1', null, 5n]));
  });

  it('an answer of which a part is missing counts no record as unchanged', async () => {
    const ids = Array.from({ length: 70 }, unique);
    const short: Neo4j = {
      ...neo4j(),
      async begin(options) {
        const transaction = await neo4j().begin(options);
        const run: typeof transaction.run = async (text, parameters) => {
          const answer = await transaction.run(text, parameters);
          return { ...answer, rows: answer.rows.slice(0, 2) };
        };
        return { ...transaction, run };
      },
    };
    const records = ids.map((id) => keyed(band(id), 'h'));
    const written = createGraphSink(short, model).write(batchOf(model, records), never);
    await expect(written).rejects.toMatchObject({ is: 'suspect', message: expect.stringMatching(/of 70 keys/) });
  });

  it('a node that a record is linked to can be linked to in another way as well', async () => {
    const [a, m] = Array.from({ length: 2 }, unique);
    await write(keyed(band(`${a}`, { members: [`${m}`] }), 'h1'));
    await write(keyed(band(`${a}`, { members: [`${m}`], groups: [`${m}`] }), 'h2'));
    expect((await edgesOf(`${a}`)).sort()).toEqual([`${a} MEMBER_OF ${m}`, `${m} MEMBER_OF ${a}`].sort());
    await write(keyed(band(`${a}`, { groups: [`${m}`] }), 'h3'));
    expect(await edgesOf(`${a}`)).toEqual([`${a} MEMBER_OF ${m}`]);
  });

  it('a relationship asserted from both sides goes with the last that asserts it', async () => {
    const [group, member] = [unique(), unique()];
    await write(keyed(band(group, { members: [member] }), 'g1'), keyed(band(member, { groups: [group] }), 'm1'));
    const edge = `${member} MEMBER_OF ${group}`;
    expect(await edgesOf(group)).toEqual([edge]);
    await write(keyed(band(group), 'g2'));
    expect(await edgesOf(group)).toEqual([edge]);
    await write(keyed(band(member), 'm2'));
    expect(await edgesOf(group)).toEqual([]);
    await write(keyed(band(member, { groups: [group] }), 'm3'));
    await write(keyed(band(group, { members: [member] }), 'g3'), keyed(band(member), 'm4'));
    expect(await edgesOf(group)).toEqual([edge]);
  });

  it('a record that names itself has one relationship to itself', async () => {
    const a = unique();
    await write(keyed(band(a, { members: [a, a], groups: [a] }), 'h1'));
    expect(await edgesOf(a)).toEqual([`${a} MEMBER_OF ${a}`]);
    await write(keyed(band(a, { members: [a] }), 'h2'));
    expect(await edgesOf(a)).toEqual([`${a} MEMBER_OF ${a}`]);
    await write(keyed(band(a), 'h3'));
    expect(await edgesOf(a)).toEqual([]);
  });

  it('shared relationships stay when no record asserts them', async () => {
    const [a, g, s] = [unique(), unique(), unique()];
    await write(keyed(band(a, { genres: [g], styles: [s] }), 'h1'));
    await write(keyed(band(a), 'h2'));
    expect((await graphOf(neo4j(), labels)).edges.filter((edge) => edge.includes(g))).toEqual([`${s} PART_OF ${g}`]);
  });

  it('taking the hash away from a node makes the next arrival mend it', async () => {
    const [a, p] = [unique(), unique()];
    await write(keyed(band(a, { places: [p] }), 'h'));
    await query(
      neo4j(),
      `MATCH (n:${labels.band} {id: $a})-[e:AT]->() REMOVE n.sha256 SET n.name = 'vandal' DELETE e`,
      {
        a,
      },
    );
    expect((await write(keyed(band(a, { places: [p] }), 'h'))).counts.created).toBe(1);
    expect(await edgesOf(a)).toEqual([`${a} AT ${p}`]);
    await query(neo4j(), `MATCH (n:${labels.band} {id: $a}) REMOVE n.sha256`, { a });
    const again = await write(keyed(band(a, { places: [p] }), 'h'));
    expect(again.graph?.relationshipsCreated).toBe(0);
    expect(await nodeOf(a)).toEqual({ id: a, sha256: 'h', name: `name of ${a}` });
  });
});

describe('versions', () => {
  it('the same key thrice in a batch is written once, the last or latest wins', async () => {
    const [a, b] = [unique(), unique()];
    const receipt = await write(
      keyed(band(a, { name: 'one' }), 'h1'),
      keyed(band(b, { name: 'seven' }), 'h7', 7n),
      keyed(band(a, { name: 'two' }), 'h2'),
      keyed(band(a, { name: 'three' }), 'h3'),
      keyed(band(b, { name: 'five' }), 'h5', 5n),
      keyed(band(b, { name: 'none' }), 'h0'),
    );
    expect(receipt.counts).toEqual({ created: 2, updated: 0, unchanged: 0, stale: 0, collapsed: 4 });
    expect(receipt.outcomes).toHaveLength(6);
    expect(await nodeOf(a)).toMatchObject({ name: 'three', sha256: 'h3' });
    expect(await nodeOf(b)).toMatchObject({ name: 'seven', seq: 7n });
  });

  it('an older version, and one without version, leave the node alone', async () => {
    const a = unique();
    await write(keyed(band(a, { name: 'nine' }), 'h9', 9n));
    expect((await write(keyed(band(a, { name: 'eight' }), 'h8', 8n))).counts.stale).toBe(1);
    expect((await write(keyed(band(a, { name: 'none' }), 'h0'))).counts.stale).toBe(1);
    expect(await nodeOf(a)).toMatchObject({ name: 'nine', seq: 9n });
    expect((await write(keyed(band(a, { name: 'ten' }), 'h10', 10n))).counts.updated).toBe(1);
  });

  it('the same content under a later version advances the version: a late one in between loses', async () => {
    const a = unique();
    await write(keyed(band(a, { name: 'A' }), 'hA', 1n));
    const advanced = await write(keyed(band(a, { name: 'A' }), 'hA', 3n));
    expect(advanced.counts).toMatchObject({ unchanged: 1, updated: 0 });
    expect((await write(keyed(band(a, { name: 'B' }), 'hB', 2n))).counts.stale).toBe(1);
    expect(await nodeOf(a)).toEqual({ id: a, name: 'A', sha256: 'hA', seq: 3n });
  });

  it('of two contents under one version the greater hash stays, whoever comes first', async () => {
    const [a, b] = [unique(), unique()];
    await write(keyed(band(a, { name: 'x' }), 'hX', 1n));
    await write(keyed(band(a, { name: 'y' }), 'hY', 1n));
    await write(keyed(band(b, { name: 'y' }), 'hY', 1n));
    await write(keyed(band(b, { name: 'x' }), 'hX', 1n));
    expect([(await nodeOf(a))?.name, (await nodeOf(b))?.name]).toEqual(['y', 'y']);
  });

  it('a version of 2^63 - 1 comes back whole', async () => {
    const a = unique();
    await write(keyed(band(a), 'h', 2n ** 63n - 1n));
    expect((await nodeOf(a))?.seq).toBe(2n ** 63n - 1n);
    expect((await write(keyed(band(a), 'g', 2n ** 63n - 2n))).counts.stale).toBe(1);
  });
});
