/** What every source must do, written once and run against the memory source and a real broker. */

import { type Delivery, fault, type Session, type Source } from '@inator/runtime';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '../until.ts';

export interface SourceHarness {
  readonly source: Source;
  publish(body: string, headers?: Record<string, unknown>): Promise<void>;
  /** Bodies and headers of the letters published so far. */
  letters(): Promise<readonly { readonly body: string; readonly code: string }[]>;
  /** Messages ready and lent, as the broker counts them. */
  left(): Promise<number>;
  /** Cuts the connection under the session. */
  lose(): Promise<void>;
  dispose(): Promise<void>;
}

export function describeSource(name: string, make: () => Promise<SourceHarness>): void {
  describe(`${name} keeps the contract of a source`, () => {
    let harness: SourceHarness;
    let taken: Delivery[];
    let session: Session | undefined;
    const never = new AbortController().signal;

    const open = async (window = 100): Promise<Session> => {
      taken = [];
      const into = taken;
      session = await harness.source.open((delivery) => into.push(delivery), { window, signal: never });
      return session;
    };
    const publish = async (count: number, from = 0): Promise<void> => {
      for (let i = from; i < from + count; i += 1) await harness.publish(`m${i}`);
    };
    const bodies = (): string[] => taken.map((delivery) => Buffer.from(delivery.body).toString());

    beforeEach(async () => {
      harness = await make();
    });
    afterEach(async () => {
      await session?.close();
      await harness.dispose();
    });

    it('delivers in order, with bodies and headers as they were published', async () => {
      await open();
      await harness.publish('one', { 'x-seq': 7 });
      await harness.publish('two');
      await until(() => taken.length === 2, 'two deliveries');
      expect(bodies()).toEqual(['one', 'two']);
      expect(taken[0]?.properties.headers['x-seq']).toBe(7);
      expect(taken[0]?.redelivered).toBe(false);
    });

    it('lends no more than its window', async () => {
      const opened = await open(10);
      await publish(30);
      await until(() => taken.length === 10, 'a full window');
      expect(opened.unsettled).toBe(10);
      opened.ack(taken.slice(0, 4));
      await until(() => taken.length === 14, 'four more');
      expect(opened.unsettled).toBe(10);
    });

    it('settles all, in whatever order they are acked', async () => {
      const opened = await open();
      await publish(50);
      await until(() => taken.length === 50, 'deliveries');
      const shuffled = [...taken].sort((a, b) =>
        Buffer.compare(Buffer.from(a.body).reverse(), Buffer.from(b.body).reverse()),
      );
      for (const delivery of shuffled) opened.ack([delivery]);
      await opened.close();
      await until(async () => (await harness.left()) === 0, 'nothing left');
    });

    it('loses no ack by closing at once', async () => {
      const opened = await open(500);
      await publish(500);
      await until(() => taken.length === 500, 'deliveries');
      opened.ack(taken);
      await opened.close();
      await open();
      expect(await harness.left()).toBe(0);
    });

    it('delivers again what was not settled when the session is lost, and tells so', async () => {
      const lost = await open();
      await publish(5);
      await until(() => taken.length === 5, 'deliveries');
      lost.ack(taken.slice(0, 2));
      await until(() => lost.unsettled === 3, 'two settled');
      // The ack is on its way when the connection is cut: what it covers may come again, what it does not must.
      await harness.lose();
      expect((await lost.ended).is).toBe('lost');
      await open();
      await until(() => ['m2', 'm3', 'm4'].every((body) => bodies().includes(body)), 'the rest again');
      expect(taken.filter((delivery) => !delivery.redelivered)).toHaveLength(0);
    });

    it('settles nothing for a session that has ended', async () => {
      const lost = await open();
      await publish(3);
      await until(() => taken.length === 3, 'deliveries');
      const stale = taken;
      await harness.lose();
      await lost.ended;
      await open();
      await until(() => taken.length === 3, 'all again');
      lost.ack(stale);
      await lost.close();
      await session?.close();
      expect(await harness.left()).toBe(3);
    });

    it('takes no more after it was paused, and goes on after it was resumed', async () => {
      const opened = await open();
      await publish(3);
      await until(() => taken.length === 3, 'deliveries');
      await opened.pause();
      await publish(3, 3);
      opened.ack(taken);
      expect(taken).toHaveLength(3);
      await opened.resume();
      await until(() => taken.length === 6, 'the rest');
      expect(bodies()).toEqual(['m0', 'm1', 'm2', 'm3', 'm4', 'm5']);
    });

    it('dead-letters one record with its body and reason, and settles the original', async () => {
      const opened = await open();
      await publish(3);
      await until(() => taken.length === 3, 'deliveries');
      const [first, second, third] = taken as [Delivery, Delivery, Delivery];
      const letter = { fault: fault('value-refused', 'copy', 'because'), model: 'm', key: 'k', attempts: 1 };
      await opened.deadLetter(second, letter, never);
      opened.ack([first, third]);
      await opened.close();
      expect(await harness.letters()).toEqual([{ body: 'm1', code: 'value-refused' }]);
      expect(await harness.left()).toBe(0);
    });

    it('tells how many wait', async () => {
      await (await open(1)).close();
      await publish(4);
      await until(async () => (await harness.source.depth()) === 4, 'a depth of four');
    });
  });
}
