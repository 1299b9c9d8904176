import { sequence } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';

const refused = expect.objectContaining({
  is: 'refused',
  fault: expect.objectContaining({ code: 'seq-invalid', proven: true }),
});

describe('the version of a record', () => {
  it('comes from x-seq, then x-version, then the body, then the broker’s stamp', () => {
    expect(sequence('auto', { 'x-seq': 3, 'x-version': 4, timestamp_in_ms: 5 }, '6')).toEqual({ is: 'seq', seq: 3n });
    expect(sequence('auto', { 'x-version': 4, timestamp_in_ms: 5 }, '6')).toEqual({ is: 'seq', seq: 4n });
    expect(sequence('auto', { timestamp_in_ms: 5 }, '6')).toEqual({ is: 'seq', seq: 6n });
    expect(sequence('auto', { timestamp_in_ms: 5 }, undefined)).toEqual({ is: 'seq', seq: 5n });
    expect(sequence('auto', {}, undefined)).toEqual({ is: 'seq', seq: undefined });
  });

  it('comes only from where it is told to', () => {
    const headers = { 'x-seq': 3, timestamp_in_ms: 5 };
    expect(sequence('body', headers, '6')).toEqual({ is: 'seq', seq: 6n });
    expect(sequence('timestamp', headers, '6')).toEqual({ is: 'seq', seq: 5n });
    expect(sequence('header', { timestamp_in_ms: 5 }, '6')).toEqual({ is: 'seq', seq: undefined });
    expect(sequence('none', { 'x-seq': 'nonsense' }, undefined)).toEqual({ is: 'seq', seq: undefined });
  });

  it.each([
    [0, 0n],
    ['9223372036854775807', 2n ** 63n - 1n],
    [2n ** 62n, 2n ** 62n],
  ])('takes %p', (value, seq) => {
    expect(sequence('header', { 'x-seq': value }, undefined)).toEqual({ is: 'seq', seq });
  });

  it.each([
    -1,
    1.5,
    2 ** 53,
    Number.NaN,
    '',
    '1e3',
    '-1',
    ' 1',
    '9223372036854775808',
    true,
    {},
    [1],
    Buffer.from('1'),
  ])('refuses %p', (value) => {
    expect(sequence('header', { 'x-seq': value }, undefined)).toEqual(refused);
  });

  it.each(['object', 'true', '1.5'])('refuses %p from the body', (value) => {
    expect(sequence('body', {}, value)).toEqual(refused);
  });
});
