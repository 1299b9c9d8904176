import type { Session, Source } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import { describeSource } from '../../testkit/src/conformance/source.ts';
import { until } from '../../testkit/src/until.ts';
import { bodies, left, numbered, rejection, useFixtures } from './fixtures.ts';
import { makeFixture } from './support.ts';

const { fixtureFor } = useFixtures();

for (const type of ['quorum', 'classic'] as const) {
  describeSource(`a ${type} queue`, async () => {
    const fixture = await makeFixture({ spec: { type } });
    const sessions: Session[] = [];
    const source: Source = {
      open: async (...given) => {
        const session = await fixture.source.open(...given);
        sessions.push(session);
        return session;
      },
      depth: () => fixture.source.depth(),
    };
    return {
      source,
      publish: (body, headers) => fixture.publish([body], { headers }),
      letters: async () =>
        (await fixture.takeLetters()).map(({ content, properties }) => ({
          body: content.toString(),
          code: String(properties.headers?.['x-inator-code']),
        })),
      left: async () =>
        (await fixture.ready()) + sessions.reduce((unsettled, session) => unsettled + session.unsettled, 0),
      async lose() {
        fixture.proxy.cut();
      },
      dispose: fixture.dispose,
    };
  });

  describe(`a session on a ${type} queue`, () => {
    it('loses no ack of 500 given singly, in disorder, right before the close, five times over', async () => {
      const fixture = await fixtureFor({ spec: { type } });
      for (let round = 0; round < 5; round += 1) {
        await fixture.publish(numbered(500));
        const { session, taken } = await fixture.open(500);
        await until(() => taken.length === 500, 'all deliveries');
        const even = taken.filter((_, i) => i % 2 === 0);
        const odd = taken.filter((_, i) => i % 2 === 1);
        for (const delivery of [...odd, ...even]) session.ack([delivery]);
        await session.close();
        expect(await session.ended).toEqual({ is: 'closed' });
        expect(await left(fixture)).toEqual([]);
      }
    });

    it('loses no ack given after the pause, even when gaps make every ack a frame of its own', async () => {
      const fixture = await fixtureFor({ spec: { type } });
      for (let round = 0; round < 3; round += 1) {
        await fixture.publish(numbered(500));
        const { session, taken } = await fixture.open(5_000);
        await until(() => taken.length === 500, 'all deliveries');
        await session.pause();
        session.ack(taken.filter((_, i) => i % 2 === 1));
        await session.close();
        expect(await left(fixture)).toEqual(numbered(500).filter((_, i) => i % 2 === 0));
      }
    });

    it('ends when its queue is deleted, and the next one makes the queue again', async () => {
      const fixture = await fixtureFor({ spec: { type } });
      const { session, taken } = await fixture.open();
      const channel = await fixture.admin.channel();
      await channel.deleteQueue(fixture.spec.queue);
      const end = await session.ended;
      expect(end).toMatchObject({ is: 'lost', fault: { code: 'broker-unreachable' } });
      expect(fixture.broker.status().state).toBe('up');
      const next = await fixture.open();
      await fixture.publish(['after']);
      await until(() => next.taken.length === 1, 'a delivery from the new queue');
      expect(taken).toHaveLength(0);
    });
  });
}

describe('opening', () => {
  it('is refused with both sets of arguments when the queue was declared otherwise', async () => {
    const fixture = await fixtureFor({ spec: { arguments: { 'x-delivery-limit': 7 } } });
    const channel = await fixture.admin.channel();
    await channel.deleteQueue(fixture.spec.queue);
    await channel.assertQueue(fixture.spec.queue, { arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 3 } });
    const error = await rejection(fixture.open());
    expect(error.is).toBe('misconfigured');
    expect(error.fault).toMatchObject({ code: 'broker-refused', native: '406' });
    expect(error.message).toContain('x-delivery-limit=7');
    expect(error.message).toMatch(/x-dead-letter-exchange|x-delivery-limit/);
    expect(error.message).toContain(fixture.spec.queue);
    expect(error.message).toContain('passive');
    expect(fixture.broker.status().state).toBe('up');
  });

  it('in passive mode declares nothing, and says what is missing', async () => {
    const fixture = await fixtureFor({ spec: { passive: true } });
    const { session } = await fixture.open();
    await session.close();
    const channel = await fixture.admin.channel();
    await channel.deleteQueue(fixture.spec.queue);
    const error = await rejection(fixture.open());
    expect(error.is).toBe('misconfigured');
    expect(error.fault.native).toBe('404');
    expect(error.message).toContain(fixture.spec.queue);
  });

  it('is given up with its signal', async () => {
    const fixture = await fixtureFor();
    fixture.proxy.freeze();
    const abort = new AbortController();
    const opening = rejection(fixture.source.open(() => {}, { window: 1, signal: abort.signal }));
    abort.abort();
    expect((await opening).is).toBe('unavailable');
  });

  it('gives a queue with a single active consumer to one session at a time', async () => {
    const fixture = await fixtureFor({ spec: { singleActiveConsumer: true } });
    await fixture.publish(numbered(3));
    const first = await fixture.open();
    const second = await fixture.open();
    await until(() => first.taken.length === 3, 'deliveries to the first');
    expect(second.taken).toHaveLength(0);
    await first.session.close();
    await until(() => second.taken.length === 3, 'the same to the second');
    expect(bodies(second.taken)).toEqual(['m0', 'm1', 'm2']);
  });
});

describe('the depth', () => {
  it('is unknown while nobody is connected, and of a queue that is not there', async () => {
    const fixture = await fixtureFor();
    expect(await fixture.source.depth()).toBeUndefined();
    const { session } = await fixture.open();
    expect(await fixture.source.depth()).toBe(0);
    await session.close();
    const channel = await fixture.admin.channel();
    await channel.deleteQueue(fixture.spec.queue);
    expect(await fixture.source.depth()).toBeUndefined();
    const next = await fixture.open();
    expect(await fixture.source.depth()).toBe(0);
    await next.session.close();
  });
});
