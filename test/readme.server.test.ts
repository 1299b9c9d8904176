/** Every shell block of the README is run, as it stands. A block says after ` ```sh ` how: `run=start`, `run=stack`, … */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openReader, type Reader, shellBlocks, startMs } from './support/reader.ts';

const blocks = shellBlocks('README.md');
const of = (how: string) => blocks.filter(({ marks }) => marks.run === how);

let reader: Reader;

beforeAll(async () => {
  reader = await openReader();
});
afterAll(() => reader.close(), 60_000);

describe('the shell blocks of the README', () => {
  it('all say how they are run', () => {
    const known = ['start', 'self', 'compose', 'stack', 'here', 'bench'];
    expect(blocks.filter(({ marks }) => !known.includes(marks.run ?? ''))).toEqual([]);
    expect(of('self').map(({ text }) => text)).toEqual(['npm test\n']);
    // What needs a container engine is run by test/compose, where there is one.
    expect(of('compose').map(({ text }) => text)).toEqual(['docker compose up --build --wait\n']);
  });

  it(
    'start everything, and go on until Ctrl-C',
    async () => {
      await reader.start(of('start')[0]?.text ?? '');
      expect(await reader.world.rows('releases')).toBe(2_000);
    },
    startMs + 60_000,
  );

  it('show and break things beside it', () => {
    const output = of('stack')
      .map(({ text }) => reader.shell(text))
      .join('\n');
    expect(output).toContain('The Persuader');
    expect(output).toContain('json-invalid');
  });

  it('work by themselves', () => {
    for (const { text } of of('here')) reader.shell(text);
  });

  it('run a benchmark', () => {
    for (const { text } of of('bench')) {
      const small = { INATOR_BENCH_RECORDS: '3000', INATOR_BENCH_ROUNDS: '1' };
      const last = reader.shell(text, small).trim().split('\n').at(-1) ?? '';
      expect(JSON.parse(last)).toMatchObject({ name: 'tableinator', ratio: expect.any(Number) });
    }
  });
});
