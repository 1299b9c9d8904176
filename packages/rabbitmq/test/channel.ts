/** The channel, the consumer or the queue is lost while the connection lives: one lane sets up again, the others go on. */
import { type Delivery, defaultHold, fault, SinkError } from '@inator/runtime';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { Channel, Message } from 'amqplib';
import { until } from '../../testkit/src/until.ts';
import { createQueueSource } from '../src/source.ts';
import { declareQueue, queueNames } from '../src/topology.ts';
import { gate, ids, type RunningLane, settledEverything, startLane } from './lanes.ts';
import type { OwnBroker } from './own-broker.ts';
import type { Fixture } from './support.ts';

/** An ack that the broker answers by closing the channel: 406, unknown delivery tag. */
function breakChannel(channel: Channel | undefined): void {
  channel?.ack({ fields: { deliveryTag: 4_711 } } as Message);
}

export function describeChannel(broker: OwnBroker): void {
  const { undo, fixtureFor, laneOn } = broker;

  /** Another lane on the same connection. */
  async function neighbourOf(fixture: Fixture): Promise<RunningLane> {
    const spec = { ...fixture.spec, ...queueNames(`${fixture.spec.exchange}-other`, 'testinator', 'things') };
    await declareQueue(fixture.admin, spec);
    const { broker, letters } = fixture;
    const running = startLane(createQueueSource({ broker, letters, queue: spec, service: 'testinator' }));
    undo.push(async () => {
      await running.stop();
      const channel = await fixture.admin.channel();
      for (const queue of [spec.queue, spec.deadLetterQueue]) await channel.deleteQueue(queue);
      for (const exchange of [spec.exchange, spec.deadLetterExchange]) await channel.deleteExchange(exchange);
      await channel.close();
    });
    await running.consuming();
    return running;
  }

  describe('a channel that the broker closes', () => {
    it('is opened again by its lane alone; what comes again is counted, and stored once', async () => {
      const fixture = await fixtureFor();
      const neighbour = await neighbourOf(fixture);
      const running = laneOn(fixture);
      const store = gate();
      running.sink.before = store.wait;
      await running.consuming();
      const { since } = fixture.broker.status();
      await fixture.publish(ids(20));
      await until(() => store.waiting > 0, 'a batch on its way');
      breakChannel(fixture.channels.at(-1));
      await until(() => running.snapshot().totals.sessionsLost === 1, 'the loss told');
      expect(running.faults('session.lost')).toMatchObject([{ native: '406' }]);
      store.open();
      await running.consuming();
      await fixture.publish(ids(20, 20));
      await running.stored(40);
      await settledEverything(fixture, running);
      expect(running.snapshot().totals).toMatchObject({ created: 40, updated: 0, deadLettered: 0 });
      expect(running.snapshot().totals.redelivered).toBeGreaterThan(0);
      expect(fixture.broker.status()).toMatchObject({ state: 'up', since });
      expect(neighbour.snapshot()).toMatchObject({ consuming: true, totals: { sessionsLost: 0 } });
    });

    it('takes no ack along: after fifty losses between commit and ack every message is still owed', async () => {
      // Of RabbitMQ 4's own limit, 20, these losses would make letters.
      const fixture = await fixtureFor({ spec: { arguments: { 'x-delivery-limit': 100 } } });
      await fixture.publish(ids(20));
      let stale:
        | { readonly ack: (taken: readonly Delivery[]) => void; readonly taken: readonly Delivery[] }
        | undefined;
      for (let round = 0; round < 50; round += 1) {
        const { session, taken } = await fixture.open(20);
        await until(() => taken.length === 20, 'all of them again');
        // Tags 1 to 20 of a channel that is gone; here they are other loans of the same messages.
        if (stale !== undefined) {
          stale.ack(stale.taken);
          session.ack(stale.taken);
        }
        expect(session.unsettled).toBe(20);
        breakChannel(fixture.channels.at(-1));
        expect((await session.ended).is).toBe('lost');
        stale = { ack: session.ack, taken: [...taken] };
        session.ack(taken);
      }
      const { session, taken } = await fixture.open(20);
      await until(() => taken.length === 20, 'all of them in the end');
      expect(taken.map(({ body }) => Buffer.from(body).toString()).sort()).toEqual(ids(20).sort());
      expect(taken.every(({ deliveryCount }) => deliveryCount === 50)).toBe(true);
      await session.close();
    }, 60_000);
  });

  describe('a queue that is deleted', () => {
    it('is declared again by its lane, which consumes from the new one', async () => {
      const fixture = await fixtureFor();
      const running = laneOn(fixture);
      await running.consuming();
      const channel = await fixture.admin.channel();
      await channel.deleteQueue(fixture.spec.queue);
      await until(() => running.snapshot().totals.sessionsLost === 1, 'the loss told');
      await running.consuming();
      await fixture.publish(ids(10));
      await running.stored(10);
      expect(fixture.broker.status().state).toBe('up');
    });

    it('is waited for where nothing may be declared, visibly, and consumed when it is back', async () => {
      const fixture = await fixtureFor({ spec: { passive: true } });
      const running = laneOn(fixture);
      await running.consuming();
      const channel = await fixture.admin.channel();
      await channel.deleteQueue(fixture.spec.queue);
      await until(() => running.faults('open.failed').length > 1, 'more than one attempt');
      expect(running.snapshot()).toMatchObject({ state: 'starting', consuming: false });
      expect(running.snapshot().reason).toContain(`queue ${fixture.spec.queue} (passive)`);
      expect(running.faults('open.failed').at(-1)).toMatchObject({ code: 'broker-refused', native: '404' });
      await declareQueue(fixture.admin, { ...fixture.spec, passive: false });
      await running.consuming();
    });
  });

  describe('a queue that was declared with other arguments', () => {
    it('stops its lane alone, with both values in the reason; in passive mode it is consumed as it is', async () => {
      const fixture = await fixtureFor({ spec: { arguments: { 'x-delivery-limit': 7 } }, declare: false });
      await declareQueue(fixture.admin, { ...fixture.spec, arguments: { 'x-delivery-limit': 3 } });
      const neighbour = await neighbourOf(await fixtureFor());
      const running = laneOn(fixture);
      await until(() => running.faults('open.failed').length > 1, 'more than one attempt');
      const { reason = '' } = running.snapshot();
      expect(reason).toMatch(/x-delivery-limit=7.*received '?7'? but current is '?3'?/);
      expect(reason).toContain('passive mode');
      expect(neighbour.snapshot()).toMatchObject({ consuming: true, totals: { sessionsLost: 0 } });
      const { broker, letters } = fixture;
      const queue = { ...fixture.spec, passive: true };
      const passive = startLane(createQueueSource({ broker, letters, queue, service: 'testinator' }));
      undo.push(passive.stop);
      await passive.consuming();
      await fixture.publish(ids(10));
      await passive.stored(10);
    });
  });

  describe('the patience of the broker (consumer_timeout)', () => {
    const patience = (ms: number): Promise<void> =>
      broker.own.evaluate(
        `application:set_env(rabbit,consumer_timeout,${ms}), application:set_env(rabbit,channel_tick_interval,500).`,
      );
    afterAll(() => patience(1_800_000), 60_000);

    it('ends the session when a write takes too long; the records come again and are stored', async () => {
      await patience(2_000);
      const fixture = await fixtureFor();
      const running = laneOn(fixture);
      const store = gate();
      running.sink.before = store.wait;
      await fixture.publish(ids(20));
      await until(() => running.snapshot().totals.sessionsLost === 1, 'the end of patience', 20_000);
      expect(running.faults('session.lost')[0]?.reason).toMatch(/timeout|timed out/);
      store.open();
      await running.stored(20);
      await settledEverything(fixture, running);
      expect(fixture.broker.status().state).toBe('up');
      expect(await fixture.takeLetters()).toEqual([]);
    }, 60_000);

    it('is never tried by an outage of the store: a quarter of it is held, then the canary is asked', async () => {
      await patience(4_000);
      const fixture = await fixtureFor();
      let away = true;
      let asked = 0;
      const down = (): void => {
        if (away) throw new SinkError('unavailable', fault('store-unreachable', 'copy', 'the store is away'));
      };
      const running = laneOn(fixture, {
        hold: { ...defaultHold, retry: { firstMs: 20, maxMs: 200 }, limitMs: 1_000 },
      });
      running.sink.before = down;
      running.sink.canary = () => {
        asked += 1;
        down();
      };
      await fixture.publish(ids(20));
      // Given back, ready for others, and not taken again while the canary fails.
      await until(async () => asked > 0 && (await fixture.ready()) === 20, 'all given back', 4_000);
      expect(running.snapshot()).toMatchObject({ state: 'starting', consuming: false, pendingRecords: 0 });
      expect(running.snapshot().reason).toContain('the store is away');
      // Longer than the broker's patience: nobody's channel is closed.
      const since = performance.now();
      const before = asked;
      await until(() => asked > before + 5 && performance.now() - since > 5_000, 'many questions', 20_000);
      expect(running.snapshot().totals.consumed).toBe(20);
      away = false;
      await running.stored(20);
      await settledEverything(fixture, running);
      expect(running.snapshot().totals).toMatchObject({ sessionsLost: 0, redelivered: 20, deadLettered: 0 });
      expect(await fixture.takeLetters()).toEqual([]);
    }, 60_000);
  });
}
