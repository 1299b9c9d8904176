import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { startProxy, until } from '@inator/testkit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { run } from '../src/program.ts';
import { inator, lastJson, type Ran } from './support/command.ts';
import { idsOf, type LetterWorld, numbers, openLetterWorld, type Sent, sent } from './support/letters.ts';

let world: LetterWorld;
let queue = '';
let letters = '';
let directory = '';
beforeEach(async () => {
  world = await openLetterWorld();
  queue = world.spec('tableinator').queue;
  letters = world.spec('tableinator').deadLetterQueue;
  directory = await mkdtemp(join(tmpdir(), 'inator-dlq-'));
});
afterEach(async () => {
  await world.close();
  await rm(directory, { recursive: true, force: true });
});

const dlq = (...args: string[]): Promise<Ran> => inator(['dlq', ...args], { env: world.env });

describe('deleting letters', () => {
  const typed = (answer: string, ...args: string[]): Promise<Ran> =>
    inator(['dlq', 'drop', ...args], { env: world.env, stdin: answer });
  const isBad = (id: number): boolean => id % 3 === 0;
  const mixed = (): Sent[] => sent(300, (id) => (isBad(id) ? { code: 'json-invalid' } : {}));

  it('takes the right number, typed or given; with any other nothing is dropped', async () => {
    await world.write('tableinator', mixed());
    await world.write('graphinator', mixed());
    const bad = ['--code', 'json-invalid'];
    expect(lastJson(await dlq('drop', ...bad, '--dry-run', '--json'))).toMatchObject({ dryRun: true, letters: 200 });
    for (const ran of [
      await typed('', ...bad),
      await typed('yes\n', ...bad),
      await typed('199\n', ...bad),
      await dlq('drop', ...bad, '--yes', '100'),
      await dlq('drop', '--key', 'nobody', '--yes', '1'),
    ]) {
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain('nothing was dropped');
    }
    expect(await world.depth(letters)).toBe(300);
    const ran = await typed('100\n', ...bad, '--service', 'tableinator');
    expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining('Type 100 to drop 100 letters for good') });
    expect(await world.depth(world.spec('graphinator').deadLetterQueue)).toBe(300);
    const given = await dlq('drop', ...bad, '--yes', '100', '--json');
    expect(given).toMatchObject({ code: 0, stderr: expect.stringContaining('100 letters dropped') });
    expect(lastJson(given)).toMatchObject({ ended: 'complete', dropped: 100 });
    for (const service of ['tableinator', 'graphinator'] as const) {
      const left = await world.take(world.spec(service).deadLetterQueue);
      expect(idsOf(left)).toEqual(numbers(300).filter((id) => !isBad(id)));
    }
    expect(await world.depth(queue)).toBe(0);
  });

  it('cut off at the question, it says that nothing was dropped, and nothing was', async () => {
    await world.write('tableinator', sent(3));
    const proxy = await startProxy({ target: world.server });
    const stdin = new PassThrough();
    let [said, out] = ['', ''];
    const code = run(['dlq', 'drop', '--json'], {
      stdin,
      stdout: { write: (text) => (out += text) },
      stderr: { write: (text) => (said += text) },
      env: world.through(proxy.port),
      cwd: directory,
      onInterrupt: () => () => undefined,
    });
    await until(() => said.includes('Type 3 to drop'), 'the question');
    proxy.cut();
    await until(() => proxy.connections === 0, 'the cut');
    await until(async () => (await world.depth(letters)) === 3, 'the letters back');
    stdin.end('3\n');
    expect(await code).toBe(1);
    await proxy.close();
    expect(said).toContain('nothing was dropped, of 3');
    expect(JSON.parse(out)).toMatchObject({ ended: 'failed', dropped: 0, uncertain: 0 });
    expect(idsOf(await world.take(letters))).toEqual(numbers(3));
  });

  it('interrupted at the question drops nothing', async () => {
    await world.write('tableinator', sent(5));
    let interrupt: () => void = () => undefined;
    let said = '';
    const code = run(['dlq', 'drop'], {
      stdin: new PassThrough(),
      stdout: { write: () => true },
      stderr: { write: (text) => (said += text) },
      env: world.env,
      cwd: directory,
      onInterrupt(listener) {
        interrupt = listener;
        return () => undefined;
      },
    });
    await until(() => said.includes('Type 5 to drop'), 'the question');
    interrupt();
    expect(await code).toBe(130);
    expect(said).toContain('nothing was dropped');
    expect(idsOf(await world.take(letters))).toEqual(numbers(5));
  });
});
