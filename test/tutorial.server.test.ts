/** The tutorial from its first block to its last, as a reader types it: two terminals, in order, each block as it stands. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { documents } from './support/documents.ts';
import { openReader, type Reader, shellBlocks, startMs, type Terminal } from './support/reader.ts';

const blocks = shellBlocks('docs/guides/tutorial.md');
const steps = blocks.slice(2);
/** The README's have a test of their own. */
const guides = documents.filter((one) => !['README.md', 'docs/guides/tutorial.md'].includes(one));

let reader: Reader;
let terminal: Terminal;

beforeAll(async () => {
  reader = await openReader();
});
afterAll(() => reader.close(), 60_000);

const row = (name: string) => new RegExp(`\\| ${name}$`, 'm');

async function version(key: string): Promise<unknown> {
  const { schema, tables } = reader.world;
  return tables.query(
    `select data_id, hash, updated_at from "${schema}".artists where data_id like '${key}' order by 1`,
  );
}

describe('the tutorial', () => {
  it('has one block that starts, one that finds the servers, and six steps', () => {
    expect(blocks.map(({ marks }) => marks.run)).toEqual(['start', ...Array(7).fill('stack')]);
  });

  it(
    '1: starts everything and says that it runs',
    async () => {
      const output = await reader.start(blocks[0]?.text ?? '');
      expect(output).toContain('releases');
      terminal = reader.terminal();
      await terminal.run(blocks[1]?.text ?? '');
      expect(await terminal.run('echo "$POSTGRES_URL"')).toContain('postgres');
    },
    startMs + 60_000,
  );

  it('2: shows the rows, and the same file again changes none of them, updated_at included', async () => {
    const publish = steps[0]?.text ?? '';
    const output = await terminal.run(publish);
    expect(output).toMatch(row('The Persuader'));
    expect(output).toContain('consuming');
    const before = await version('example-%');
    await terminal.run(publish.replace('publish', 'publish --no-resume'));
    expect(await version('example-%')).toEqual(before);
  });

  it('3: a rule that the producer does not know costs the one record', async () => {
    const output = await terminal.run(steps[1]?.text ?? '');
    expect(output).toMatch(row('A Person'));
    expect(output).not.toMatch(row('Robot Orchestra'));
    expect(output).toContain('(1 row)');
  });

  it('4: the letter names the constraint and holds the body', async () => {
    const output = await terminal.run(steps[2]?.text ?? '');
    expect(output).toContain('constraint-refused');
    expect(output).toContain('no_robots');
    expect(output).toContain('Robot Orchestra');
  });

  it('5: the cause mended, the letter is replayed and is a row', async () => {
    const output = await terminal.run(steps[3]?.text ?? '');
    expect(output).toMatch(row('Robot Orchestra'));
    expect(output).toMatch(row('A Person'));
    expect(await letters()).toBe(0);
  });

  it('6: a store that is away costs time and no letter', async () => {
    const output = await terminal.run(steps[4]?.text ?? '');
    expect(output).toMatch(row('Somebody Patient'));
    expect(await letters()).toBe(0);
  });

  it('has neighbours whose blocks run beside it: every other guide that says run=stack', async () => {
    for (const { text } of guides.flatMap(shellBlocks).filter(({ marks }) => marks.run === 'stack'))
      await terminal.run(text);
  });

  it('7: cleans up after itself, and Ctrl-C ends it in order', async () => {
    await terminal.run(steps[5]?.text ?? '');
    expect(await version('tutorial-%')).toEqual([]);
    expect(await reader.interrupt()).toContain('stopping the services');
  });
});

/** Letters of tableinator's artists. */
function letters(): Promise<number> {
  const { broker, queue } = reader.world;
  return broker.ready(`${queue('tableinator', 'artists')}.dlq`);
}
