import { type Delivery, publishedAge } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';

const now = Date.parse('2026-03-01T12:00:00Z');
const seconds = now / 1_000;

function stamped(...timestamps: (number | undefined)[]): Delivery[] {
  return timestamps.map((timestamp) => ({
    body: new Uint8Array(),
    properties: { headers: {}, ...(timestamp === undefined ? {} : { timestamp }) },
    exchange: '',
    routingKey: '',
    queue: '',
    redelivered: false,
    deliveryCount: 0,
    arrivedAt: 0,
  }));
}

describe('the age of a batch since it was published', () => {
  it('is that of its oldest message, and messages without a timestamp do not count', () => {
    expect(publishedAge(stamped(seconds - 5, undefined, seconds - 90, seconds), now)).toBe(90_000);
    expect(publishedAge(stamped(undefined, undefined), now)).toBeUndefined();
    expect(publishedAge([], now)).toBeUndefined();
  });

  it('is 0 where the clock of the producer is ahead', () => {
    expect(publishedAge(stamped(seconds + 3_600), now)).toBe(0);
  });

  it.each([
    ['0', 0],
    ['a negative number', -5],
    ['not a number', Number.NaN],
    ['infinite', Number.POSITIVE_INFINITY],
    ['milliseconds instead of seconds', now],
  ])('is not told by a timestamp that is %s', (_, timestamp) => {
    expect(publishedAge(stamped(timestamp), now)).toBeUndefined();
    expect(publishedAge(stamped(timestamp, seconds - 7), now)).toBe(7_000);
  });
});
