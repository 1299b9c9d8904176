import { describe, expect, it } from '@jest/globals';
import { traceContextOf } from '../src/index.ts';

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const span = '00f067aa0ba902b7';
const valid = `00-${trace}-${span}-01`;

describe('the traceparent of a message', () => {
  it('is taken with its flags, as something remote', () => {
    expect(traceContextOf({ traceparent: valid })).toEqual({
      traceId: trace,
      spanId: span,
      traceFlags: 1,
      isRemote: true,
    });
    expect(traceContextOf({ traceparent: `00-${trace}-${span}-00` })?.traceFlags).toBe(0);
  });

  it('keeps the tracestate beside it', () => {
    const state = traceContextOf({
      traceparent: valid,
      tracestate: 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7',
    })?.traceState;
    expect(state?.get('congo')).toBe('t61rcWkgMzE');
    expect(state?.serialize()).toBe('congo=t61rcWkgMzE,rojo=00f067aa0ba902b7');
  });

  it('of a later version is read as far as it is known', () => {
    expect(traceContextOf({ traceparent: `cc-${trace}-${span}-01-what-comes-one-day` })?.spanId).toBe(span);
    expect(traceContextOf({ traceparent: `cc-${trace}-${span}-01` })?.spanId).toBe(span);
  });

  it.each<[string, unknown]>([
    ['is missing', undefined],
    ['is null', null],
    ['is empty', ''],
    ['is too short', valid.slice(1)],
    ['has something behind it, in version 00', `${valid}-more`],
    ['has something behind it without a dash', `cc${valid.slice(2)}x`],
    ['is in upper case', valid.toUpperCase()],
    ['has one letter in upper case', valid.replace('b', 'B')],
    ['holds what is no digit', valid.replace('4bf9', '4bg9')],
    ['has spaces around it', ` ${valid}`],
    ['ends with a line break', `${valid}\n`],
    ['has the trace of nobody', `00-${'0'.repeat(32)}-${span}-01`],
    ['has the parent of nobody', `00-${trace}-${'0'.repeat(16)}-01`],
    ['is of the version that there cannot be', `ff-${trace}-${span}-01`],
    ['is bytes', Buffer.from(valid)],
    ['is an array', [valid]],
    ['is a number', 42],
    ['is a boolean', true],
    ['is a table', { toString: () => valid }],
    ['is a typed value', { '!': 'timestamp', value: 1 }],
    ['is a megabyte', valid + '0'.repeat(1_000_000)],
    ['is a megabyte behind a dash', `cc-${trace}-${span}-01-${'a'.repeat(1_000_000)}`],
  ])('that %s is ignored', (_, traceparent) => {
    expect(traceContextOf({ traceparent, tracestate: 'a=b' })).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ['bytes', Buffer.from('a=b')],
    ['a number', 7],
    ['an array', ['a=b']],
    ['a megabyte', `a=${'b'.repeat(1_000_000)}`],
    ['empty', ''],
  ])('counts without a tracestate that is %s', (_, tracestate) => {
    expect(traceContextOf({ traceparent: valid, tracestate })).toEqual(traceContextOf({ traceparent: valid }));
  });

  it('counts beside a tracestate that is nonsense', () => {
    const found = traceContextOf({ traceparent: valid, tracestate: '=,;==\u0000,,' });
    expect(found?.spanId).toBe(span);
    expect(found?.traceState?.serialize()).toBe('');
  });
});
