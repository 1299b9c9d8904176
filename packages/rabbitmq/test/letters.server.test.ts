import { type Delivery, SourceError } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import { until } from '../../testkit/src/until.ts';
import { letterId } from '../src/letter.ts';
import { rejection, useFixtures } from './fixtures.ts';
import { type Fixture, letterAbout, never } from './support.ts';

const { fixtureFor } = useFixtures();

/** Publishes `bodies`, opens a session and waits until all are lent. */
async function lent(fixture: Fixture, bodies: readonly (string | Buffer)[], options?: Record<string, unknown>) {
  await fixture.publish(bodies, options);
  const opened = await fixture.open(Math.max(100, bodies.length));
  await until(() => opened.taken.length === bodies.length, 'all deliveries');
  return { ...opened, first: opened.taken[0] as Delivery };
}

for (const type of ['quorum', 'classic'] as const) {
  describe(`letters of a ${type} queue`, () => {
    it('carry the body byte for byte, the reason, and where it came from', async () => {
      const fixture = await fixtureFor({ spec: { type } });
      const body = Buffer.from([0xff, 0x00, 0x7b, 0xc3, 0x28, 0x0a]);
      const { session, first } = await lent(fixture, [body], {
        routingKey: 'from.here',
        messageId: 'mine',
        contentType: 'text/odd',
        headers: { 'x-seq': 42, kept: 'yes' },
      });
      const before = Date.now();
      await session.deadLetter(first, letterAbout('not JSON'), never);
      expect(session.unsettled).toBe(0);
      await session.close();
      expect(await fixture.ready()).toBe(0);
      const [letter, ...others] = await fixture.takeLetters();
      expect(others).toHaveLength(0);
      expect(letter?.content.equals(body)).toBe(true);
      expect(letter?.properties).toMatchObject({ messageId: 'mine', contentType: 'text/odd', deliveryMode: 2 });
      const headers = letter?.properties.headers ?? {};
      expect(headers).toMatchObject({
        'x-inator-code': 'value-refused',
        'x-inator-reason': 'not JSON',
        'x-inator-stage': 'copy',
        'x-inator-native': '22P02',
        'x-inator-model': 'things',
        'x-inator-key': 'k-1',
        'x-inator-attempts': 2,
        'x-inator-service': 'testinator',
        'x-inator-exchange': fixture.spec.exchange,
        'x-inator-routing-key': 'from.here',
        'x-inator-queue': fixture.spec.queue,
        'x-inator-delivery-count': 0,
        'x-inator-id': letterId(fixture.spec.queue, body),
        'x-seq': 42,
        kept: 'yes',
      });
      expect(Date.parse(String(headers['x-inator-failed-at']))).toBeGreaterThanOrEqual(before);
    });

    it('are confirmed side by side, more than there are places', async () => {
      const fixture = await fixtureFor({ spec: { type } });
      const bodies = Array.from({ length: 300 }, (_, i) => `poison ${i}`);
      const { session, taken } = await lent(fixture, bodies);
      await Promise.all(taken.map((delivery) => session.deadLetter(delivery, letterAbout(), never)));
      await session.close();
      expect(await fixture.ready()).toBe(0);
      const letters = await fixture.takeLetters();
      expect(new Set(letters.map((letter) => letter.content.toString()))).toEqual(new Set(bodies));
      expect(letters).toHaveLength(300);
    });
  });
}

