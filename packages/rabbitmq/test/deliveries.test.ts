import { expect, it } from '@jest/globals';
import type { ConsumeMessage } from 'amqplib';
import { toDelivery } from '../src/deliveries.ts';

const weigh = (headers: Record<string, unknown>): number => {
  const message = { content: Buffer.from('{}'), fields: { redelivered: false }, properties: { headers } };
  const entry = { tag: 1, settled: false, next: undefined };
  return toDelivery(message as unknown as ConsumeMessage, 'q', {}, entry).headerBytes ?? 0;
};

it('headers weigh at least what they hold, however they are nested', () => {
  expect(weigh({})).toBe(0);
  expect(weigh({ text: 'x'.repeat(10_000) })).toBeGreaterThanOrEqual(10_000);
  expect(weigh({ bytes: Buffer.alloc(10_000) })).toBeGreaterThanOrEqual(10_000);
  expect(weigh({ table: { list: Array.from({ length: 100 }, () => ({ deep: 'x'.repeat(100) })) } })).toBeGreaterThan(
    10_000,
  );
  expect(weigh({ n: 1, nothing: null, flag: true })).toBeLessThan(1_000);
});
