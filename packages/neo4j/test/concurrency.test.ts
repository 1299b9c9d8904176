import { describe, expect, it } from '@jest/globals';
import { createConcurrency, type Turn, type TurnEnd } from '../src/concurrency.ts';
import { never } from './support/server.ts';

const infinite = Number.POSITIVE_INFINITY;

/** Whose turns were given out, in order; a macrotask lets every promise settle. */
function crowd(size: number) {
  const concurrency = createConcurrency();
  const turns: Turn[] = [];
  const order: number[] = [];
  const enter = async (who: number): Promise<void> => {
    const turn = await concurrency.enter(never);
    order.push(who);
    turns.push(turn);
  };
  const entered = Array.from({ length: size }, (_, who) => enter(who));
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const leave = async (end: TurnEnd): Promise<void> => {
    turns.shift()?.leave(end);
    await settled();
  };
  return { concurrency, order, entered, settled, leave, enter };
}

describe('writers side by side', () => {
  it('all write until some of them deadlock, and then half as many, in the order of asking', async () => {
    const { concurrency, order, settled, leave, enter } = crowd(8);
    await settled();
    expect(concurrency.stats()).toEqual({ active: 8, waiting: 0, limit: infinite });
    await leave('deadlocked');
    expect(concurrency.stats()).toEqual({ active: 7, waiting: 0, limit: 4 });
    const late = [8, 9].map(enter);
    for (let i = 0; i < 3; i += 1) await leave('failed');
    expect(concurrency.stats()).toEqual({ active: 4, waiting: 2, limit: 4 });
    await leave('failed');
    await leave('failed');
    await Promise.all(late);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('the victims of one tangle halve once, those of the next once more, down to one and no further', async () => {
    const { concurrency, settled, leave, enter } = crowd(8);
    await settled();
    for (let i = 0; i < 8; i += 1) await leave('deadlocked');
    expect(concurrency.stats().limit).toBe(4);
    for (const expected of [2, 1, 1]) {
      const again = [0, 1, 2, 3].map(enter);
      await settled();
      for (let i = 0; i < 4; i += 1) await leave('deadlocked');
      await Promise.all(again);
      expect(concurrency.stats().limit).toBe(expected);
    }
  });

  it('get one more after 25 that met no deadlock while others waited, and none while nobody waits', async () => {
    const { concurrency, settled, leave, enter } = crowd(2);
    await settled();
    await leave('deadlocked');
    await leave('passed');
    for (let i = 0; i < 100; i += 1) {
      const alone = enter(i);
      await settled();
      await leave('passed');
      await alone;
    }
    expect(concurrency.stats().limit).toBe(1);
    const many = Array.from({ length: 27 }, (_, i) => enter(i));
    await settled();
    for (let i = 0; i < 25; i += 1) {
      expect(concurrency.stats().active).toBe(1);
      await leave('passed');
    }
    expect(concurrency.stats()).toMatchObject({ active: 2, waiting: 0 });
    await Promise.all(many);
  });

  it('who gives up waiting is refused, and takes no turn', async () => {
    const { concurrency, settled, leave } = crowd(2);
    await settled();
    await leave('deadlocked');
    const stop = new AbortController();
    const given = concurrency.enter(stop.signal);
    expect(concurrency.stats().waiting).toBe(1);
    stop.abort();
    await expect(given).rejects.toMatchObject({ is: 'unavailable' });
    await expect(concurrency.enter(stop.signal)).rejects.toMatchObject({ is: 'unavailable' });
    await leave('passed');
    expect(concurrency.stats()).toEqual({ active: 0, waiting: 0, limit: 1 });
  });

  it('who keeps a turn too long, because of a lock of somebody else, stops nobody', async () => {
    const concurrency = createConcurrency(20);
    const [stuck, other] = await Promise.all([concurrency.enter(never), concurrency.enter(never)]);
    other.leave('deadlocked');
    expect(concurrency.stats()).toEqual({ active: 1, waiting: 0, limit: 1 });
    const next = await concurrency.enter(never);
    expect(concurrency.stats()).toEqual({ active: 1, waiting: 0, limit: 1 });
    stuck.leave('failed');
    expect(concurrency.stats().active).toBe(1);
    next.leave('passed');
    expect(concurrency.stats().active).toBe(0);
  });
});
