/** A cluster of three: the node of a queue's leader, or of our own connection, is killed while records flow. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startProxy } from '../../testkit/src/proxy.ts';
import { until } from '../../testkit/src/until.ts';
import { createPublisher } from '../src/publisher.ts';
import { ids, settledEverything, startLane } from './lanes.ts';
import { type Nodes, startNodes } from './nodes.ts';
import { directSettings, makeFixture } from './support.ts';

let nodes: Nodes | undefined;
const undo: (() => Promise<void>)[] = [];

beforeAll(async () => {
  try {
    nodes = await startNodes();
  } catch (error) {
    process.emitWarning(`skipped: three nodes could not be made one cluster here: ${String(error)}`);
  }
}, 300_000);
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
}, 60_000);
afterAll(() => nodes?.remove(), 120_000);

describe('a killed node', () => {
  it('that led the queue, or held the connection, costs time alone: every confirmed record is stored', async () => {
    if (nodes === undefined) return;
    const [one, two, three] = nodes.all;
    // What stands before a cluster and sends clients to a node that lives.
    let target = two;
    const balancer = await startProxy({
      target: () => ({ host: '127.0.0.1', port: target.port }),
    });
    undo.push(balancer.close);
    // Declared at the first node, which therefore leads the queue; the lane is at the second, the producer at the third.
    const fixture = await makeFixture({ url: three.url, declareAt: one.url, settings: { port: balancer.port } });
    undo.push(fixture.dispose);
    const publisher = createPublisher(directSettings(three.url), { maxUnconfirmed: 100 });
    undo.push(publisher.close);
    const running = startLane(fixture.source);
    undo.push(running.stop);
    await running.consuming();

    let published = 0;
    let producing = true;
    const producer = (async () => {
      while (producing) {
        await publisher.ready();
        await publisher.publish(fixture.spec.exchange, '', Buffer.from(`m${published}`));
        published += 1;
      }
    })();
    producer.catch(() => {});
    await running.stored(50);
    const { stdout } = await three.run('rabbitmqctl', ['-q', 'list_queues', 'name', 'leader']);
    expect(stdout).toContain(`${fixture.spec.queue}\tone@localhost`);
    // The first must know of its queues when it comes back, however young they are.
    await one.run('rabbitmqctl', ['eval', '[dets:sync(Table) || Table <- dets:all()].']);
    await one.kill();
    const led = running.sink.rows.size;
    await until(() => running.sink.rows.size > led + 50, 'records under another leader', 30_000);

    // Two of three are needed: the first comes back before the second goes.
    await one.start();
    target = three;
    const lost = running.snapshot().totals.sessionsLost;
    await two.kill();
    await until(() => running.snapshot().totals.sessionsLost > lost, 'the loss told');
    await running.consuming(30_000);
    const moved = running.sink.rows.size;
    await until(() => running.sink.rows.size > moved + 50, 'records over another node', 30_000);

    producing = false;
    await producer;
    await running.stored(published);
    await settledEverything(fixture, running);
    expect([...running.sink.rows.keys()].sort()).toEqual(ids(published).sort());
    expect(running.snapshot().totals).toMatchObject({ created: published, deadLettered: 0 });
  }, 240_000);
});
