/** A store that lacks memory: what is too much for it gets smaller, and only a record that alone is too much is condemned. */
import { fault, SinkError } from '@inator/runtime';
import { expect, it } from '@jest/globals';
import { until } from '../../testkit/src/until.ts';
import { type Bench, bench, empty } from './bench.ts';

/** While `ill`, whatever is with one of these keys takes more memory than there is. */
function short({ sink }: Bench, of: (key: string) => boolean): { ill: boolean; tries: number } {
  const store = { ill: true, tries: 0 };
  sink.before = (batch) => {
    if (!store.ill || !batch.records.some(({ key }) => of(key))) return;
    store.tries += 1;
    throw new SinkError('unavailable', fault('store-busy', 'merge', 'out of memory', { native: '53200' }), {
      halve: true,
    });
  };
  return store;
}

for (const writers of [1, 2]) {
  it(`one record of 500 that alone is too much costs itself, with ${writers} writers`, async () => {
    const b = bench({ writers });
    short(b, (key) => key === 'k104');
    for (let i = 0; i < 500; i += 1) b.source.publish(`k${i}:v`);
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size).toBe(499);
    expect(b.source.letters.map(({ letter }) => [letter.key, letter.fault.code, letter.fault.native])).toEqual([
      ['k104', 'limit-refused', '53200'],
    ]);
  });
}

it('a store that has memory for nothing condemns nobody, however often it is tried', async () => {
  const b = bench({ writers: 2 });
  const store = short(b, () => true);
  for (let i = 0; i < 30; i += 1) b.source.publish(`k${i}:v`);
  await until(() => store.tries > 80, 'many tries');
  expect(b.source.letters).toHaveLength(0);
  store.ill = false;
  await until(() => empty(b), 'queue empty');
  expect([b.sink.rows.size, b.source.letters.length]).toEqual([30, 0]);
});