describe('a letter', () => {
  it('goes to no queue that the sender names, does not expire, and is not stopped by a foreign user', async () => {
    const fixture = await fixtureFor();
    const channel = await fixture.admin.channel();
    const { queue: victim } = await channel.assertQueue('', { exclusive: true });
    const { session, taken } = await fixture.open();
    const options = { CC: [victim], expiration: '86400000', userId: 'guest' };
    channel.sendToQueue(fixture.spec.queue, Buffer.from('poison'), options);
    await until(() => taken.length === 1, 'the delivery');
    expect((await channel.checkQueue(victim)).messageCount).toBe(1);
    expect(taken[0]?.properties.headers).toHaveProperty('CC');
    await session.deadLetter(taken[0] as Delivery, letterAbout(), never);
    expect((await channel.checkQueue(victim)).messageCount).toBe(1);
    const [letter] = await fixture.takeLetters();
    expect(letter?.properties.expiration).toBeUndefined();
    expect(letter?.properties.userId).toBeUndefined();
    expect(letter?.properties.headers).not.toHaveProperty('CC');
  });

  it('is published with headers no library would build', async () => {
    const fixture = await fixtureFor();
    const hostile = {
      largest: Number.MAX_VALUE,
      huge: 'h'.repeat(60_000),
      ['n'.repeat(255)]: 1,
      when: { '!': 'timestamp', value: 1 },
      price: { '!': 'decimal', value: { places: 2, digits: 5 } },
      nested: { a: { b: { c: { d: { e: { f: { g: { h: 1 } } } } } } } },
    };
    const { session, first } = await lent(fixture, ['poison'], { headers: hostile });
    await session.deadLetter(first, letterAbout(), never);
    const [letter] = await fixture.takeLetters();
    expect(letter?.properties.headers).toMatchObject({ 'x-inator-code': 'value-refused', when: hostile.when });
  });

  it('that no queue takes keeps the original; the binding is made again for the next try', async () => {
    const fixture = await fixtureFor();
    const { session, taken } = await lent(fixture, ['one', 'two']);
    const [one, two] = taken as [Delivery, Delivery];
    await session.deadLetter(one, letterAbout(), never);
    const channel = await fixture.admin.channel();
    await channel.unbindQueue(fixture.spec.deadLetterQueue, fixture.spec.deadLetterExchange, '');
    const error = await rejection(session.deadLetter(two, letterAbout(), never));
    expect(error.fault).toMatchObject({ code: 'broker-refused', stage: 'settle' });
    expect(session.unsettled).toBe(1);
    await session.deadLetter(two, letterAbout(), never);
    expect(session.unsettled).toBe(0);
    expect(await fixture.takeLetters()).toHaveLength(2);
  });

  it('to an exchange that was deleted keeps the original; the exchange is made again for the next try', async () => {
    const fixture = await fixtureFor();
    const { session, taken } = await lent(fixture, ['one', 'two']);
    const [one, two] = taken as [Delivery, Delivery];
    await session.deadLetter(one, letterAbout(), never);
    const channel = await fixture.admin.channel();
    await channel.deleteExchange(fixture.spec.deadLetterExchange);
    const error = await rejection(session.deadLetter(two, letterAbout(), never));
    expect(error.fault).toMatchObject({ code: 'broker-refused', native: '404' });
    expect(session.unsettled).toBe(1);
    await session.deadLetter(two, letterAbout(), never);
    expect(await fixture.takeLetters()).toHaveLength(2);
  });

  it('to an exchange that is missing keeps the original for as long as nothing may be declared', async () => {
    const fixture = await fixtureFor({ spec: { passive: true } });
    const { session, first } = await lent(fixture, ['poison']);
    const channel = await fixture.admin.channel();
    await channel.deleteExchange(fixture.spec.deadLetterExchange);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const error = await rejection(session.deadLetter(first, letterAbout(), never));
      expect(error.is).toBe('misconfigured');
      expect(error.message).toContain(fixture.spec.deadLetterExchange);
    }
    await session.close();
    expect(await fixture.ready()).toBe(1);
  });

  it('to a full queue keeps the original', async () => {
    const fixture = await fixtureFor({ spec: { type: 'classic', deadLetters: { maxLength: 1 } } });
    const { session, taken } = await lent(fixture, ['one', 'two']);
    const [one, two] = taken as [Delivery, Delivery];
    await session.deadLetter(one, letterAbout(), never);
    const error = await rejection(session.deadLetter(two, letterAbout(), never));
    expect(error.fault.code).toBe('broker-refused');
    expect(error.message).toContain('full');
    expect(session.unsettled).toBe(1);
    expect(await fixture.takeLetters()).toHaveLength(1);
    await session.deadLetter(two, letterAbout(), never);
  });

  it('is published once, however often it is tried while its confirm is awaited', async () => {
    const fixture = await fixtureFor();
    const { session, taken } = await lent(fixture, ['warm-up', 'poison']);
    const [warmUp, poison] = taken as [Delivery, Delivery];
    await session.deadLetter(warmUp, letterAbout(), never);
    fixture.letterProxy.freeze();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const error = await rejection(session.deadLetter(poison, letterAbout(), AbortSignal.timeout(200)));
      expect(error.fault.code).toBe('broker-unreachable');
    }
    expect(session.unsettled).toBe(1);
    fixture.letterProxy.thaw();
    await session.deadLetter(poison, letterAbout(), never);
    await session.close();
    expect(await fixture.takeLetters()).toHaveLength(2);
    expect(await fixture.ready()).toBe(0);
  });

  it('is not confirmed when its connection is cut; tried again, it arrives', async () => {
    const fixture = await fixtureFor();
    const { session, taken } = await lent(fixture, ['warm-up', 'poison']);
    const [warmUp, poison] = taken as [Delivery, Delivery];
    await session.deadLetter(warmUp, letterAbout(), never);
    fixture.letterProxy.freeze();
    const failing = rejection(session.deadLetter(poison, letterAbout(), never));
    fixture.letterProxy.cut();
    expect((await failing).fault.code).toBe('broker-unreachable');
    fixture.letterProxy.thaw();
    await session.deadLetter(poison, letterAbout(), never);
    const letters = (await fixture.takeLetters()).map((letter) => letter.content.toString());
    expect(new Set(letters)).toEqual(new Set(['warm-up', 'poison']));
    expect(session.unsettled).toBe(0);
  });

  it('does not ack an original whose session was lost while the confirm was awaited', async () => {
    const fixture = await fixtureFor();
    const { session, first } = await lent(fixture, ['poison']);
    const sending = session.deadLetter(first, letterAbout(), never);
    fixture.proxy.cut();
    await session.ended;
    await sending;
    await expect(session.deadLetter(first, letterAbout(), never)).rejects.toThrow(SourceError);
    const next = await fixture.open();
    await until(() => next.taken.length === 1, 'the original again');
    expect(next.taken[0]?.redelivered).toBe(true);
  });
});

describe('the dead-letter queue', () => {
  it('takes what the broker itself condemns, like our letters', async () => {
    const fixture = await fixtureFor();
    await fixture.publish(['rejected']);
    const channel = await fixture.admin.channel();
    const message = await channel.get(fixture.spec.queue);
    if (message !== false) channel.reject(message, false);
    await until(async () => (await fixture.ready(fixture.spec.deadLetterQueue)) === 1, 'the letter');
    const [letter] = await fixture.takeLetters();
    expect(letter?.properties.headers).toHaveProperty('x-death');
  });
});
