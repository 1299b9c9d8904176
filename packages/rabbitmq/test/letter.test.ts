import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { MessageProperties } from 'amqplib';
import fc from 'fast-check';
import { createHeaderBudget, cut } from '../src/headers.ts';
import type { KeptLetter } from '../src/kept-letter.ts';
import { letterId, letterOptions, maxHeaderBytes, type Original, safeProperties } from '../src/letter.ts';
import { replayOptions } from '../src/replay.ts';
import { letterAbout } from './support.ts';

const require = createRequire(import.meta.url);
/** The library's own encoder, to learn whether it would throw. */
const { encodeTable } = require(join(dirname(require.resolve('amqplib')), 'lib/codec.js')) as {
  encodeTable(buffer: Buffer, table: object, offset: number): number;
};
const encodedBytes = (table: object): number => encodeTable(Buffer.alloc(65_536), table, 0);

const failedAt = new Date('2026-01-02T03:04:05.678Z');

function original(properties: Partial<MessageProperties> = {}): Original {
  return {
    queue: 'q',
    exchange: 'x',
    routingKey: 'r',
    body: Buffer.from('{"id":"1"}'),
    deliveryCount: 0,
    properties: properties as MessageProperties,
  };
}

describe('a letter', () => {
  it('tells code, reason, stage, model, key, attempts, service and version, where it came from and when', () => {
    const options = letterOptions(original(), letterAbout('not a number'), 'tableinator', failedAt, '1.2.3');
    expect({ ...options.headers }).toEqual({
      'x-inator-code': 'value-refused',
      'x-inator-reason': 'not a number',
      'x-inator-stage': 'copy',
      'x-inator-native': '22P02',
      'x-inator-model': 'things',
      'x-inator-key': 'k-1',
      'x-inator-attempts': 2,
      'x-inator-service': 'tableinator',
      'x-inator-version': '1.2.3',
      'x-inator-exchange': 'x',
      'x-inator-routing-key': 'r',
      'x-inator-queue': 'q',
      'x-inator-failed-at': '2026-01-02T03:04:05.678Z',
      'x-inator-first-seen': '2026-01-02T03:04:05.678Z',
      'x-inator-delivery-count': 0,
      'x-inator-id': letterId('q', Buffer.from('{"id":"1"}')),
    });
    expect(options).toMatchObject({ persistent: true, mandatory: true });
  });

  it('keeps the time of the first letter through every replay, and takes none that came without a replay or is no time', () => {
    const first = '2025-12-24T18:00:00.000Z';
    const seen = (headers: Record<string, unknown>) =>
      letterOptions(original({ headers }), letterAbout(), 's', failedAt).headers['x-inator-first-seen'];
    const letter = letterOptions(original(), letterAbout(), 's', new Date(first));
    const replayed = replayOptions({ headers: letter.headers, properties: {} } as unknown as KeptLetter);
    expect(replayed.headers).toMatchObject({ 'x-inator-replays': 1, 'x-inator-first-seen': first });
    expect(replayed.headers).not.toHaveProperty('x-inator-version');
    expect(seen(replayed.headers)).toBe(first);
    const now = failedAt.toISOString();
    expect(seen({ 'x-inator-first-seen': first })).toBe(now);
    for (const madeUp of ['soon', '2025-13-45T99:00:00.000Z', 7, 'z'.repeat(40_000)]) {
      expect(seen({ 'x-inator-replays': 1, 'x-inator-first-seen': madeUp })).toBe(now);
    }
  });

  it('says how many headers it left out, however exactly the others fill it', () => {
    for (let bytes = 880; bytes < 960; bytes += 1) {
      const large = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`large${i}`, 'h'.repeat(bytes)]));
      const { headers } = letterOptions(original({ headers: large }), letterAbout(), 's', failedAt);
      const kept = Object.keys(headers).filter((name) => name.startsWith('large')).length;
      expect(headers['x-inator-headers-dropped']).toBe(60 - kept);
    }
    expect(letterOptions(original(), letterAbout(), 's', failedAt).headers).not.toHaveProperty(
      'x-inator-headers-dropped',
    );
  });

  it('keeps the original message id, and takes its own id where there is none', () => {
    const id = letterId('q', original().body);
    expect(letterOptions(original({ messageId: 'm-1' }), letterAbout(), 's', failedAt).messageId).toBe('m-1');
    expect(letterOptions(original(), letterAbout(), 's', failedAt).messageId).toBe(id);
    expect(letterId('other', original().body)).not.toBe(id);
  });

  it('drops a direct reply-to, which only the channel of its consumer may publish, and keeps any other', () => {
    const replyTo = (address: string) => safeProperties({ replyTo: address }).replyTo;
    expect(replyTo('amq.rabbitmq.reply-to')).toBeUndefined();
    expect(replyTo('amq.rabbitmq.reply-to.g2dkABByZ')).toBe('amq.rabbitmq.reply-to.g2dkABByZ');
    expect(replyTo('answers')).toBe('answers');
  });

  it('drops user, expiration and further addresses', () => {
    const options = letterOptions(
      original({
        userId: 'mallory',
        expiration: '1',
        headers: { CC: ['victim'], BCC: ['victim'], cc: 'victim', 'x-seq': 9 },
      }),
      letterAbout(),
      's',
      failedAt,
    );
    expect(options).not.toHaveProperty('userId');
    expect(options).not.toHaveProperty('expiration');
    expect(options).not.toHaveProperty('CC');
    expect(Object.keys(options.headers).filter((name) => /^b?cc$/i.test(name))).toEqual([]);
    expect(options.headers['x-seq']).toBe(9);
  });

  it('keeps the history and the replays, and none of an earlier letter', () => {
    const death = [{ count: 1, reason: 'rejected', queue: 'q', time: { '!': 'timestamp', value: 5 } }];
    const { headers } = letterOptions(
      original({
        headers: { 'x-death': death as never, 'x-inator-replays': 2, 'x-inator-code': 'old', 'x-inator-note': 'n' },
      }),
      letterAbout(),
      's',
      failedAt,
    );
    expect(JSON.parse(JSON.stringify(headers['x-death']))).toEqual(death);
    expect(headers['x-inator-replays']).toBe(2);
    expect(headers['x-inator-code']).toBe('value-refused');
    expect(headers).not.toHaveProperty('x-inator-note');
  });

  it('leaves out what is nested too deeply, without following it', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 20_000; i += 1) deep = { deeper: deep, list: [deep] };
    const { headers } = letterOptions(original({ headers: { deep } as never }), letterAbout(), 's', failedAt);
    expect(encodedBytes(headers)).toBeLessThanOrEqual(maxHeaderBytes);
  });

  it('keeps the version and its own headers when the others do not fit, and counts what is left out', () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`h${i}`, 'y'.repeat(5000)]));
    const key = '\u{1F600}'.repeat(20_000);
    const { headers } = letterOptions(
      original({ headers: { ...many, 'x-seq': 12, traceparent: '00-4bf9-00f0-01', tracestate: 'a=b' } }),
      { ...letterAbout('z'.repeat(1024)), key },
      's',
      failedAt,
    );
    expect(encodedBytes(headers)).toBeLessThanOrEqual(maxHeaderBytes);
    expect(headers['x-seq']).toBe(12);
    expect(headers).toMatchObject({ traceparent: '00-4bf9-00f0-01', tracestate: 'a=b' });
    expect(headers['x-inator-reason']).toHaveLength(1024);
    expect(headers['x-inator-headers-dropped']).toBeGreaterThan(30);
  });

  it('can be published whatever the headers of the original are', () => {
    const scalar = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double(),
      fc.integer(),
      fc.constantFrom(2 ** 63, -(2 ** 63), 2 ** 64, 2 ** 50 + 0.5, Number.NaN, -Infinity, Infinity, -0),
      fc.boolean(),
      fc.constant(null),
      fc.constant(undefined),
      fc.bigInt(),
      fc.uint8Array({ maxLength: 4000 }).map((bytes) => Buffer.from(bytes)),
      fc.record({ '!': fc.constantFrom('', 'x', 'timestamp', 'decimal', 'long'), value: fc.anything({ maxDepth: 1 }) }),
    );
    const nested = (inner: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
      fc.oneof(
        scalar,
        fc.array(inner, { maxLength: 4 }),
        fc.dictionary(fc.string({ maxLength: 9 }), inner, { maxKeys: 4 }),
      );
    const value = nested(nested(scalar));
    const name = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.constantFrom('__proto__', 'constructor', '!'),
    );
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 8 }), (headers) => {
        const { headers: made } = letterOptions(original({ headers: headers as never }), letterAbout(), 's', failedAt);
        expect(encodedBytes(made)).toBeLessThanOrEqual(maxHeaderBytes);
      }),
      { numRuns: 60 },
    );
  });

  it('shortens properties that grew past what the protocol holds', () => {
    const grown = '\ufffd'.repeat(255);
    const options = letterOptions(original({ messageId: grown, type: 7, timestamp: -1 }), letterAbout(), 's', failedAt);
    expect(Buffer.byteLength(options.messageId ?? '')).toBe(255);
    expect(options).not.toHaveProperty('type');
    expect(options).not.toHaveProperty('timestamp');
  });
});

describe('the header budget', () => {
  it('never promises fewer bytes than the encoder takes', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ maxLength: 40 }), fc.jsonValue()), (table) => {
        const budget = createHeaderBudget(2_000);
        for (const [name, value] of Object.entries(table)) budget.add(name, value);
        expect(encodedBytes(budget.headers)).toBeLessThanOrEqual(budget.bytes);
        expect(budget.bytes).toBeLessThanOrEqual(2_000);
      }),
    );
  });

  it('cuts texts on the edge of a character', () => {
    expect(cut('a\u{1F600}b', 4)).toBe('a');
    expect(cut('a\u{1F600}b', 5)).toBe('a\u{1F600}');
    expect(cut('plain', 10)).toBe('plain');
  });
});
