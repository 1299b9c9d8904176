import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createGraphSink, createNeo4j, type Neo4j } from '../src/index.ts';
import { band, bandModel, batchOf, keyed, labelList, labelsOf } from './support/bands.ts';
import { gated } from './support/gate.ts';
import { type HurtingProxy, startProxy } from './support/proxy.ts';
import { connect, drop, never, query, settings, unique } from './support/server.ts';

const labels = labelsOf(unique());
const model = bandModel(labels);
let direct: Neo4j;
let proxy: HurtingProxy;
let neo4j: Neo4j;

beforeAll(async () => {
  direct = connect();
  await createGraphSink(direct, model).open(never);
});

afterAll(async () => {
  await drop(direct, labelList(labels));
  await direct.close();
});

const throughProxy = (): Neo4j =>
  connect({ uri: `bolt://127.0.0.1:${proxy.port}`, connectTimeoutMs: 2_000, transactionTimeoutMs: 5_000 });

beforeEach(async () => {
  const { hostname, port } = new URL(settings().uri.replace(/^[a-z+]+/, 'http'));
  proxy = await startProxy(hostname, Number(port || 7687));
  neo4j = throughProxy();
});

afterEach(async () => {
  await neo4j.close();
  await proxy.close();
});

const one = () => batchOf(model, [keyed(band(unique()), 'h')]);
const countOf = async (id: string): Promise<unknown> => {
  const [row] = await query(direct, `MATCH (n:${labels.band} {id: $id}) RETURN count(n) AS c`, { id });
  return row?.c;
};

describe('when the store goes away', () => {
  it('a cut link is unavailable, and the next write goes through', async () => {
    const sink = createGraphSink(neo4j, model);
    await sink.write(one(), never);
    const gate = gated(neo4j, 1);
    const batch = one();
    const write = createGraphSink(gate.neo4j, model).write(batch, never);
    await gate.reached;
    proxy.cut();
    gate.open();
    await expect(write).rejects.toMatchObject({ is: 'unavailable', fault: { code: 'store-unreachable' } });
    expect((await sink.write(batch, never)).counts.created).toBe(1);
    expect(neo4j.stats().inFlight).toBe(0);
  });

  it('a cut before the answer to the commit is unavailable, and a second try agrees with what happened', async () => {
    const gate = gated(neo4j, 'before commit');
    const batch = one();
    const write = createGraphSink(gate.neo4j, model).write(batch, never);
    await gate.reached;
    proxy.cut();
    gate.open();
    await expect(write).rejects.toMatchObject({ is: 'unavailable' });
    const { counts } = await createGraphSink(neo4j, model).write(batch, never);
    expect(counts.created + counts.unchanged).toBe(1);
    expect(await countOf(batch.records[0]?.key ?? '')).toBe(1n);
  });

  it('a link that swallows everything is unavailable within our deadline, and heals', async () => {
    const sink = createGraphSink(neo4j, model);
    await sink.write(one(), never);
    proxy.freeze();
    const started = performance.now();
    await expect(sink.write(one(), never)).rejects.toMatchObject({
      is: 'unavailable',
      fault: { code: 'store-unreachable' },
    });
    await expect(sink.check(never)).rejects.toMatchObject({ is: 'unavailable' });
    // Twice: a statement's 5 s, or connecting's 2 × 2 s, and 1.5 s of grace; the rest is for a slow machine.
    expect(performance.now() - started).toBeLessThan(2 * 10_000);
    proxy.thaw();
    expect((await sink.write(one(), never)).counts.created).toBe(1);
    expect(neo4j.stats()).toMatchObject({ inFlight: 0 });
    expect(neo4j.stats().driversMade).toBeGreaterThan(1);
  });

  it('closing on a link that swallows everything ends within seconds', async () => {
    const gate = gated(neo4j, 1);
    const write = createGraphSink(gate.neo4j, model).write(one(), never);
    const settled = expect(write).rejects.toMatchObject({ is: 'unavailable' });
    await gate.reached;
    proxy.freeze();
    gate.open();
    const started = performance.now();
    await neo4j.close();
    expect(performance.now() - started).toBeLessThan(6_000);
    await settled;
  });

  it('an abort ends a write that waits for the network', async () => {
    const sink = createGraphSink(neo4j, model);
    await sink.write(one(), never);
    const gate = gated(neo4j, 1);
    const abort = new AbortController();
    const write = createGraphSink(gate.neo4j, model).write(one(), abort.signal);
    const settled = expect(write).rejects.toMatchObject({ is: 'unavailable' });
    await gate.reached;
    proxy.freeze();
    gate.open();
    const started = performance.now();
    abort.abort();
    await settled;
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('nobody listening is unavailable', async () => {
    const nobody = connect({ uri: 'bolt://127.0.0.1:1', connectTimeoutMs: 1_000 });
    await expect(nobody.check(never)).rejects.toMatchObject({
      is: 'unavailable',
      fault: { code: 'store-unreachable' },
    });
    await nobody.close();
  });

  it('a server without TLS where TLS is asked for is unavailable or misconfigured, never written to', async () => {
    const secure = connect({ uri: settings().uri.replace(/^bolt:/, 'bolt+s:'), connectTimeoutMs: 1_000 });
    await expect(secure.check(never)).rejects.toMatchObject({ is: expect.stringMatching(/unavailable|misconfigured/) });
    await secure.close();
  });
});

describe('a value that the driver cannot pack', () => {
  it('poisons no later transaction: its driver is retired', async () => {
    const begun = await neo4j.begin();
    await expect(begun.run('RETURN $x AS x', { x: () => 1 })).rejects.toMatchObject({ is: 'suspect' });
    await begun.rollback();
    for (let i = 0; i < 5; i += 1) expect(await query(neo4j, 'RETURN $i AS i', { i: 1n })).toEqual([{ i: 1n }]);
    expect(neo4j.stats()).toMatchObject({ inFlight: 0, driversMade: 2 });
  });
});

describe('the password', () => {
  it('is asked for again after it was refused', async () => {
    const { password } = settings();
    if (password === undefined) return; // A server without authentication refuses nobody.
    const words = ['wrong', password()];
    const rotated = createNeo4j({ ...settings(), password: () => words.shift() ?? password() });
    await expect(rotated.check(never)).rejects.toMatchObject({ is: 'misconfigured' });
    await rotated.check(never);
    await rotated.close();
  });
});
