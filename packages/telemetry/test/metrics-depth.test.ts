/** How many messages and letters wait. */
import { describe, expect, it } from '@jest/globals';
import { lane, metricsOfTests, value } from './exposition.ts';

const { create } = metricsOfTests();

describe('the letters of a lane', () => {
  it('are a depth of their own, missing while the broker cannot tell', async () => {
    const metrics = create();
    let known: number | undefined = 3;
    metrics.lane({ ...lane(), letters: async () => known });
    expect(value(await metrics.scrape(), 'inator_dead_letters_waiting', { data_type: 'artists' })).toBe(3);
    known = undefined;
    expect(value(await metrics.scrape(), 'inator_dead_letters_waiting')).toBeUndefined();
  });
});

describe('the depth of a queue', () => {
  it('is asked for at the scrape, and missing when nobody knows it or the broker does not answer', async () => {
    const metrics = create();
    metrics.lane(lane());
    metrics.lane(lane({ lane: 'labels' }, async () => undefined));
    metrics.lane(lane({ lane: 'masters' }, () => new Promise(() => {})));
    metrics.lane(lane({ lane: 'releases' }, () => Promise.reject(new Error('no'))));
    const began = performance.now();
    const text = await metrics.scrape();
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(value(text, 'inator_queue_messages', { data_type: 'artists' })).toBe(42);
    for (const data_type of ['labels', 'masters', 'releases']) {
      expect(value(text, 'inator_queue_messages', { data_type })).toBeUndefined();
    }
  });

  it('goes away again when it is not known any more', async () => {
    const metrics = create();
    let known: number | undefined = 5;
    metrics.lane(lane({}, async () => known));
    expect(value(await metrics.scrape(), 'inator_queue_messages')).toBe(5);
    known = undefined;
    expect(value(await metrics.scrape(), 'inator_queue_messages')).toBeUndefined();
  });

  it('is asked for seldom, however often somebody scrapes, and a question that hangs is not repeated', async () => {
    const seldom = create('postgres', 60_000);
    let asked = 0;
    seldom.lane(
      lane({}, async () => {
        asked += 1;
        return 1;
      }),
    );
    for (let i = 0; i < 5; i += 1) await seldom.scrape();
    expect(asked).toBe(1);

    const often = create('postgres', 0);
    let hanging = 0;
    often.lane(
      lane({}, () => {
        hanging += 1;
        return new Promise(() => {});
      }),
    );
    for (let i = 0; i < 3; i += 1) await often.scrape();
    expect(hanging).toBe(1);
  });
});
