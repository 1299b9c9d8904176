/** What a publish may write to, and what it never does. Everything here ends before the broker is asked. */
import { execFile } from 'node:child_process';
import { link, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { inator, lastJson, type Ran } from './support/command.ts';

let directory = '';
let input = '';
const content = '{"id":"1"}\n{"id":\n{"id":"2"}\n';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'inator-cli-'));
  input = await file('artists.jsonl', content);
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

// Nothing listens there: whoever gets as far as the broker ends with 1.
const env = { RABBITMQ_URL: 'amqp://127.0.0.1:1' };
const publish = (...args: string[]): Promise<Ran> => inator(['publish', ...args], { env });

describe('rejects', () => {
  it.each([['--dry-run'], ['--no-complete']])('never replace an input, by whatever name (%s)', async (flag) => {
    const other = await file('artists-2.jsonl', content);
    await symlink(input, join(directory, 'by-symlink'));
    await link(input, join(directory, 'by-link'));
    for (const rejects of [input, other, `${directory}/./artists.jsonl`, 'by-symlink', 'by-link']) {
      const path = rejects.includes('/') ? rejects : join(directory, rejects);
      const ran = await publish(flag, '--rejects', path, input, other);
      expect({ path, ...ran }).toMatchObject({ code: 2, stderr: expect.stringContaining('it is the input') });
      expect(ran.stderr).toContain('next: name another file for them: --rejects PATH');
    }
    expect(await readFile(input, 'utf8')).toBe(content);
    expect(await readFile(other, 'utf8')).toBe(content);
    expect((await readdir(directory)).sort()).toEqual(['artists-2.jsonl', 'artists.jsonl', 'by-link', 'by-symlink']);
  });

  it('never replace the file that standard input comes from', async () => {
    const bin = fileURLToPath(new URL('../bin/inator.js', import.meta.url));
    // An earlier run's rejects, published again: the one input that looks like a file which may be replaced.
    const line = '{"file":"a","byte":1,"code":"x","reason":"y"}\n';
    await file('stdin.rejects.jsonl', line);
    const command = '"$0" "$1" publish --type artists - < stdin.rejects.jsonl';
    const code = await new Promise<unknown>((resolve) => {
      const options = { cwd: directory, env: { PATH: process.env.PATH, ...env } };
      execFile('sh', ['-c', command, process.execPath, bin], options, (error) => resolve(error?.code));
    });
    expect(code).toBe(2);
    expect(await readFile(join(directory, 'stdin.rejects.jsonl'), 'utf8')).toBe(line);
  });

  it('never replace the position of an input, nor a file that holds no rejects', async () => {
    const state = await publish('--rejects', `${input}.inator-state.json`, input);
    expect(state).toMatchObject({ code: 2, stderr: expect.stringContaining(`it is the state of ${input}`) });
    for (const [path, args] of [
      [await file('notes.txt', 'precious\n'), ['--rejects', join(directory, 'notes.txt')]],
      [await file('artists.jsonl.rejects.jsonl', 'precious\n'), []],
    ] as const) {
      const ran = await publish(...args, input);
      expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining(`${path}: it is no reject file`) });
      expect(await readFile(path, 'utf8')).toBe('precious\n');
    }
  });
});

describe('a dry run', () => {
  it('writes no file, and shows what it would refuse', async () => {
    const precious = await file('artists.jsonl.rejects.jsonl', 'precious\n');
    const ran = await publish('--dry-run', '--json', '--rejects', precious, input);
    expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining('"code":"json-invalid"') });
    expect(ran.stderr).toContain('1 record refused, with reasons above');
    expect(lastJson(ran)).toMatchObject({ published: 2, refused: 1, files: [{ rejects: null }] });
    await file('artists.jsonl', 'bad\n'.repeat(50));
    const many = await publish('--dry-run', input);
    expect(many.stderr.match(/json-invalid/g)).toHaveLength(20);
    expect(many.stderr).toContain('50 records refused, the first 20 above');
    expect(await readFile(precious, 'utf8')).toBe('precious\n');
    expect((await readdir(directory)).sort()).toEqual(['artists.jsonl', 'artists.jsonl.rejects.jsonl']);
  });
});

it('what an earlier run wrote beside an input is no input, where the input is one', async () => {
  const rejects = await file('artists.jsonl.rejects.jsonl', '{"file":"artists.jsonl"}\n');
  const state = await file('artists.jsonl.inator-state.json', '{}');
  const ran = await publish('--dry-run', '--json', input, rejects, state);
  expect(lastJson(ran)).toMatchObject({ read: 3, files: [{ file: 'artists.jsonl' }] });
  for (const path of [rejects, state]) expect(ran.stderr).toContain(`${path}: left out`);
  const alone = await publish('--dry-run', '--json', rejects);
  expect(lastJson(alone)).toMatchObject({ read: 1 });
});

it('a place that cannot be written is told before anything is published', async () => {
  // A name so long that nothing longer may stand beside it: also for root, whom no mode keeps out.
  const long = await file(`artists-${'x'.repeat(230)}.jsonl`, content);
  const ran = await publish(long);
  expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing was published') });
  expect(ran.stderr).toContain('next: name a directory for it: --state DIR, and a file for rejects: --rejects PATH');
  // With a limit no position is kept.
  const half = await publish('--limit', '1', long);
  expect(half).toMatchObject({ code: 2, stderr: expect.stringContaining('next: name another file for them') });
  const whole = await publish('--limit', '1', '--rejects', join(directory, 'r.jsonl'), long);
  expect(whole).toMatchObject({ code: 1, stderr: expect.stringContaining('127.0.0.1:1') });
  const under = await publish('--state', join(input, 'below'), input);
  expect(under).toMatchObject({ code: 2, stderr: expect.stringContaining('--state DIR') });
});
