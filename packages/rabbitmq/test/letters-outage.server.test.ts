/** Letters find no place, while a lane runs: no original is lost, and the other records go their way. */
import { describe, expect, it } from '@jest/globals';
import { until } from '../../testkit/src/until.ts';
import { declareQueue } from '../src/topology.ts';
import { useFixtures } from './fixtures.ts';
import { ids, type RunningLane, settledEverything, startLane } from './lanes.ts';
import { type Fixture, type FixtureOptions, makeFixture } from './support.ts';

const { undo } = useFixtures();

async function running(options: FixtureOptions): Promise<{ readonly fixture: Fixture; readonly lane: RunningLane }> {
  const fixture = await makeFixture(options);
  undo.push(fixture.dispose);
  const lane = startLane(fixture.source, { window: 50 });
  undo.push(lane.stop);
  await lane.consuming();
  return { fixture, lane };
}

interface Case {
  readonly what: string;
  readonly options: FixtureOptions;
  readonly reason: RegExp;
  hurt(fixture: Fixture): Promise<unknown>;
  mend(fixture: Fixture): Promise<unknown>;
}

const cases: readonly Case[] = [
  {
    what: 'is full (x-overflow: reject-publish)',
    options: { spec: { type: 'classic', deadLetters: { maxLength: 1 } } },
    reason: /refuses letters: it is full/,
    async hurt(fixture) {
      const channel = await fixture.admin.confirmChannel();
      channel.sendToQueue(fixture.spec.deadLetterQueue, Buffer.from('in the way'), { persistent: true });
      await channel.waitForConfirms();
    },
    mend: (fixture) => fixture.takeLetters(),
  },
  {
    what: 'is missing, where nothing may be declared',
    options: { spec: { passive: true } },
    reason: /no queue is bound|dead-letter queue .*passive/,
    hurt: async ({ admin, spec }) => (await admin.channel()).deleteQueue(spec.deadLetterQueue),
    mend: ({ admin, spec }) => declareQueue(admin, { ...spec, passive: false }),
  },
  {
    what: 'has no exchange before it, where nothing may be declared',
    options: { spec: { passive: true } },
    reason: /dead-letter exchange .*passive|no exchange/i,
    hurt: async ({ admin, spec }) => (await admin.channel()).deleteExchange(spec.deadLetterExchange),
    mend: ({ admin, spec }) => declareQueue(admin, { ...spec, passive: false }),
  },
  {
    what: 'is bound to nothing, where nothing may be declared',
    options: { spec: { passive: true } },
    reason: /no queue is bound/,
    hurt: async ({ admin, spec }) =>
      (await admin.channel()).unbindQueue(spec.deadLetterQueue, spec.deadLetterExchange, ''),
    mend: ({ admin, spec }) => declareQueue(admin, { ...spec, passive: false }),
  },
];

describe.each(cases)('while the dead-letter queue $what', ({ options, reason, hurt, mend }) => {
  it('the original stays, is tried again and said to be, and everything else is stored', async () => {
    const { fixture, lane } = await running(options);
    await hurt(fixture);
    const good = ids(300);
    await fixture.publish([...good.slice(0, 10), '!bad', ...good.slice(10)]);
    await lane.stored(300);
    await until(() => lane.faults('letter.failed').length > 1, 'more than one try');
    await until(() => lane.snapshot().pendingRecords === 1, 'all settled but one');
    for (const fault of lane.faults('letter.failed')) expect(fault).toMatchObject({ code: 'broker-refused' });
    expect(lane.faults('letter.failed').at(-1)?.reason).toMatch(reason);
    expect(lane.snapshot()).toMatchObject({ consuming: true, totals: { deadLettered: 0, sessionsLost: 0 } });
    await mend(fixture);
    await until(() => lane.snapshot().totals.deadLettered === 1, 'the letter');
    await settledEverything(fixture, lane);
    expect((await fixture.takeLetters()).map(({ content }) => content.toString())).toEqual(['!bad']);
  }, 60_000);
});

describe('while no letter finds a place', () => {
  it('a lane takes no more of them than its window, and settles all of them afterwards', async () => {
    const { fixture, lane } = await running({ spec: { passive: true } });
    await (await fixture.admin.channel()).deleteExchange(fixture.spec.deadLetterExchange);
    const bad = ids(80).map((id) => `!${id}`);
    await fixture.publish(bad);
    await until(() => lane.snapshot().pendingRecords === 50, 'a full window');
    await until(() => lane.faults('letter.failed').length > 100, 'every one of them tried again');
    expect(await fixture.ready()).toBe(30);
    expect(lane.snapshot().totals.consumed).toBe(50);
    await declareQueue(fixture.admin, { ...fixture.spec, passive: false });
    await until(() => lane.snapshot().totals.deadLettered === 80, 'all letters');
    await settledEverything(fixture, lane);
    const letters = (await fixture.takeLetters()).map(({ content }) => content.toString());
    expect(letters.sort()).toEqual([...bad].sort());
  }, 60_000);
});
