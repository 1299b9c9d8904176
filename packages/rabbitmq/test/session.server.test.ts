/** What a session lends, settles and ends with, on a real queue. */
import { type Delivery, type Session, SourceError } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import { until } from '../../testkit/src/until.ts';
import { left, numbered, useFixtures } from './fixtures.ts';
import { letterAbout, never } from './support.ts';

const { fixtureFor } = useFixtures();

describe('a session', () => {
  it('says in one frame that a batch of 500 is settled', async () => {
    const fixture = await fixtureFor();
    await fixture.publish(numbered(500));
    const { session, taken } = await fixture.open(500);
    await until(() => taken.length === 500, 'all deliveries');
    const before = fixture.sent.bytes;
    const halves = [taken.slice(250), taken.slice(0, 250)];
    for (const half of halves) session.ack(half);
    // The next delivery proves that the ack arrived: the window was full.
    await fixture.publish(['next']);
    await until(() => taken.length === 501, 'the next delivery');
    // A basic.ack frame is 21 bytes.
    expect(fixture.sent.bytes - before).toBe(21);
  });

  it('ignores deliveries of another session', async () => {
    const fixture = await fixtureFor();
    await fixture.publish(numbered(4));
    const first = await fixture.open();
    await until(() => first.taken.length === 4, 'deliveries');
    const stale = [...first.taken];
    await first.session.close();
    const second = await fixture.open();
    await until(() => second.taken.length === 4, 'the same again');
    second.session.ack(stale);
    first.session.ack(stale);
    await expect(second.session.deadLetter(stale[0] as Delivery, letterAbout(), never)).rejects.toThrow(SourceError);
    expect(second.session.unsettled).toBe(4);
    await second.session.close();
    expect(await left(fixture)).toHaveLength(4);
    expect(await fixture.takeLetters()).toHaveLength(0);
  });

  it('never acks by an old tag what a new channel was lent, however often the link is cut', async () => {
    const fixture = await fixtureFor();
    await fixture.publish(numbered(100));
    for (let round = 0; round < 5; round += 1) {
      const { session, taken } = await fixture.open(20);
      await until(() => taken.length === 20, 'a window');
      // Cut between the decision to ack and the ack: the worst moment.
      fixture.proxy.cut();
      session.ack(taken);
      await session.ended;
      session.ack(taken);
    }
    expect(new Set(await left(fixture)).size).toBe(100);
  });

  it('counts on a quorum queue how often a record came back', async () => {
    const fixture = await fixtureFor();
    await fixture.publish(['r']);
    for (const count of [0, 1, 2]) {
      const { session, taken } = await fixture.open();
      await until(() => taken.length === 1, 'the delivery');
      expect(taken[0]).toMatchObject({ deliveryCount: count, redelivered: count > 0 });
      await session.close();
    }
  });

  it('hands over what the message says about itself', async () => {
    const fixture = await fixtureFor();
    const options = {
      routingKey: 'rk',
      contentType: 'application/json',
      contentEncoding: 'gzip',
      messageId: 'm',
      correlationId: 'c',
      type: 't',
      appId: 'a',
      timestamp: 1_700_000_000,
      headers: { 'x-seq': 5, list: [1, 'two'], raw: Buffer.from([0, 255]) },
    };
    const body = Buffer.from([0, 1, 2, 255, 254]);
    await fixture.publish([body], options);
    const { taken } = await fixture.open();
    await until(() => taken.length === 1, 'the delivery');
    const { routingKey, ...properties } = options;
    expect(taken[0]?.properties).toEqual(properties);
    expect(Buffer.from(taken[0]?.body ?? []).equals(body)).toBe(true);
    expect(taken[0]).toMatchObject({ routingKey, exchange: fixture.spec.exchange, queue: fixture.spec.queue });
  });

  it('takes bodies of any size, the empty one included', async () => {
    const fixture = await fixtureFor();
    const sizes = [0, 1, 8_191, 8_192, 8_193, 131_072, 131_073, 3_000_000];
    await fixture.publish(sizes.map((size) => Buffer.alloc(size, size % 251)));
    const { session, taken } = await fixture.open();
    await until(() => taken.length === sizes.length, 'all deliveries');
    for (const [i, size] of sizes.entries()) {
      expect(Buffer.from(taken[i]?.body ?? []).equals(Buffer.alloc(size, size % 251))).toBe(true);
    }
    session.ack(taken);
  });

  it('hands over nothing before its opener has it in hand', async () => {
    const fixture = await fixtureFor();
    await fixture.publish(numbered(50));
    let session: Session | undefined;
    let takenWithout = 0;
    let taken = 0;
    const take = (): void => {
      taken += 1;
      if (session === undefined) takenWithout += 1;
    };
    session = await fixture.source.open(take, { window: 100, signal: never });
    await until(() => taken === 50, 'all deliveries');
    expect(takenWithout).toBe(0);
    await session.close();
  });

  it('pauses and resumes any number of times, in order, whoever asks twice', async () => {
    const fixture = await fixtureFor();
    const { session, taken } = await fixture.open();
    await Promise.all([session.pause(), session.pause(), session.resume(), session.resume(), session.pause()]);
    await fixture.publish(numbered(3));
    expect(await fixture.ready()).toBe(3);
    expect(taken).toHaveLength(0);
    await Promise.all([session.resume(), session.pause(), session.resume()]);
    await until(() => taken.length === 3, 'the deliveries');
    session.ack(taken);
  });

  it('never holds more than its window, however often it is paused and resumed, and has the whole of it again', async () => {
    const fixture = await fixtureFor();
    await fixture.publish(numbered(400));
    const { session, taken } = await fixture.open(100);
    await until(() => taken.length === 100, 'a window');
    session.ack(taken.slice(0, 30));
    for (let i = 0; i < 8; i += 1) {
      await session.pause();
      await session.resume();
    }
    await until(() => taken.length === 130, 'as many as were settled');
    expect([session.lent, await fixture.ready()]).toEqual([100, 270]);
    session.ack(taken.slice(0, 130));
    await until(() => taken.length === 230, 'the whole window');
    expect([session.lent, await fixture.ready()]).toEqual([100, 170]);
    await session.close();
  }, 60_000);

  it('ends when its consumer is cancelled while it is paused and resumed into nothing', async () => {
    const fixture = await fixtureFor();
    const { session } = await fixture.open();
    await session.pause();
    const channel = await fixture.admin.channel();
    await channel.deleteQueue(fixture.spec.queue);
    await session.resume();
    expect(await session.ended).toMatchObject({ is: 'lost', fault: { native: '404' } });
  });

  it('ends alone: the others on the same connection go on', async () => {
    const fixture = await fixtureFor();
    const other = await fixtureFor({ url: `${process.env.TEST_RABBITMQ_URL}` });
    const { session } = await fixture.open();
    const neighbour = await other.open();
    const channel = await fixture.admin.channel();
    await channel.deleteQueue(fixture.spec.queue);
    await session.ended;
    await other.publish(['still here']);
    await until(() => neighbour.taken.length === 1, 'a delivery');
  });

  it('is lost when the link swallows packets, by its heartbeats', async () => {
    const fixture = await fixtureFor({ settings: { heartbeatSeconds: 1 } });
    const { session } = await fixture.open();
    fixture.proxy.freeze();
    const end = await session.ended;
    expect(end).toMatchObject({ is: 'lost', fault: { code: 'broker-unreachable' } });
    fixture.proxy.thaw();
    await fixture.publish(['after']);
    const next = await fixture.open();
    await until(() => next.taken.length === 1, 'a delivery');
  });

  it('closes within its deadlines on a link that swallows packets', async () => {
    const fixture = await fixtureFor();
    const { session } = await fixture.open();
    fixture.proxy.freeze();
    const began = performance.now();
    await session.close();
    expect(performance.now() - began).toBeLessThan(8_000);
    expect(await session.ended).toEqual({ is: 'closed' });
  });

  it('lends nothing more once it is closing', async () => {
    const fixture = await fixtureFor();
    const { session, taken } = await fixture.open();
    const closing = session.close();
    await fixture.publish(numbered(10));
    await closing;
    expect(taken).toHaveLength(0);
    expect(await fixture.ready()).toBe(10);
  });
});
