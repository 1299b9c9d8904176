import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProxy, until } from '@inator/testkit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { inator, lastJson, type Ran, spawnInator } from './support/command.ts';
import { bodyOf, idsOf, type LetterWorld, numbers, openLetterWorld, sent } from './support/letters.ts';

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
const sorted = (ids: Iterable<number>): number[] => [...new Set(ids)].sort((a, b) => a - b);

describe('looking at letters', () => {
  it('lists the queues of both services, those that do not exist as well', async () => {
    await world.write('tableinator', sent(3));
    const ran = await dlq('list');
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stdout).toMatch(new RegExp(`tableinator +artists +${letters} +3\n`));
    expect(ran.stdout).toMatch(/graphinator +artists +\S+ +0\n/);
    expect(ran.stdout).toMatch(/tableinator +labels +\S+ +-\n/);
    const listed = lastJson(await dlq('list', '--json', '--service', 'tableinator', '--type', 'artists'));
    expect(listed).toEqual({
      letters: 3,
      queues: [{ service: 'tableinator', type: 'artists', queue: letters, letters: 3, consumers: 0 }],
    });
  });

  it('counts, shows and exports what matches, and leaves every letter where it is', async () => {
    const hostile = Buffer.from('{"id":"\u001b[2J"}');
    const odd = Buffer.from([0xff, 0x00, 0x1b]);
    await world.write('tableinator', [
      { body: hostile, code: 'json-invalid', stage: 'decode', key: '\u001b]0;title\u0007', reason: 'line\nbreak' },
      { body: odd, code: 'utf8-invalid', stage: 'decode', headers: { 'x-seq': 7, bytes: Buffer.from([1, 2]) } },
      ...sent(5),
    ]);
    await world.write('graphinator', sent(2));

    const stats = lastJson(await dlq('stats', '--json'));
    expect(stats).toMatchObject({ ended: 'complete', letters: 9, seen: 9 });
    expect(stats.groups).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ service: 'tableinator', code: 'value-refused', stage: 'copy', letters: 5 }),
        expect.objectContaining({ service: 'graphinator', code: 'value-refused', letters: 2 }),
        expect.objectContaining({ code: 'json-invalid', stage: 'decode', model: 'artists', letters: 1, replayed: 0 }),
      ]),
    );
    expect((await dlq('stats')).stdout).toMatch(/value-refused +copy +artists +5 +0 +20\d\d-/);

    const peeked = await dlq('peek', '--code', 'json-invalid', '--code', 'utf8-invalid', '--full');
    expect(peeked.code).toBe(0);
    expect(peeked.stdout.replaceAll('\n', '')).toMatch(/^[\x20-\x7e]*$/);
    expect(peeked.stdout).toContain('body      13 bytes  {"id":"\\u{1b}[2J"}');
    expect(peeked.stdout).toContain('reason    line\\nbreak');
    expect(peeked.stdout).toContain('(not UTF-8) ff001b');
    expect(peeked.stdout).toContain('x-seq: 7');
    expect(peeked.stderr).toContain('2 letters shown, 9 in the queues');
    const two = lastJson(await dlq('peek', '--limit', '2', '--json')) as { letters: { bodyBase64?: string }[] };
    expect(two.letters).toHaveLength(2);

    const path = join(directory, 'letters.jsonl');
    expect(await dlq('export', path, '--service', 'tableinator')).toMatchObject({ code: 0 });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    const exported = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(exported).toHaveLength(7);
    expect(exported[0]).toMatchObject({ queue: letters, code: 'json-invalid', body: hostile.toString() });
    expect(exported[1]).toMatchObject({
      bodyBase64: odd.toString('base64'),
      headers: { 'x-seq': 7, bytes: { base64: 'AQI=' }, 'x-inator-code': 'utf8-invalid', 'x-inator-queue': queue },
      properties: { deliveryMode: 2 },
    });
    const again = await dlq('export', path);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('exists already') });
    expect((await dlq('export', '-', '--key', '3')).stdout.trimEnd().split('\n')).toHaveLength(1);

    const left = await world.take(letters);
    expect(left.slice(0, 2).map((one) => one.body)).toEqual([hostile, odd]);
    expect(idsOf(left.slice(2))).toEqual(numbers(5));
  });

  it('a letter with a time beyond all times, or a reason that is none, stops no command', async () => {
    const death = (time: number, reason: unknown) => [{ reason, queue: 'q', time: { '!': 'timestamp', value: time } }];
    // Microseconds, where the broker counts seconds.
    await world.put(letters, bodyOf(1), { 'x-death': death(1_763_850_000_000_000, 'rejected') });
    await world.put(letters, bodyOf(2), { 'x-death': death(1_763_850_000, { toString: 1 }) });
    const ran = [await dlq('list')];
    for (const args of [
      ['stats'],
      ['peek', '--full'],
      ['export', '-'],
      ['replay', '--dry-run'],
      ['drop', '--yes', '2'],
    ]) {
      ran.push(await dlq(...args));
    }
    expect(ran.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      ran.map(() => ({ code: 0, stderr: expect.not.stringMatching(/error|RangeError|TypeError/) })),
    );
    expect(ran[3]?.stdout).toContain('"code":"broker-rejected"');
    expect(ran[3]?.stdout).toContain('"failedAt":null');
    expect(ran[3]?.stdout).toContain('"failedAt":"2025-11-22T22:20:00.000Z"');
    expect(ran[3]?.stdout).toContain('"code":"broker-unknown"');
    expect(await world.depth(letters)).toBe(0);
  });

  it('says that there is no such queue, and that somebody else is reading', async () => {
    const ran = await inator(['dlq', 'stats'], { env: { ...world.env, RABBITMQ_EXCHANGE_PREFIX: 'nobody' } });
    expect(ran).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no dead-letter queue like tableinator-nobody'),
    });
    await world.write('tableinator', sent(400));
    const { process: child, ended } = spawnInator(['dlq', 'replay', '--rate', '1'], world.env);
    await until(async () => (await world.depth(queue)) > 0, 'the first letter back');
    const other = await dlq('peek');
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('is being read by somebody else') });
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
  });
});

