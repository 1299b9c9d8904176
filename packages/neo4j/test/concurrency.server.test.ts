import { addCounts, noCounts, type Receipt } from '@inator/runtime';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createGraphSink, type Neo4j } from '../src/index.ts';
import { band, bandModel, batchOf, graphOf, keyed, labelList, labelsOf } from './support/bands.ts';
import { gated } from './support/gate.ts';
import { connect, drop, never, query, unique } from './support/server.ts';

let neo4j: Neo4j;
const labels = labelsOf(unique());
const model = bandModel(labels);

beforeAll(async () => {
  neo4j = connect();
  await createGraphSink(neo4j, model).open(never);
});

afterAll(async () => {
  await drop(neo4j, labelList(labels));
  await neo4j.close();
});

const nodeOf = async (id: string) => {
  const [row] = await query(neo4j, `MATCH (n:${labels.band} {id: $id}) RETURN properties(n) AS p`, { id });
  return row?.p as Record<string, unknown> | undefined;
};

describe('eight writers over overlapping keys', () => {
  it('end with exact counts of nodes and relationships, and each record is created once', async () => {
    const prefix = unique();
    const ids = Array.from({ length: 60 }, (_, i) => `${prefix}-${String(i).padStart(2, '0')}`);
    const at = (i: number): string => ids[i % ids.length] ?? '';
    const records = ids.map((id, i) =>
      keyed(
        band(id, {
          members: [at(i + 1)],
          groups: [at(i - 1 + ids.length), at(i + 7)],
          genres: [`${prefix}g`],
          styles: [`${prefix}s${i % 3}`],
        }),
        'h',
      ),
    );
    // Each writer has its own order, its own cuts and its own driver, as eight replicas have: they meet everywhere.
    const drivers = Array.from({ length: 8 }, () => connect());
    const receipts = await Promise.all(
      drivers.map(async (driver, writer): Promise<Receipt[]> => {
        const sink = createGraphSink(driver, model, { attempts: 100 });
        const turned = [...records.slice(writer * 7), ...records.slice(0, writer * 7)];
        const got: Receipt[] = [];
        for (let from = 0; from < turned.length; from += 10 + writer) {
          got.push(await sink.write(batchOf(model, turned.slice(from, from + 10 + writer)), never));
        }
        return got;
      }),
    );
    await Promise.all(drivers.map((driver) => driver.close()));
    const counts = receipts.flat().reduce((sum, receipt) => addCounts(sum, receipt.counts), noCounts);
    expect(counts).toEqual({ created: 60, updated: 0, unchanged: 7 * 60, stale: 0, collapsed: 0 });
    const made = receipts.flat().reduce((sum, { graph }) => sum + (graph?.nodesCreated ?? 0), 0);
    expect(made).toBe(60 + 1 + 3);

    const { nodes, edges } = await graphOf(neo4j, labels);
    expect(Object.keys(nodes)).toHaveLength(64);
    const expected = new Set(
      records.flatMap(({ key, record }) => [
        ...record.members.map((member) => `${member} MEMBER_OF ${key}`),
        ...record.groups.map((group) => `${key} MEMBER_OF ${group}`),
        ...[...record.genres, ...record.styles].map((tag) => `${key} IS ${tag}`),
        ...record.styles.map((style) => `${style} PART_OF ${prefix}g`),
      ]),
    );
    expect(edges).toEqual([...expected].sort());
  });

  it('write one at a time, side by side no longer, once they have met in a deadlock', async () => {
    const [id, genre] = [unique(), unique()];
    const own = connect();
    await createGraphSink(own, model).write(batchOf(model, [keyed(band(id), 'h1')]), never);
    // The sink holds its node and is about to make the genre; who makes the genre wants the node.
    const gate = gated(own, 2);
    const sink = createGraphSink(gate.neo4j, model);
    const write = sink.write(batchOf(model, [keyed(band(id, { genres: [genre] }), 'h2')]), never);
    await gate.reached;
    expect(own.concurrency.stats()).toEqual({ active: 1, waiting: 0, limit: Number.POSITIVE_INFINITY });
    const holder = await neo4j.begin();
    await holder.run(`MERGE (:${labels.genre} {name: $genre})`, { genre });
    const wanting = holder.run(`MATCH (n:${labels.band} {id: $id}) SET n.held = true`, { id });
    await waitsForLock(id);
    gate.open();
    await wanting;
    await holder.rollback();
    const receipt = await write;
    expect([receipt.restarts, receipt.counts.updated, sink.stats().restarts]).toEqual([
      1,
      1,
      { 'Neo.TransientError.Transaction.DeadlockDetected': 1 },
    ]);
    expect(own.concurrency.stats()).toEqual({ active: 0, waiting: 0, limit: 1 });
    await own.close();
  });

  it('a batch that keeps losing is handed back as unavailable', async () => {
    const id = unique();
    await createGraphSink(neo4j, model).write(batchOf(model, [keyed(band(id), 'h1')]), never);
    // A lock held elsewhere, and a server that ends who waits for it.
    const holder = await neo4j.begin();
    await holder.run(`MATCH (n:${labels.band} {id: $id}) SET n.held = true`, { id });
    const impatient = connect({ transactionTimeoutMs: 400 });
    const started = performance.now();
    const write = createGraphSink(impatient, model).write(batchOf(model, [keyed(band(id), 'h2')]), never);
    await expect(write).rejects.toMatchObject({ is: 'unavailable', fault: { blame: 'store' } });
    expect(performance.now() - started).toBeGreaterThan(350);
    await holder.rollback();
    const receipt = await createGraphSink(neo4j, model).write(batchOf(model, [keyed(band(id), 'h2')]), never);
    expect(receipt.counts.updated).toBe(1);
    await impatient.close();
  });
});

