/** Where the rejects of a publish go, with a broker. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { inator, lastJson, type Ran, spawnInator } from './support/command.ts';
import { type Catcher, openCatcher } from './support/queue.ts';

let directory = '';
let catcher: Catcher;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'inator-cli-'));
  catcher = await openCatcher();
});
afterEach(async () => {
  await catcher.close();
  await chmod(directory, 0o755);
  await rm(directory, { recursive: true, force: true });
});

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

const publish = (...args: string[]): Promise<Ran> => inator(['publish', ...args], { env: catcher.env });
const good = (count: number): string => Array.from({ length: count }, (_, id) => `{"id":"${id}"}\n`).join('');

it('standard input in a directory that cannot be written: its rejects are shown, everything else is published', async () => {
  // Nobody makes a file in /proc; elsewhere modes keep out all but root.
  const cwd = process.platform === 'linux' ? '/proc' : directory;
  if (cwd === directory) await chmod(directory, 0o555);
  const stdin = `${good(3)}bad\n${good(3)}`;
  const given = { cwd, stdin };
  const ran = await spawnInator(['publish', '--type', 'artists', '--json', '-'], catcher.env, given).ended;
  expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining('"code":"json-invalid"') });
  expect(ran.stderr).toContain('1 record refused, with reasons above');
  expect(lastJson(ran)).toMatchObject({
    read: 7,
    published: 6,
    refused: 1,
    files: [{ file: 'standard input', rejects: 'standard error' }],
  });
  expect(await catcher.depth('artists')).toBe(6);
});

it('a reject file that fails ends the run, and its summary still says what was published', async () => {
  if (process.platform !== 'linux') return;
  const path = await file('artists.jsonl', `${good(5)}bad\n`);
  const ran = await publish('--json', '--rejects', '/dev/full', path);
  expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('ENOSPC') });
  expect(lastJson(ran)).toMatchObject({ ended: 'failed', read: 6, published: 5, files: [{ ended: 'failed' }] });
  // No position could be kept: it would speak for rejects that are nowhere.
  expect(ran.stderr).toContain(
    '5 records of artists.jsonl are published; the same command again starts at the beginning',
  );
});

it('a shared reject file is named beside the inputs that have rejects in it, and a second run is as the first', async () => {
  const bad = await file('artists-1.jsonl', `${good(2)}bad\n`);
  const clean = await file('artists-2.jsonl', good(2));
  const rejects = join(directory, 'all.rejects.jsonl');
  for (let run = 1; run <= 2; run += 1) {
    const ran = await publish('--json', '--rejects', rejects, bad, clean);
    expect(ran.code).toBe(0);
    expect(ran.stderr).not.toContain(' 0 records');
    expect(lastJson(ran)).toMatchObject({
      files: [
        { refused: 1, rejects },
        { refused: 0, rejects: null },
      ],
    });
    expect((await readFile(rejects, 'utf8')).trimEnd().split('\n')).toHaveLength(1);
  }
});

it('the same files again, with the reject file among them, end as well as the first time', async () => {
  const path = await file('artists.jsonl', `${good(2)}bad\n`);
  expect((await publish(path)).code).toBe(0);
  const again = await publish('--json', path, `${path}.rejects.jsonl`);
  expect(again.code).toBe(0);
  expect(lastJson(again)).toMatchObject({ published: 2, refused: 1 });
  expect((await readFile(`${path}.rejects.jsonl`, 'utf8')).trimEnd().split('\n')).toHaveLength(1);
});
