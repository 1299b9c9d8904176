/** What only the broker itself can do, on one of our own: alarms, a graceful stop, a kill, forced closes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Delivery, Session } from '@inator/runtime';
import { type Server, startRabbitmq } from '@inator/stack';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '../../testkit/src/until.ts';
import { createBroker } from '../src/broker.ts';
import { createPublisher } from '../src/publisher.ts';
import { directSettings, type Fixture, type FixtureOptions, letterAbout, makeFixture, never } from './support.ts';

let server: Server;
let dir: string;
const undo: (() => Promise<void>)[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'inator-outage-'));
  server = await startRabbitmq({ dir, name: 'outage', ownedByParent: true, ephemeral: true });
}, 240_000);
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});
afterAll(async () => {
  await server?.remove();
  rmSync(dir, { recursive: true, force: true });
});

async function fixtureFor(options?: FixtureOptions): Promise<Fixture> {
  const fixture = await makeFixture({ ...options, url: server.url });
  undo.push(fixture.dispose);
  return fixture;
}

/** Opens as a lane does: again and again, until it succeeds. */
async function reopen(fixture: Fixture, window = 100): Promise<{ session: Session; taken: Delivery[] }> {
  let opened: { session: Session; taken: Delivery[] } | undefined;
  await until(
    async () => {
      opened = await fixture.open(window).catch(() => undefined);
      return opened !== undefined;
    },
    'a new session',
    60_000,
  );
  return opened as { session: Session; taken: Delivery[] };
}

const ids = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `m${from + i}`);

describe('a broker that', () => {
  it('closes all connections (320, no error event) loses the sessions, and they can be opened again', async () => {
    const downs: string[] = [];
    const fixture = await fixtureFor({ listeners: { onDown: (fault) => downs.push(fault.native ?? '') } });
    const { session } = await fixture.open();
    await server.run('rabbitmqctl', ['close_all_connections', 'maintenance']);
    expect(await session.ended).toMatchObject({ is: 'lost', fault: { code: 'broker-unreachable', native: '320' } });
    expect(downs).toEqual(['320']);
    await fixture.publish(['after']);
    const { taken } = await reopen(fixture);
    await until(() => taken.length === 1, 'a delivery');
  });

  it('is in alarm takes no letters, and acks go through all the same', async () => {
    const fixture = await fixtureFor();
    await fixture.publish(ids(12));
    const { session, taken } = await fixture.open(10);
    await until(() => taken.length === 10, 'a window');
    const [warmUp, poison, ...good] = taken as [Delivery, Delivery, ...Delivery[]];
    await session.deadLetter(warmUp, letterAbout(), never);
    await server.run('rabbitmqctl', ['set_vm_memory_high_watermark', '0.0000001']);
    undo.push(async () => {
      await server.run('rabbitmqctl', ['set_vm_memory_high_watermark', '0.4']);
    });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await expect(session.deadLetter(poison, letterAbout(), AbortSignal.timeout(1_500))).rejects.toThrow();
    }
    await until(() => fixture.letters.status().blocked !== undefined, 'the alarm seen');
    session.ack(good);
    // Two more were waiting: they come only when the acks were read.
    await until(() => taken.length === 12, 'the rest');
    expect(session.unsettled).toBe(3);
    await server.run('rabbitmqctl', ['set_vm_memory_high_watermark', '0.4']);
    await until(() => fixture.letters.status().blocked === undefined, 'the end of the alarm');
    await session.deadLetter(poison, letterAbout(), never);
    expect((await fixture.takeLetters()).map((letter) => letter.content.toString())).toEqual(['m0', 'm1']);
  });

  it('is in alarm makes a publisher wait, says so, and takes everything afterwards', async () => {
    const fixture = await fixtureFor();
    const said: string[] = [];
    const publisher = createPublisher(directSettings(server.url), {
      connection: { onBlocked: (reason) => said.push(reason), onUnblocked: () => said.push('unblocked') },
    });
    undo.push(publisher.close);
    await publisher.publish(fixture.spec.exchange, '', Buffer.from('warm-up'));
    await server.run('rabbitmqctl', ['set_vm_memory_high_watermark', '0.0000001']);
    const waiting = Promise.all(ids(50).map((id) => publisher.publish(fixture.spec.exchange, '', Buffer.from(id))));
    await until(() => said.length === 1, 'the alarm told');
    expect(publisher.unconfirmed).toBe(50);
    await server.run('rabbitmqctl', ['set_vm_memory_high_watermark', '0.4']);
    await waiting;
    expect(said).toEqual(['low on memory', 'unblocked']);
    expect(await fixture.ready()).toBe(51);
  });

  it('loses patience with acks that take too long ends the session, and the record comes again', async () => {
    const fixture = await fixtureFor();
    const set = (ms: number): Promise<unknown> =>
      server.run('rabbitmqctl', [
        'eval',
        `application:set_env(rabbit,consumer_timeout,${ms}), application:set_env(rabbit,channel_tick_interval,1000).`,
      ]);
    await set(3_000);
    undo.push(async () => {
      await set(1_800_000);
    });
    await fixture.publish(['slow']);
    const { session, taken } = await fixture.open();
    await until(() => taken.length === 1, 'the delivery');
    const end = await session.ended;
    expect(end).toMatchObject({ is: 'lost', fault: { code: 'broker-unreachable' } });
    const next = await fixture.open();
    await until(() => next.taken.length === 1, 'the record again');
    next.session.ack(next.taken);
    await next.session.close();
  });

  it.each(['stop_app', 'kill'] as const)('is ended by %s while records flow loses none of them', async (how) => {
    const fixture = await fixtureFor();
    const publisher = createPublisher(directSettings(server.url), { maxUnconfirmed: 100 });
    undo.push(publisher.close);
    const all = ids(3_000);
    const seen = new Set<string>();
    let producing = true;
    const producer = (async () => {
      for (const id of all) {
        await publisher.ready();
        publisher.publish(fixture.spec.exchange, '', Buffer.from(id)).catch(() => {});
      }
      await publisher.flush();
      producing = false;
    })();
    const consume = async (): Promise<void> => {
      while (producing || seen.size < all.length) {
        let session: Session | undefined;
        const take = (delivery: Delivery): void => {
          // Its own turn of the loop stands for the store.
          setImmediate(() => {
            seen.add(Buffer.from(delivery.body).toString());
            session?.ack([delivery]);
          });
        };
        session = await fixture.source.open(take, { window: 200, signal: never }).catch(() => undefined);
        if (session === undefined) continue;
        const live = session;
        const done = until(() => !producing && seen.size === all.length, 'everything', 120_000);
        await Promise.race([live.ended, done]);
        if (!producing && seen.size === all.length) await live.close();
      }
    };
    const consumer = consume();
    await until(() => seen.size > 500, 'a flow');
    if (how === 'kill') {
      await server.kill();
      await server.start();
    } else {
      await server.run('rabbitmqctl', ['stop_app']);
      await server.run('rabbitmqctl', ['start_app']);
    }
    await Promise.all([producer, consumer]);
    expect([...seen].sort()).toEqual([...all].sort());
    await until(async () => (await fixture.ready()) === 0, 'an empty queue');
  });

  it('is not up yet is waited for', async () => {
    await server.stop();
    const broker = createBroker(directSettings(server.url));
    undo.push(broker.close);
    await expect(broker.channel()).rejects.toMatchObject({ is: 'unavailable' });
    await server.start();
    await until(
      () =>
        broker.channel().then(
          () => true,
          () => false,
        ),
      'a channel',
      60_000,
    );
  });
});
