import { describe, expect, it } from '@jest/globals';
import { createKeySet } from '../src/ledger/key-set.ts';

describe('a set of keys', () => {
  it('tells apart what is written differently, whatever it looks like', () => {
    const keys = [
      '0',
      '7',
      '07',
      '7.0',
      ' 7',
      '-7',
      '65535',
      '65536',
      '4294967295',
      '4294967296',
      '99999999999',
      'é',
      '1e3',
    ];
    for (const [at, key] of keys.entries()) {
      const set = createKeySet();
      for (const other of keys) if (other !== key) set.add(other);
      expect(set.has(key)).toBe(false);
      expect(set.size).toBe(keys.length - 1);
      set.add(key);
      set.add(key);
      expect(set.has(keys[at] ?? '')).toBe(true);
      expect(set.size).toBe(keys.length);
    }
  });

  it('holds a million integers in little memory', () => {
    const set = createKeySet();
    const before = process.memoryUsage().arrayBuffers;
    for (let id = 1; id <= 1_000_000; id += 1) set.add(String(id));
    expect(set.size).toBe(1_000_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
    expect(set.has('1000001')).toBe(false);
  });
});
