import type { KeptLetter } from '@inator/rabbitmq';
import { describe, expect, it } from '@jest/globals';
import { matches, timeOf } from '../src/dlq/filter.ts';
import { infoOf, isoTime } from '../src/dlq/letter.ts';
import { bodyText, jsonValue, safeJson, visible } from '../src/dlq/text.ts';
import { inator } from './support/command.ts';

const letter = (headers: Record<string, unknown>): KeptLetter => ({
  body: Buffer.from('{}'),
  headers,
  properties: {},
  exchange: '',
  routingKey: '',
  redelivered: false,
  returns: 0,
});

describe('what strangers wrote', () => {
  it('is printed without anything a terminal acts on, and JSON readers still get it whole', () => {
    const hostile = 'a\u001b[2J\u009b31m\u202e\u0007\r\n\t\u2028\ud800z\u{e0041}';
    expect(visible(hostile)).toBe('a\\u{1b}[2J\\u{9b}31m\\u{202e}\\u{7}\\r\\n\\t\\u{2028}\\u{d800}z\\u{e0041}');
    const json = safeJson({ hostile });
    expect(json).toMatch(/^[\x20-\x7e]*$/);
    expect(JSON.parse(json)).toEqual({ hostile });
  });

  it('is cut to an excerpt, and shown as hexadecimal where it is no UTF-8', () => {
    expect(bodyText(Buffer.from('ä'.repeat(500)), false)).toBe(`${'ä'.repeat(200)}…`);
    expect(bodyText(Buffer.from('ä'.repeat(500)), true)).toBe('ä'.repeat(500));
    expect(bodyText(Buffer.from([0xff, 0x00]), false)).toBe('(not UTF-8) ff00');
  });

  it('keeps byte strings and large integers of headers in JSON', () => {
    const value = { bytes: Buffer.from([1, 255]), list: [2n ** 60n], plain: { a: null } };
    expect(jsonValue(value)).toEqual({ bytes: { base64: 'Af8=' }, list: ['1152921504606846976'], plain: { a: null } });
  });
});

describe('what a letter tells', () => {
  it('is read from the headers of inator, else from the verdict of the broker, else it is unknown', () => {
    const ours = infoOf(
      letter({
        'x-inator-code': 'json-invalid',
        'x-inator-stage': 'decode',
        'x-inator-model': 'artists',
        'x-inator-failed-at': '2026-08-01T12:00:00.000Z',
        'x-inator-replays': 2,
      }),
    );
    expect(ours).toMatchObject({
      code: 'json-invalid',
      stage: 'decode',
      failedAt: Date.UTC(2026, 7, 1, 12),
      replays: 2,
    });
    const death = [{ reason: 'delivery_limit', queue: 'q', time: { '!': 'timestamp', value: 1_000 } }];
    expect(infoOf(letter({ 'x-death': death }))).toMatchObject({ code: 'broker-delivery-limit', failedAt: 1_000_000 });
    for (const value of [8.65e12, -8.65e12, Number.NaN, 1_763_850_000_000_000]) {
      const never = [{ reason: 'rejected', time: { '!': 'timestamp', value } }];
      expect(infoOf(letter({ 'x-death': never }))).toMatchObject({ code: 'broker-rejected', failedAt: undefined });
      expect(isoTime(value * 1_000)).toBeNull();
    }
    for (const odd of [{}, { 'x-death': 'x' }, { 'x-inator-code': 7 }, { 'x-inator-replays': -1 }]) {
      expect(infoOf(letter(odd))).toMatchObject({ code: 'unknown', failedAt: undefined, replays: 0 });
    }
  });

  it('decides whether it matches: alternatives of one kind, all kinds together, from the first moment to before the last', () => {
    const info = { code: 'a', stage: 'copy', model: 'm', reason: '', key: 'k', failedAt: 100, replays: 0 };
    const none = { codes: [], stages: [], keys: [], since: undefined, before: undefined };
    expect(matches(none, info)).toBe(true);
    expect(matches({ ...none, codes: ['b', 'a'], keys: ['k'] }, info)).toBe(true);
    expect(matches({ ...none, codes: ['a'], stages: ['merge'] }, info)).toBe(false);
    expect(matches({ ...none, keys: ['k'] }, { ...info, key: undefined })).toBe(false);
    expect(matches({ ...none, since: 100, before: 101 }, info)).toBe(true);
    expect(matches({ ...none, before: 100 }, info)).toBe(false);
    expect(matches({ ...none, before: 1_000 }, { ...info, failedAt: undefined })).toBe(false);
  });

  it('takes times as people write them', () => {
    const now = Date.UTC(2026, 7, 2);
    expect(timeOf('2h', now)).toBe(now - 7_200_000);
    expect(timeOf('2026-08-01', now)).toBe(Date.UTC(2026, 7, 1));
    expect(timeOf('2026-08-01T12:00:00+02:00', now)).toBe(Date.UTC(2026, 7, 1, 10));
    for (const wrong of ['yesterday', '2', '2026-13-01', '1', '']) expect(timeOf(wrong, now)).toBeUndefined();
  });
});

describe('the command line of inator dlq', () => {
  it.each([
    [['replay', '--cod', 'x'], 'Did you mean --code?'],
    [['replay', '--code', 'json-invald'], 'Did you mean json-invalid?'],
    [['peek', '--since', 'yesterday'], 'how long ago'],
    [['drop', '--yes', '0'], 'a whole number from 1'],
    [['lst'], 'Did you mean list?'],
    [['export'], "missing required argument 'file'"],
    [['export', '-', '--json'], 'both write to standard output'],
  ])('%j ends with 2 and says what was meant', async (args, hint) => {
    const ran = await inator(['dlq', ...args]);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(hint);
  });

  it('says at once that there is no broker, and what to do', async () => {
    for (const args of [['list'], ['stats'], ['replay'], ['drop']]) {
      const ran = await inator(['dlq', ...args], { env: { RABBITMQ_URL: 'amqp://127.0.0.1:1' } });
      expect(ran.code).toBe(1);
      expect(ran.stderr).toMatch(/error: .*127\.0\.0\.1:1/);
      expect(ran.stderr).toContain('inator doctor');
    }
  });
});
