import type { Delivery } from '@inator/runtime';
import { expect, it } from '@jest/globals';
import type { ConsumeMessage } from 'amqplib';
import { toDelivery } from '../src/deliveries.ts';

const delivered = (headers: Record<string, unknown> | undefined, redelivered = false, counting = true): Delivery => {
  const message = { content: Buffer.from('{}'), fields: { redelivered }, properties: { headers } };
  const entry = { tag: 1, settled: false, next: undefined };
  return toDelivery(message as unknown as ConsumeMessage, 'q', {}, entry, counting);
};
const weigh = (headers: Record<string, unknown>): number => delivered(headers).headerBytes ?? 0;

it('headers weigh at least what they hold, however they are nested', () => {
  expect(weigh({})).toBe(0);
  expect(weigh({ text: 'x'.repeat(10_000) })).toBeGreaterThanOrEqual(10_000);
  expect(weigh({ bytes: Buffer.alloc(10_000) })).toBeGreaterThanOrEqual(10_000);
  expect(weigh({ table: { list: Array.from({ length: 100 }, () => ({ deep: 'x'.repeat(100) })) } })).toBeGreaterThan(
    10_000,
  );
  expect(weigh({ n: 1, nothing: null, flag: true })).toBeLessThan(1_000);
});

it('tells how often it was sent back from the dead letters, and believes no nonsense', () => {
  const replays = (value: unknown): number | undefined => delivered({ 'x-inator-replays': value }).replays;
  expect(delivered(undefined).replays).toBe(0);
  expect(delivered({}).replays).toBe(0);
  expect([1, 3].map(replays)).toEqual([1, 3]);
  expect([-1, 0.5, Number.NaN, '2', null, {}].map(replays)).toEqual([0, 0, 0, 0, 0, 0]);
});

it('believes a count of deliveries only of a queue that counts, and only of one that came again', () => {
  const headers = { 'x-delivery-count': 30 };
  expect(delivered(headers, true).deliveryCount).toBe(30);
  expect(delivered(headers, false).deliveryCount).toBe(0);
  expect(delivered(headers, true, false).deliveryCount).toBe(0);
});

it('gives integers that a double cannot hold as bigints, and leaves alone what only looks like one', () => {
  const value = '1763856000123456789';
  const { headers } = delivered({
    'x-seq': { '!': 'long', value },
    other: 1,
    forged: { '!': 'long', value: 'x' },
  }).properties;
  expect(headers).toEqual({ 'x-seq': BigInt(value), other: 1, forged: { '!': 'long', value: 'x' } });
});
