/** The sink behind a whole lane: what the server or the link does to it costs time, and never a good record. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GraphModel } from '@inator/runtime';
import { shortLivedJava } from '@inator/stack';
import { type BenchLane, startBenchLane, startOwnServer, until } from '@inator/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createGraphSink, createNeo4j, type Neo4j } from '../src/index.ts';
import { startProxy } from './support/proxy.ts';
import { connect, drop, never, query, settings, unique } from './support/server.ts';

interface Thing {
  readonly id: string;
  readonly title: string;
}
const label = `Thing${unique()}`;
/** The body is `id title`. */
const model: GraphModel<Thing> = {
  name: 'things',
  decode(body) {
    const [id = '', title = ''] = Buffer.from(body).toString().split(' ');
    return { is: 'record', key: id, hash: title.slice(0, 200), record: { id, title } };
  },
  examine: () => undefined,
  nodes: [{ label, key: 'id', primary: true, rows: ({ id, title }) => [{ key: id, properties: { title } }] }],
  edges: [],
};
const bodies = (name: string, count: number, title = 't'): string[] =>
  Array.from({ length: count }, (_, i) => `${name}${i} ${title}`);

let direct: Neo4j;
let running: BenchLane[] = [];
beforeAll(async () => {
  direct = connect();
  await createGraphSink(direct, model).open(never);
});
afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()));
  running = [];
});
afterAll(async () => {
  await drop(direct, [label]);
  await direct.close();
});

function start(neo4j: Neo4j, more: Parameters<typeof startBenchLane>[2] = {}): BenchLane {
  const one = startBenchLane(model, createGraphSink(neo4j, model), more);
  running.push(one);
  return one;
}
async function count(prefix: string): Promise<number> {
  const [row] = await query(direct, `MATCH (n:${label}) WHERE n.id STARTS WITH $prefix RETURN count(n) AS c`, {
    prefix,
  });
  return Number(row?.c);
}

describe('a node that another session has locked', () => {
  it('holds its batch whole or alone, condemns nobody, and lets it through when it is free', async () => {
    const prefix = unique();
    await query(direct, `CREATE (:${label} {id: $id, title: 'old'})`, { id: `${prefix}3` });
    const neo4j = connect({ transactionTimeoutMs: 400 });
    const holder = await direct.begin();
    await holder.run(`MATCH (n:${label} {id: $id}) SET n.held = true`, { id: `${prefix}3` });
    const one = start(neo4j, { batchSize: 8 });
    one.publish(bodies(prefix, 8));
    await until(() => one.lane.snapshot().totals.retries > 12, 'many more tries than five', 60_000);
    expect(one.letters()).toEqual([]);
    for (const { fault } of one.told['batch.held']) expect(fault.blame).toBe('store');
    await holder.rollback();
    await one.drained();
    expect([await count(prefix), one.letters()]).toEqual([8, []]);
    await neo4j.close();
  });
});

describe('a link that swallows everything', () => {
  it('in the middle of a write: given up by our deadline, the same batch tried again, no letter', async () => {
    const { hostname, port } = new URL(settings().uri.replace(/^[a-z+]+/, 'http'));
    const proxy = await startProxy(hostname, Number(port || 7687));
    const neo4j = connect({
      uri: `bolt://127.0.0.1:${proxy.port}`,
      connectTimeoutMs: 1_000,
      transactionTimeoutMs: 1_000,
    });
    const prefix = unique();
    const one = start(neo4j, { batchSize: 100 });
    one.publish(bodies(`${prefix}a`, 100));
    await one.drained();
    const inner = neo4j.begin;
    let statements = 0;
    const frozen = new Promise<void>((resolve) => {
      Object.assign(neo4j, {
        async begin(options: Parameters<Neo4j['begin']>[0]) {
          const transaction = await inner(options);
          const run = transaction.run.bind(transaction);
          return Object.assign(transaction, {
            run(text: string, parameters?: Readonly<Record<string, unknown>>) {
              statements += 1;
              // The second of a batch of new records is the one that writes.
              if (statements === 2) {
                proxy.freeze();
                resolve();
              }
              return run(text, parameters);
            },
          });
        },
      });
    });
    one.publish(bodies(`${prefix}b`, 400));
    await frozen;
    await until(() => one.told['batch.held'].length > 0, 'held', 60_000);
    expect(one.told['batch.held'][0]?.fault.code).toBe('store-unreachable');
    proxy.thaw();
    await one.drained();
    expect([await count(prefix), one.letters(), one.told['batch.split']]).toEqual([500, [], []]);
    await until(() => neo4j.stats().inFlight === 0, 'no transaction under way');
    await one.stop();
    await neo4j.close();
    await proxy.close();
  });
});

describe('a pool of one connection', () => {
  it('serves eight writers in turn; while it is lent for long, they wait and nobody is condemned', async () => {
    const prefix = unique();
    const neo4j = connect({ poolMax: 1, connectTimeoutMs: 200 });
    const greedy = await neo4j.begin();
    await greedy.run('RETURN 1');
    const failure = await createGraphSink(neo4j, model)
      .write(
        {
          model,
          records: [{ key: 'x', hash: 'h', record: { id: 'x', title: 't' }, seq: undefined, bytes: 1 }],
          bytes: 1,
          sealedBy: 'records',
        },
        never,
      )
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ is: 'unavailable', fault: { code: 'store-unreachable' } });
    await greedy.rollback();
    const one = start(neo4j, { writers: 8, batchSize: 20 });
    one.publish(bodies(prefix, 400));
    await one.drained(120_000);
    expect([await count(prefix), one.letters()]).toEqual([400, []]);
    await one.stop();
    await neo4j.close();
  });
});

describe('a server with little memory for a transaction', () => {
  it('gets smaller batches, until they pass: nothing is dead-lettered, and no size is tried for ever', async () => {
    const root = mkdtempSync(join(tmpdir(), 'inator-memory-'));
    chmodSync(root, 0o711);
    const server = await startOwnServer('neo4j', {
      dir: join(root, 'neo4j'),
      java: shortLivedJava,
      settings: { 'db.memory.transaction.max': '3m' },
    });
    const { NEO4J_URI: uri = '', NEO4J_USERNAME: username = '', NEO4J_PASSWORD: password = '' } = server.env;
    const neo4j = createNeo4j({ uri, username, password: () => password });
    try {
      const one = start(neo4j, { writers: 1, batchSize: 200 });
      // Titles of 20 kB each, told apart: 200 of them are 4 MB.
      one.publish(Array.from({ length: 200 }, (_, i) => `k${i} ${String(i).padEnd(20_000, 'x')}`));
      await one.drained(120_000);
      const [row] = await query(neo4j, `MATCH (n:${label}) RETURN count(n) AS c`);
      expect([row?.c, one.letters()]).toEqual([200n, []]);
      expect(one.told['batch.split'].map(({ fault }) => fault.native)).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/MemoryPoolOutOfMemoryError|TransactionOutOfMemoryError|MemoryLimit/),
        ]),
      );
      await one.stop();
    } finally {
      await neo4j.close();
      await server.remove();
      rmSync(root, { recursive: true, force: true });
    }
  }, 300_000);
});
