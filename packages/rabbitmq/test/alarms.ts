/** The broker is short of memory or disk, or takes only small messages: letters wait, records flow. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { until } from '../../testkit/src/until.ts';
import { createPublisher } from '../src/publisher.ts';
import { ids, settledEverything } from './lanes.ts';
import type { OwnBroker } from './own-broker.ts';
import { directSettings } from './support.ts';

/** Raised and lifted once by a test; what a failed one leaves raised is lifted after it. Each costs a start of Erlang. */
function alarm(raise: () => Promise<void>, lift: () => Promise<void>) {
  let raised = false;
  return {
    async on(): Promise<void> {
      raised = true;
      await raise();
    },
    async off(): Promise<void> {
      if (!raised) return;
      await lift();
      raised = false;
    },
  };
}

export function describeAlarms(broker: OwnBroker): void {
  const { undo, fixtureFor, laneOn } = broker;

  const alarms = [
    {
      what: 'memory',
      reason: 'low on memory',
      ...alarm(
        () => broker.own.ctl('set_vm_memory_high_watermark', '0.0000001'),
        () => broker.own.ctl('set_vm_memory_high_watermark', '0.4'),
      ),
    },
    {
      what: 'disk',
      reason: 'low on disk',
      ...alarm(
        () => broker.own.ctl('set_disk_free_limit', '100000GB'),
        () => broker.own.ctl('set_disk_free_limit', '50MB'),
      ),
    },
  ];

  describe.each(alarms)('while the broker is short of $what', ({ reason, on, off }) => {
    afterEach(off);

    it('a lane goes on consuming and acking; its letters wait, and arrive once when it is over', async () => {
      const fixture = await fixtureFor();
      const running = laneOn(fixture);
      await fixture.publish(['!before']);
      await until(() => running.snapshot().totals.deadLettered === 1, 'the letter before');
      await running.lane.pause();
      // More than twice the window: they all arrive only when acks are read.
      const good = ids(500);
      await fixture.publish([...good.slice(0, 100), '!during', ...good.slice(100)]);
      await on();
      await running.lane.resume();
      await running.stored(500);
      await until(() => running.snapshot().pendingRecords === 1, 'all acked but one');
      await until(() => fixture.letters.status().blocked === reason, 'the alarm seen');
      expect(await fixture.ready()).toBe(0);
      expect(running.snapshot()).toMatchObject({ consuming: true, totals: { acked: 500, deadLettered: 1 } });
      expect(fixture.broker.status()).toMatchObject({ state: 'up', blocked: undefined });
      await off();
      await until(() => running.snapshot().totals.deadLettered === 2, 'the letter');
      await settledEverything(fixture, running);
      const letters = (await fixture.takeLetters()).map(({ content }) => content.toString());
      expect(letters).toEqual(['!before', '!during']);
      expect(running.snapshot().totals.sessionsLost).toBe(0);
      expect(fixture.letters.status().blocked).toBeUndefined();
    }, 90_000);

    it('a publisher waits, says why, and everything is taken afterwards', async () => {
      const fixture = await fixtureFor();
      const said: string[] = [];
      const publisher = createPublisher(directSettings(broker.own.server.url), {
        connection: { onBlocked: (why) => said.push(why), onUnblocked: () => said.push('over') },
      });
      undo.push(publisher.close);
      await publisher.publish(fixture.spec.exchange, '', Buffer.from('before'));
      await on();
      const waiting = Promise.all(ids(50).map((id) => publisher.publish(fixture.spec.exchange, '', Buffer.from(id))));
      await until(() => said.length === 1, 'the alarm told');
      expect(publisher.unconfirmed).toBe(50);
      await off();
      await waiting;
      expect(said).toEqual([reason, 'over']);
      expect(await fixture.ready()).toBe(51);
    }, 60_000);
  });

  describe('a broker that takes no message of the size of a letter', () => {
    const largest = (bytes: number) => (): Promise<void> =>
      // RabbitMQ 4 reads it once, at its start, into the second place.
      broker.own.evaluate(
        `application:set_env(rabbit,max_message_size,${bytes}), persistent_term:put(max_message_size,${bytes}).`,
      );
    const limit = alarm(largest(10_000), largest(134_217_728));
    afterEach(limit.off);

    it('keeps the original, lets the others through, and gets the letter when it takes such again', async () => {
      const fixture = await fixtureFor();
      const large = `!${'x'.repeat(20_000)}`;
      const small = Array.from({ length: 20 }, (_, nr) => `!small${nr}`);
      await fixture.publish([...small.slice(0, 10), large, ...small.slice(10), ...ids(100)]);
      await limit.on();
      const running = laneOn(fixture);
      await running.stored(100);
      await until(() => running.faults('letter.failed').length > 2, 'several tries');
      await until(() => running.snapshot().totals.deadLettered === 20, 'the small letters');
      expect(running.snapshot()).toMatchObject({ consuming: true, pendingRecords: 1, totals: { sessionsLost: 0 } });
      expect(running.faults('letter.failed').at(-1)).toMatchObject({ code: 'broker-refused', native: '406' });
      await limit.off();
      await until(() => running.snapshot().totals.deadLettered === 21, 'the large letter');
      await settledEverything(fixture, running);
      const letters = (await fixture.takeLetters()).map(({ content }) => content.toString());
      // The first ten may be there twice: the channel ended between their arrival and their confirms.
      expect(new Set(letters)).toEqual(new Set([...small, large]));
    }, 60_000);
  });
}
