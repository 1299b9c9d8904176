import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type AckEntry, createAckWindow } from '../src/acks.ts';

/** Counts unacked deliveries as RabbitMQ does, and objects to what it would close the channel for. */
function brokerOf(isSettled: (tag: number) => boolean) {
  const unacked = new Set<number>();
  const frames: { readonly tag: number; readonly multiple: boolean }[] = [];
  return {
    unacked,
    frames,
    receive(tag: number, multiple: boolean): void {
      frames.push({ tag, multiple });
      if (!unacked.has(tag)) throw new Error(`unknown delivery tag ${tag}`);
      for (const one of [...unacked]) {
        if (one !== tag && (!multiple || one > tag)) continue;
        if (!isSettled(one)) throw new Error(`tag ${one} was acked before it was settled`);
        unacked.delete(one);
      }
    },
  };
}

function setUp(window: number, deliveries: number) {
  const entries: AckEntry[] = [];
  const broker = brokerOf((tag) => entries[tag - 1]?.settled ?? false);
  const acks = createAckWindow(window, broker.receive);
  const deliver = (): void => {
    broker.unacked.add(entries.length + 1);
    entries.push(acks.push(entries.length + 1));
  };
  for (let i = 0; i < deliveries; i += 1) deliver();
  const settle = (...tags: readonly number[]): void => {
    for (const tag of tags) acks.settle(entries[tag - 1] as AckEntry);
  };
  return { acks, broker, entries, deliver, settle };
}

describe('the ack window', () => {
  it('says in one frame that a whole batch is settled', () => {
    const { acks, broker, settle } = setUp(1000, 500);
    settle(...Array.from({ length: 500 }, (_, i) => 500 - i));
    acks.flush();
    expect(broker.frames).toEqual([{ tag: 500, multiple: true }]);
    expect(acks.unsettled).toBe(0);
  });

  it('keeps back what waits behind an unsettled delivery, until that is settled', () => {
    const { acks, broker, settle } = setUp(100, 5);
    settle(3, 4, 5, 1);
    acks.flush();
    expect(broker.frames).toEqual([{ tag: 1, multiple: true }]);
    settle(2);
    acks.flush();
    expect(broker.frames).toEqual([
      { tag: 1, multiple: true },
      { tag: 5, multiple: true },
    ]);
  });

  it('acks singly when one slow delivery holds up half the window', () => {
    const { acks, broker, settle } = setUp(10, 10);
    settle(2, 3, 4, 5);
    acks.flush();
    expect(broker.frames).toHaveLength(0);
    settle(6);
    acks.flush();
    expect(broker.unacked).toEqual(new Set([1, 7, 8, 9, 10]));
    settle(1, 7);
    acks.flush();
    expect(broker.frames.at(-1)).toEqual({ tag: 7, multiple: true });
  });

  it('names a tag the broker still knows when those before it were acked singly', () => {
    const { acks, broker, settle } = setUp(4, 4);
    settle(2, 3);
    acks.flush();
    settle(1);
    acks.flush();
    expect(broker.frames.at(-1)).toEqual({ tag: 1, multiple: true });
    expect(broker.unacked).toEqual(new Set([4]));
  });

  it('counts a delivery that is settled twice once', () => {
    const { acks, broker, entries, settle } = setUp(10, 2);
    settle(1);
    expect(acks.settle(entries[0] as AckEntry)).toBe(false);
    acks.flush();
    acks.flush();
    expect(broker.frames).toHaveLength(1);
    expect(acks.unsettled).toBe(1);
  });

  it('sends everything settled at the close, and nothing else', () => {
    const { acks, broker, settle } = setUp(100, 6);
    settle(1, 3, 5);
    acks.flush(true);
    expect(broker.unacked).toEqual(new Set([2, 4, 6]));
  });

  it('acks exactly what is settled, in any order, with deliveries and flushes in between', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.oneof(fc.constant('deliver'), fc.constant('flush'), fc.nat(60)), { maxLength: 300 }),
        (window, steps) => {
          const { acks, broker, entries, deliver, settle } = setUp(window, 0);
          for (const step of steps) {
            if (step === 'deliver') {
              if (broker.unacked.size < window) deliver();
            } else if (step === 'flush') acks.flush();
            else if (entries.length > 0) settle(((step as number) % entries.length) + 1);
          }
          acks.flush(true);
          const unsettled = entries.filter((entry) => !entry.settled).map((entry) => entry.tag);
          expect([...broker.unacked]).toEqual(unsettled);
          expect(acks.unsettled).toBe(unsettled.length);
        },
      ),
    );
  });
});
