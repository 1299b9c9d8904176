import { describe, expect, it } from '@jest/globals';
import { createOutlook, type Found } from '../src/outlook.ts';

const all = (what: 'absent' | 'changed' | 'same'): Found => ({
  keys: 100,
  absent: what === 'absent' ? 100 : 0,
  changed: what === 'changed' ? 100 : 0,
});

const after = (...found: readonly Found[]) => {
  const outlook = createOutlook();
  for (const each of found) outlook.found(each);
  return outlook;
};

describe('a batch', () => {
  it('is asked about when nothing is known', () => {
    expect(createOutlook().next()).toBe('ask');
  });

  it('is taken for new after three that were', () => {
    const two = after(all('absent'), all('absent'));
    expect(two.next()).toBe('ask');
    two.found(all('absent'));
    expect(two.next()).toBe('create');
    two.found({ keys: 100, absent: 99, changed: 0 });
    expect(two.next()).toBe('ask');
  });

  it('is asked about for 64 batches after one was wrongly taken for new', () => {
    const outlook = after(all('absent'), all('absent'), all('absent'));
    outlook.wrong();
    for (let batch = 0; batch < 64; batch += 1) {
      expect(outlook.next()).toBe('ask');
      outlook.found(all('absent'));
    }
    expect(outlook.next()).toBe('create');
  });

  it('is locked after one of which three quarters had changed', () => {
    expect(after({ keys: 100, absent: 25, changed: 75 }).next()).toBe('lock');
    expect(after({ keys: 100, absent: 26, changed: 74 }).next()).toBe('ask');
    expect(after(all('changed'), all('same')).next()).toBe('ask');
  });
});
