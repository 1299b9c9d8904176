import { randomBytes } from 'node:crypto';
import type { Fault } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import { until } from '../../testkit/src/until.ts';
import { createPublisher, PublishError, type Publisher, type PublisherOptions } from '../src/publisher.ts';
import { useFixtures } from './fixtures.ts';
import { directSettings, type Fixture, type FixtureOptions, makeFixture } from './support.ts';

const { undo } = useFixtures();

async function setUp(options?: PublisherOptions, given?: FixtureOptions): Promise<[Fixture, Publisher]> {
  const fixture = await makeFixture(given);
  undo.push(fixture.dispose);
  const publisher = createPublisher({ ...directSettings(), host: '127.0.0.1', port: fixture.proxy.port }, options);
  undo.push(publisher.close);
  return [fixture, publisher];
}

const rejection = (promise: Promise<unknown>): Promise<PublishError> =>
  promise.then(
    () => {
      throw new Error('it was not rejected');
    },
    (error: unknown) => {
      expect(error).toBeInstanceOf(PublishError);
      return error as PublishError;
    },
  );

describe('a publisher', () => {
  it('publishes persistent JSON that is confirmed, in order', async () => {
    const [fixture, publisher] = await setUp();
    const { exchange } = fixture.spec;
    const bodies = Array.from({ length: 500 }, (_, i) => `{"id":"${i}"}`);
    await Promise.all(
      bodies.map((body) => publisher.publish(exchange, 'k', Buffer.from(body), { headers: { 'x-seq': 1 } })),
    );
    expect(publisher.unconfirmed).toBe(0);
    expect(await fixture.ready()).toBe(500);
    const { taken } = await fixture.open(500);
    await until(() => taken.length === 500, 'all deliveries');
    expect(taken.map((delivery) => Buffer.from(delivery.body).toString())).toEqual(bodies);
    expect(taken[0]).toMatchObject({
      routingKey: 'k',
      properties: { contentType: 'application/json', headers: { 'x-seq': 1 } },
    });
  });

  it('says so when no queue took the message, of each one', async () => {
    const [fixture, publisher] = await setUp();
    const exchange = `x-${randomBytes(5).toString('hex')}`;
    await publisher.declareExchange(exchange);
    const all = ['same', 'same', 'other'].map((body) => rejection(publisher.publish(exchange, '', Buffer.from(body))));
    const good = publisher.publish(fixture.spec.exchange, '', Buffer.from('same'));
    for (const error of await Promise.all(all)) expect(error.is).toBe('unroutable');
    await good;
    const channel = await fixture.admin.channel();
    await channel.deleteExchange(exchange);
  });

  it('rejects only the message that makes the broker close the channel', async () => {
    const [fixture, publisher] = await setUp();
    const { exchange } = fixture.spec;
    const before = publisher.publish(exchange, '', Buffer.from('before'));
    const wrong = rejection(publisher.publish('there is no such exchange', '', Buffer.from('wrong')));
    const after = Array.from({ length: 20 }, (_, i) => publisher.publish(exchange, '', Buffer.from(`after ${i}`)));
    const error = await wrong;
    expect(error.is).toBe('refused');
    expect(error.message).toMatch(/no exchange/);
    await Promise.all([before, ...after]);
    await publisher.publish(exchange, '', Buffer.from('later'));
    expect(await fixture.ready()).toBeGreaterThanOrEqual(22);
  });

  it('rejects a message that cannot be encoded, and no other', async () => {
    const [fixture, publisher] = await setUp();
    const headers = { huge: 'h'.repeat(70_000) };
    const wrong = rejection(publisher.publish(fixture.spec.exchange, '', Buffer.from('x'), { headers }));
    await publisher.publish(fixture.spec.exchange, '', Buffer.from('y'));
    expect((await wrong).is).toBe('refused');
    expect(await fixture.ready()).toBe(1);
  });

  it('gets every message through, however often the link is cut', async () => {
    const lost: Fault[] = [];
    const [fixture, publisher] = await setUp({ maxUnconfirmed: 50, onLost: (fault) => lost.push(fault) });
    const ids = Array.from({ length: 1_000 }, (_, i) => `m${i}`);
    const sending: Promise<void>[] = [];
    for (const [i, id] of ids.entries()) {
      await publisher.ready();
      sending.push(publisher.publish(fixture.spec.exchange, '', Buffer.from(id)));
      if (i % 300 === 150) fixture.proxy.cut();
    }
    await Promise.all(sending);
    expect(lost.length).toBeGreaterThan(0);
    const { session, taken } = await fixture.open(2_000);
    await until(
      () => new Set(taken.map((one) => Buffer.from(one.body).toString())).size === ids.length,
      'every message',
    );
    session.ack(taken);
  });

  it('makes a producer wait that is faster than the broker', async () => {
    const [fixture, publisher] = await setUp({ maxUnconfirmed: 10 });
    await publisher.publish(fixture.spec.exchange, '', Buffer.from('warm-up'));
    fixture.proxy.freeze();
    const sending = Array.from({ length: 10 }, (_, i) =>
      publisher.publish(fixture.spec.exchange, '', Buffer.from(`${i}`)),
    );
    let isReady = false;
    const ready = publisher.ready().then(() => {
      isReady = true;
    });
    const more = Array.from({ length: 90 }, () => publisher.publish(fixture.spec.exchange, '', Buffer.from('more')));
    expect((await rejection(publisher.publish(fixture.spec.exchange, '', Buffer.from('too many')))).is).toBe('overrun');
    expect(isReady).toBe(false);
    expect(publisher.unconfirmed).toBe(100);
    fixture.proxy.thaw();
    await ready;
    expect(publisher.unconfirmed).toBeLessThan(10);
    await Promise.all([...sending, ...more]);
    await publisher.flush();
    expect(publisher.unconfirmed).toBe(0);
  });

  it('gives up on a message that a full queue refuses again and again', async () => {
    const [fixture, publisher] = await setUp(
      {},
      {
        spec: { type: 'classic', arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' } },
      },
    );
    await publisher.publish(fixture.spec.exchange, '', Buffer.from('fits'));
    expect((await rejection(publisher.publish(fixture.spec.exchange, '', Buffer.from('does not')))).is).toBe('nacked');
  });

  it('gets a message through that a full queue refused at first', async () => {
    const [fixture, publisher] = await setUp(
      {},
      {
        spec: { type: 'classic', arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' } },
      },
    );
    await publisher.publish(fixture.spec.exchange, '', Buffer.from('fits'));
    const second = publisher.publish(fixture.spec.exchange, '', Buffer.from('waits'));
    const channel = await fixture.admin.channel();
    await channel.purgeQueue(fixture.spec.queue);
    await second;
  });

  it('rejects what is unconfirmed when the broker refuses the password', async () => {
    const publisher = createPublisher({ ...directSettings(), password: () => 'canary-5ecret' });
    undo.push(publisher.close);
    const error = await rejection(publisher.publish('x', '', Buffer.from('y')));
    expect(error.is).toBe('refused');
    expect(error.message).not.toContain('canary');
  });

  it('rejects what is unconfirmed when it is closed, and everything after', async () => {
    const [fixture, publisher] = await setUp();
    await publisher.publish(fixture.spec.exchange, '', Buffer.from('warm-up'));
    fixture.proxy.freeze();
    const pending = rejection(publisher.publish(fixture.spec.exchange, '', Buffer.from('pending')));
    await publisher.close();
    expect((await pending).is).toBe('closed');
    expect((await rejection(publisher.publish(fixture.spec.exchange, '', Buffer.from('late')))).is).toBe('closed');
  });
});
