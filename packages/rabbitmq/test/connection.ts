/** The connection is hurt in every way there is while a lane consumes: time is lost, and nothing else. */
import { describe, expect, it } from '@jest/globals';
import { until } from '../../testkit/src/until.ts';
import { createPublisher } from '../src/publisher.ts';
import { ids, settledEverything } from './lanes.ts';
import type { OwnBroker } from './own-broker.ts';
import { directSettings, type Fixture } from './support.ts';

/** A heartbeat of a second, and connecting given up after one. */
const impatient = { heartbeatSeconds: 1, connectTimeoutMs: 1_000 };

interface Hurt {
  readonly what: string;
  /** What the loss is told as. */
  readonly native?: string;
  run(fixture: Fixture): Promise<void> | void;
}

export function describeConnection(broker: OwnBroker): void {
  const { undo, fixtureFor, laneOn } = broker;

  const hurts: readonly Hurt[] = [
    { what: 'reset (RST)', native: 'ECONNRESET', run: ({ proxy }) => proxy.cut() },
    {
      what: 'closed by an operator (320, which raises no error event)',
      native: '320',
      run: () => broker.own.ctl('close_all_connections', 'maintenance'),
    },
    {
      what: 'ended by a graceful stop of the broker (320)',
      native: '320',
      async run() {
        await broker.own.ctl('stop_app');
        await broker.own.ctl('start_app');
      },
    },
    {
      what: 'ended by a killed broker',
      async run() {
        await broker.own.remembered();
        await broker.own.server.kill();
        await broker.own.server.start();
      },
    },
    {
      what: 'swallowed by the link, without a word',
      async run({ proxy, broker }) {
        proxy.freeze();
        // At most three intervals of a second, and the attempt that comes after them.
        await until(() => broker.status().state !== 'up', 'the silence noticed', 6_000);
        proxy.thaw();
      },
    },
    {
      what: 'lost to a stall of our own event loop of several heartbeats',
      run() {
        const end = performance.now() + 5_000;
        while (performance.now() < end);
      },
    },
  ];

  describe('a lane whose connection is', () => {
    it.each(hurts)(
      '$what stores every record once and for all, and consumes again within 30 s',
      async ({ native, run }) => {
        const fixture = await fixtureFor({ settings: impatient });
        const publisher = createPublisher(directSettings(broker.own.server.url), { maxUnconfirmed: 100 });
        undo.push(publisher.close);
        const running = laneOn(fixture);
        await running.consuming();
        const all = ids(1_000);
        const publish = (some: readonly string[]): Promise<unknown> =>
          Promise.all(some.map((id) => publisher.publish(fixture.spec.exchange, '', Buffer.from(id))));
        await publish(all.slice(0, 200));
        await running.stored(200);
        const producing = publish(all.slice(200));
        producing.catch(() => {});
        const before = running.snapshot().totals.sessionsLost;
        await run(fixture);
        const over = performance.now();
        await until(() => running.snapshot().totals.sessionsLost > before, 'the loss told', 10_000);
        await running.consuming(30_000);
        expect(performance.now() - over).toBeLessThan(30_000);
        await producing;
        await running.stored(all.length);
        await settledEverything(fixture, running);
        expect([...running.sink.rows.keys()].sort()).toEqual([...all].sort());
        expect(await fixture.takeLetters()).toEqual([]);
        expect(running.faults('session.lost')[0]).toMatchObject({
          code: 'broker-unreachable',
          ...(native && { native }),
        });
        expect(running.told.filter(({ event }) => event === 'defect')).toEqual([]);
      },
      120_000,
    );
  });

  describe('a lane that cannot connect', () => {
    it('because the broker is not up yet says so, and consumes when it is', async () => {
      // The lane declares its queue: one that is younger than the broker's memory must not be there when it is killed.
      const fixture = await fixtureFor({ declare: false });
      await broker.own.server.kill();
      const running = laneOn(fixture);
      await until(() => running.faults('open.failed').length > 1, 'more than one attempt');
      expect(running.snapshot()).toMatchObject({ state: 'starting', consuming: false });
      expect(running.snapshot().reason).toMatch(/^no channel|cannot connect to 127\.0\.0\.1/);
      expect(fixture.broker.status()).toMatchObject({ fault: { code: 'broker-unreachable' } });
      await broker.own.server.start();
      await running.consuming();
      expect(running.snapshot().reason).toBeUndefined();
    }, 120_000);

    const refusals = [
      {
        what: 'the name of the host is unknown',
        settings: { host: 'no-such-host.invalid' },
        code: 'broker-unreachable',
      },
      { what: 'the password is wrong', settings: { password: () => 'canary-5ecret' }, code: 'broker-refused' },
      { what: 'there is no such virtual host', settings: { vhost: 'nowhere' }, code: 'broker-refused' },
    ];
    it.each(refusals)('because $what says so, keeps trying, and tells no password', async ({ settings, code }) => {
      const fixture = await fixtureFor({ settings: { ...settings, username: 'guest' } });
      const running = laneOn(fixture);
      await until(() => running.faults('open.failed').length > 1, 'more than one attempt');
      for (const fault of running.faults('open.failed')) expect(fault).toMatchObject({ code });
      const { state, reason = '' } = running.snapshot();
      expect(state).toBe('starting');
      expect(reason).toMatch(/no-such-host\.invalid|user guest on virtual host (\/|nowhere)/);
      expect(JSON.stringify([running.told, fixture.broker.status()])).not.toContain('canary');
    });

    it('because the password was rotated consumes as soon as it reads the right one', async () => {
      const passwords = ['old', 'old'];
      const fixture = await fixtureFor({ settings: { password: () => passwords.pop() ?? 'guest' } });
      const running = laneOn(fixture);
      await running.consuming();
      expect(running.faults('open.failed')).toHaveLength(2);
    });
  });
}