describe('two writers meeting in the worst place', () => {
  // Each test a driver of its own: after a deadlock its writers would write one after the other, and never meet.
  let own: Neo4j;
  beforeEach(() => {
    own = connect();
  });
  afterEach(async () => {
    await own.close();
  });

  it('an older version that had read before the later one committed does not overwrite it', async () => {
    const id = unique();
    const plain = createGraphSink(own, model);
    await plain.write(batchOf(model, [keyed(band(id, { name: 'one' }), 'h1', 1n)]), never);
    const gate = gated(own, 1);
    const late = createGraphSink(gate.neo4j, model).write(
      batchOf(model, [keyed(band(id, { name: 'two' }), 'h2', 2n)]),
      never,
    );
    await gate.reached;
    await plain.write(batchOf(model, [keyed(band(id, { name: 'three' }), 'h3', 3n)]), never);
    gate.open();
    expect((await late).counts).toMatchObject({ stale: 1, updated: 0 });
    expect(await nodeOf(id)).toEqual({ id, name: 'three', sha256: 'h3', seq: 3n });
  });

  it('an older version that waited for the lock of the later one sees it', async () => {
    const id = unique();
    const plain = createGraphSink(own, model);
    await plain.write(batchOf(model, [keyed(band(id, { name: 'one', places: ['p1'] }), 'h1', 1n)]), never);
    const gate = gated(own, 'before commit');
    const later = createGraphSink(gate.neo4j, model).write(
      batchOf(model, [keyed(band(id, { name: 'three', places: ['p3'] }), 'h3', 3n)]),
      never,
    );
    await gate.reached;
    const older = plain.write(batchOf(model, [keyed(band(id, { name: 'two', places: ['p2'] }), 'h2', 2n)]), never);
    await waitsForLock(id);
    gate.open();
    expect((await later).counts.updated).toBe(1);
    expect((await older).counts).toMatchObject({ stale: 1, updated: 0 });
    expect(await nodeOf(id)).toEqual({ id, name: 'three', sha256: 'h3', seq: 3n });
    expect((await graphOf(neo4j, labels)).edges.filter((edge) => edge.startsWith(id))).toEqual([`${id} AT p3`]);
  });

  it('a record that two writers bring as new at once is created once, its relationships too', async () => {
    const [id, place] = [unique(), unique()];
    const record = keyed(band(id, { places: [place] }), 'h');
    const gate = gated(own, 'before commit');
    const first = createGraphSink(gate.neo4j, model).write(batchOf(model, [record]), never);
    await gate.reached;
    const sink = createGraphSink(own, model);
    const second = sink.write(batchOf(model, [record]), never);
    await waitsForLock(id);
    gate.open();
    expect((await first).counts.created).toBe(1);
    expect((await second).counts).toMatchObject({ created: 0, unchanged: 1 });
    expect(sink.stats().restarts).toEqual({ raced: 1 });
    expect((await graphOf(neo4j, labels)).edges.filter((edge) => edge.startsWith(id))).toEqual([`${id} AT ${place}`]);
  });

  it('when both sides let go of a relationship at once, it goes', async () => {
    const [group, member] = [unique(), unique()];
    const plain = createGraphSink(own, model);
    await plain.write(
      batchOf(model, [keyed(band(group, { members: [member] }), 'g1'), keyed(band(member, { groups: [group] }), 'm1')]),
      never,
    );
    const gate = gated(own, 'before commit');
    const one = createGraphSink(gate.neo4j, model).write(batchOf(model, [keyed(band(group), 'g2')]), never);
    await gate.reached;
    const other = plain.write(batchOf(model, [keyed(band(member), 'm2')]), never);
    await waitsForLock(member);
    gate.open();
    await Promise.all([one, other]);
    expect((await graphOf(neo4j, labels)).edges.filter((edge) => edge.includes(group))).toEqual([]);
  });

  it('a side that asserts a relationship while the other takes it away has it in the end', async () => {
    const [group, member] = [unique(), unique()];
    const plain = createGraphSink(own, model);
    await plain.write(
      batchOf(model, [keyed(band(group, { members: [member] }), 'g1'), keyed(band(member), 'm1')]),
      never,
    );
    const gate = gated(own, 'before commit');
    const removing = createGraphSink(gate.neo4j, model).write(batchOf(model, [keyed(band(group), 'g2')]), never);
    await gate.reached;
    const asserting = plain.write(batchOf(model, [keyed(band(member, { groups: [group] }), 'm2')]), never);
    await waitsForLock(member);
    gate.open();
    await Promise.all([removing, asserting]);
    expect((await graphOf(neo4j, labels)).edges.filter((edge) => edge.includes(group))).toEqual([
      `${member} MEMBER_OF ${group}`,
    ]);
  });
});

/** Resolves when some transaction waits for a lock: the second writer has come to the first. */
async function waitsForLock(what: string): Promise<void> {
  for (const until = performance.now() + 30_000; performance.now() < until; ) {
    const rows = await query(neo4j, "SHOW TRANSACTIONS YIELD status WHERE status STARTS WITH 'Blocked' RETURN status");
    if (rows.length > 0) return;
  }
  throw new Error(`nobody waits for ${what}`);
}