describe('sending letters back', () => {
  it('of 5,000 letters those in the middle with one code go, to their queue alone; the others stay in order', async () => {
    const isMeant = (id: number): boolean => id >= 2_000 && id < 3_000 && id % 2 === 0;
    await world.write(
      'tableinator',
      sent(5_000, (id) => ({ code: isMeant(id) ? 'json-invalid' : 'value-refused', headers: { 'x-seq': id } })),
    );
    const dry = lastJson(await dlq('replay', '--code', 'json-invalid', '--dry-run', '--json'));
    expect(dry).toMatchObject({ dryRun: true, letters: 500, groups: [{ code: 'json-invalid', letters: 500 }] });
    expect(await world.depth(queue)).toBe(0);

    const ran = await dlq('replay', '--code', 'json-invalid', '--json');
    expect(ran.code).toBe(0);
    expect(lastJson(ran)).toMatchObject({ ended: 'complete', replayed: 500, skipped: 0 });
    const back = await world.take(queue);
    expect(idsOf(back)).toEqual(numbers(5_000).filter(isMeant));
    expect(back[0]?.body.toString()).toBe(bodyOf(2_000));
    expect(back[0]?.headers).toMatchObject({ 'x-seq': 2_000, 'x-inator-replays': 1 });
    expect(back[0]?.headers).not.toHaveProperty('x-inator-code');
    expect(await world.depth(world.spec('graphinator').queue)).toBe(0);
    expect(idsOf(await world.take(letters))).toEqual(numbers(5_000).filter((id) => !isMeant(id)));
    expect(lastJson(await dlq('replay', '--json'))).toMatchObject({ ended: 'complete', replayed: 0 });
  });

  it('ends at the limit, and leaves those that were sent back too often', async () => {
    await world.write(
      'tableinator',
      sent(6, (id) => ({ headers: id < 2 ? { 'x-inator-replays': 5 } : {} })),
    );
    const ran = await dlq('replay', '--limit', '2', '--json');
    expect(lastJson(ran)).toMatchObject({ ended: 'limit', replayed: 2, skipped: 2 });
    expect(ran.stderr).toContain('--max-replays');
    expect(idsOf(await world.take(queue))).toEqual([2, 3]);
    expect(lastJson(await dlq('replay', '--key', '1', '--max-replays', '6', '--json'))).toMatchObject({ replayed: 1 });
    expect((await world.take(queue))[0]?.headers).toMatchObject({ 'x-inator-replays': 6 });
    expect(idsOf(await world.take(letters))).toEqual([0, 4, 5]);
  });

  it('Ctrl-C ends it in order: every letter is in exactly one queue, and the same command goes on', async () => {
    await world.write('tableinator', sent(600));
    let interrupt: () => void = () => undefined;
    const running = inator(['dlq', 'replay', '--rate', '400', '--json'], {
      env: world.env,
      interrupts(listener) {
        interrupt = listener;
      },
    });
    await until(async () => (await world.depth(queue)) >= 100, 'a hundred letters back');
    interrupt();
    const ran = await running;
    expect(ran.code).toBe(130);
    const { replayed } = lastJson(ran) as { replayed: number };
    expect(await world.depth(queue)).toBe(replayed);
    expect(await world.depth(letters)).toBe(600 - replayed);
    expect((await dlq('replay')).code).toBe(0);
    expect(idsOf(await world.take(queue))).toEqual(numbers(600));
  });

  it('killed in the middle, again and again, it loses no letter', async () => {
    await world.write('tableinator', sent(1_500));
    for (const after of [200, 600]) {
      const { process: child, ended } = spawnInator(['dlq', 'replay', '--rate', '1500'], world.env);
      await until(async () => (await world.depth(queue)) >= after, `${after} letters back`);
      child.kill('SIGKILL');
      expect((await ended).code).toBe(-1);
      // The broker takes back what was held as soon as it sees the connection closed.
      await until(
        async () => (await world.depth(queue)) + (await world.depth(letters)) >= 1_500,
        'every letter in one queue at least',
      );
      expect(await world.depth(letters)).toBeGreaterThan(0);
    }
    expect((await spawnInator(['dlq', 'replay'], world.env).ended).code).toBe(0);
    expect(await world.depth(letters)).toBe(0);
    const ids = idsOf(await world.take(queue));
    expect(sorted(ids)).toEqual(numbers(1_500));
    // Twice are only those that were confirmed and not removed yet.
    expect(ids.length - 1_500).toBeLessThan(1_000);
  });

  it('loses no letter when the broker goes away, and says what to do', async () => {
    await world.write('tableinator', sent(500));
    const proxy = await startProxy({ target: world.server });
    const running = inator(['dlq', 'replay', '--rate', '300', '--json'], { env: world.through(proxy.port) });
    await until(async () => (await world.depth(queue)) >= 50, 'fifty letters back');
    proxy.cut();
    const ran = await running;
    await proxy.close();
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('next: is the broker');
    expect(lastJson(ran)).toMatchObject({ ended: 'failed' });
    await until(async () => (await world.depth(queue)) + (await world.depth(letters)) >= 500, 'all letters');
    expect((await dlq('replay')).code).toBe(0);
    expect(sorted(idsOf(await world.take(queue)))).toEqual(numbers(500));
  });

  it('a letter that could not be taken out any more is not counted, though it was the last of --limit', async () => {
    await world.write('tableinator', sent(5));
    const inner = await startProxy({ target: world.server });
    // The first connection reads letters, and can be cut alone; the second one sends them back.
    let connections = 0;
    const outer = await startProxy({
      target() {
        connections += 1;
        return connections === 1 ? { host: '127.0.0.1', port: inner.port } : world.server;
      },
    });
    const running = inator(['dlq', 'replay', '--limit', '2', '--rate', '0.5', '--json'], {
      env: world.through(outer.port),
    });
    await until(async () => (await world.depth(queue)) >= 1, 'the first letter back');
    inner.cut();
    const ran = await running;
    await Promise.all([outer.close(), inner.close()]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('1 letter replayed');
    expect(lastJson(ran)).toMatchObject({ ended: 'failed', replayed: 1 });
    await until(async () => (await world.depth(letters)) >= 4, 'the letters back');
  });

  it('to a queue that was deleted fails, and the letters stay in order', async () => {
    await world.write('tableinator', sent(300));
    await world.remove(queue);
    const ran = await dlq('replay');
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(`there is no queue ${queue}`);
    expect(idsOf(await world.take(letters))).toEqual(numbers(300));
  });
});
