import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { until } from '@inator/testkit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
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
  await rm(directory, { recursive: true, force: true });
});

const body = (id: number): string => `{"type":"data","id":"${id}","name":"Artist ${id}"}`;
const bodies = (count: number, from = 1): string[] => Array.from({ length: count }, (_, index) => body(from + index));
const lines = (many: readonly string[]): string => many.map((line) => `${line}\n`).join('');
const idsOf = (caught: readonly { readonly body: string }[]): number[] =>
  caught.map((one) => Number((JSON.parse(one.body) as { id: string }).id));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

const publish = (...args: string[]): Promise<Ran> => inator(['publish', ...args], { env: catcher.env });

/** Resolves when the queue holds at least `count`. */
async function depthReaches(count: number): Promise<void> {
  await until(async () => (await catcher.depth('artists')) >= count, `${count} messages in the queue`);
}

describe('inator publish', () => {
  it('publishes JSONL byte for byte, in order, persistent, and says how many', async () => {
    const given = [...bodies(2_999), ' {"b": 1.50, "id":"x", "id":"3000"}'];
    const ran = await publish(await file('artists.jsonl', lines(given)), '--json');
    expect(ran).toMatchObject({ code: 0 });
    expect(lastJson(ran)).toMatchObject({ ended: 'complete', read: 3_000, published: 3_000, refused: 0 });
    const caught = await catcher.take('artists');
    expect(caught.map((one) => one.body)).toEqual(given);
    expect(caught.every((one) => one.persistent && one.contentType === 'application/json')).toBe(true);
    expect(await readdir(directory)).toEqual(['artists.jsonl']);
  });

  it('a bad line costs that line: it stands in the reject file with its reason and place', async () => {
    const given = [body(1), '{"id":', body(2), '{"name":"no key"}', body(3)];
    const path = await file('artists.jsonl', lines(given));
    const ran = await publish(path);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/read\s+published\s+refused/);
    expect(ran.stdout).toMatch(/artists\.jsonl\s+\S+\s+5\s+3\s+2/);
    expect(idsOf(await catcher.take('artists'))).toEqual([1, 2, 3]);
    const rejects = (await readFile(`${path}.rejects.jsonl`, 'utf8')).trimEnd().split('\n');
    const start = body(1).length + 1;
    expect(rejects.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ line: 2, byte: start, code: 'json-invalid', text: '{"id":' }),
      expect.objectContaining({ line: 4, byte: start * 2 + 7, code: 'key-missing', text: '{"name":"no key"}' }),
    ]);
    expect((await publish('--strict', path)).code).toBe(1);
  });

  it('reads gzip of several members, and standard input, gzipped or not', async () => {
    const [one, two] = [lines(bodies(700)), lines(bodies(800, 701))];
    const members = Buffer.concat([gzipSync(one), gzipSync(two)]);
    const named = await publish(await file('artists.jsonl.gz', members));
    const unnamed = await publish('--type', 'artists', await file('dump', members));
    const piped = await inator(['publish', '--type', 'artists', '-'], { env: catcher.env, stdin: members });
    const plain = await inator(['publish', '--type', 'artists'], { env: catcher.env, stdin: one + two });
    expect([named.code, unnamed.code, piped.code, plain.code]).toEqual([0, 0, 0, 0]);
    const expected = bodies(1_500).map((_, index) => index + 1);
    expect(idsOf(await catcher.take('artists'))).toEqual([...expected, ...expected, ...expected, ...expected]);
  });

  it('gzip cut short fails, and what came before the cut is published', async () => {
    const members = gzipSync(lines(bodies(5_000)));
    const ran = await publish(await file('artists.jsonl.gz', members.subarray(0, members.length - 20)));
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('the gzip data is damaged or cut short');
    expect((await catcher.take('artists')).length).toBeGreaterThan(1_000);
  });

  it('a dry run reads and checks everything and publishes nothing', async () => {
    const path = await file('artists.jsonl', lines([...bodies(50), 'bad']));
    const ran = await publish('--dry-run', '--strict', '--json', path);
    expect(ran.code).toBe(1);
    expect(lastJson(ran)).toMatchObject({ dryRun: true, read: 51, published: 50, refused: 1 });
    expect(await catcher.depth('artists')).toBe(0);
    expect(existsSync(`${path}.inator-state.json`)).toBe(false);
  });

  it('publishes CSV with the key column as id, and XML dumps with the end of the file', async () => {
    const csv = await file('labels.csv', 'label_id,name\n5,"A, B"\n6,C\n');
    expect((await publish('--key', 'label_id', csv)).code).toBe(0);
    expect((await catcher.take('labels')).map((one) => JSON.parse(one.body))).toEqual([
      { type: 'data', id: '5', name: 'A, B' },
      { type: 'data', id: '6', name: 'C' },
    ]);
    // One without a key: refused, and still a record that the file has.
    const xml =
      '<artists><artist><id>1</id><name>One</name></artist><artist><name>?</name></artist><artist><id>2</id></artist></artists>';
    expect((await publish(await file('dump.xml.gz', gzipSync(xml)))).code).toBe(0);
    const caught = (await catcher.take('artists')).map((one) => JSON.parse(one.body) as Record<string, unknown>);
    expect(caught.map(({ type, id }) => [type, id])).toEqual([
      ['data', '1'],
      ['data', '2'],
      ['file_complete', undefined],
    ]);
    expect(caught[2]).toMatchObject({ data_type: 'artists', total_processed: 3 });
  });

  it('holds the rate', async () => {
    const path = await file('artists.jsonl', lines(bodies(300)));
    const ran = await publish('--rate', '200', '--json', path);
    // 300 records at 200 a second take 1.5 s; the first few go at once, and a busy machine only makes it longer.
    expect(Number(lastJson(ran).seconds)).toBeGreaterThan(1.3);
    expect(await catcher.depth('artists')).toBe(300);
  });

  it('interrupted, it says how to go on, and the second run publishes the rest and nothing twice', async () => {
    const path = await file('artists.jsonl', lines(bodies(20_000).toSpliced(5_000, 0, 'bad').concat('bad')));
    let interrupt: () => void = () => undefined;
    const first = inator(['publish', path, '--json', '--rate', '8000'], {
      env: catcher.env,
      interrupts(listener) {
        interrupt = listener;
      },
    });
    await depthReaches(7_000);
    interrupt();
    const stopped = await first;
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain('the same command again goes on from there');
    const published = Number(lastJson(stopped).published);
    expect(published).toBeLessThan(20_000);
    expect(existsSync(`${path}.inator-state.json`)).toBe(true);

    const second = await publish(path, '--json');
    expect(second.code).toBe(0);
    expect(lastJson(second)).toMatchObject({ before: published, published: 20_000 - published, ended: 'complete' });
    expect(idsOf(await catcher.take('artists'))).toEqual(bodies(20_000).map((_, index) => index + 1));
    expect((await readFile(`${path}.rejects.jsonl`, 'utf8')).match(/"line":\d+/g)).toEqual([
      '"line":5001',
      '"line":20002',
    ]);
    expect(existsSync(`${path}.inator-state.json`)).toBe(false);
  });

  it('the real process ends in order on SIGINT, survives SIGKILL, and a resumed run misses no record', async () => {
    const path = await file('artists.jsonl', lines(bodies(20_000)));
    for (const [signal, after] of [
      ['SIGINT', 3_000],
      ['SIGKILL', 9_000],
    ] as const) {
      const { process: child, ended } = spawnInator(['publish', path, '--rate', '6000'], catcher.env);
      await depthReaches(after);
      child.kill(signal);
      const ran = await ended;
      expect([signal, ran.code]).toEqual([signal, signal === 'SIGINT' ? 130 : -1]);
    }
    const last = await spawnInator(['publish', path], catcher.env).ended;
    expect(last).toMatchObject({ code: 0 });
    expect(last.stderr).toContain('resuming after record');
    const ids = idsOf(await catcher.take('artists'));
    expect([...new Set(ids)].sort((a, b) => a - b)).toEqual(bodies(20_000).map((_, index) => index + 1));
    // Half a second between saves at 6,000 a second, and what was unconfirmed.
    expect(ids.length - 20_000).toBeLessThan(6_000);
  });

  it('resumes a gzipped file and a run of several files, and publishes no finished one again', async () => {
    const one = await file('artists-1.jsonl.gz', gzipSync(lines(bodies(500))));
    const two = await file('artists-2.jsonl.gz', gzipSync(lines(bodies(9_500, 501))));
    let interrupt: () => void = () => undefined;
    const first = inator(['publish', one, two, '--rate', '5000', '--state', join(directory, 'state')], {
      env: catcher.env,
      interrupts(listener) {
        interrupt = listener;
      },
    });
    await depthReaches(2_000);
    interrupt();
    expect((await first).code).toBe(130);
    const second = await publish(one, two, '--state', join(directory, 'state'));
    expect(second.code).toBe(0);
    expect(second.stderr).toContain('artists-1.jsonl.gz: published completely by the interrupted run');
    expect(idsOf(await catcher.take('artists'))).toEqual(bodies(10_000).map((_, index) => index + 1));
    expect(await readdir(join(directory, 'state'))).toEqual([]);
  });

  it.each([
    ['the file was changed since', [], (path: string) => appendFile(path, `${body(5_001)}\n`)],
    ['it is asked to', ['--no-resume'], () => Promise.resolve()],
  ])('starts over when %s', async (_, args, change) => {
    const path = await file('artists.jsonl', lines(bodies(5_000)));
    let interrupt: () => void = () => undefined;
    const first = inator(['publish', path, '--rate', '3000'], {
      env: catcher.env,
      interrupts(listener) {
        interrupt = listener;
      },
    });
    await depthReaches(500);
    interrupt();
    expect((await first).code).toBe(130);
    await catcher.take('artists');
    await change(path);
    expect((await publish(path, ...args)).code).toBe(0);
    expect(idsOf(await catcher.take('artists')).slice(0, 5_000)).toEqual(bodies(5_000).map((__, index) => index + 1));
  });

  it('stops at an exchange without a queue, because the broker would drop the records', async () => {
    const path = await file('artists.jsonl', lines(bodies(10)));
    const env = { ...catcher.env, RABBITMQ_EXCHANGE_PREFIX: `${catcher.prefix}-nobody` };
    const ran = await inator(['publish', path], { env });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(`no queue is bound to the exchange "${catcher.prefix}-nobody-artists"`);
    expect(ran.stderr).toContain('next: start the service once');
    const allowed = await inator(['publish', path, '--allow-unroutable', '--json'], { env });
    expect(lastJson(allowed)).toMatchObject({ ended: 'complete', unroutable: 10 });
  });

  it('says at once that there is no broker, and what to do', async () => {
    const path = await file('artists.jsonl', lines(bodies(1)));
    const ran = await inator(['publish', path], { env: { RABBITMQ_URL: 'amqp://127.0.0.1:1' } });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/error: .*127\.0\.0\.1:1/);
    expect(ran.stderr).toContain('inator doctor');
  });

  it('finds every fault of the command line before it publishes anything', async () => {
    const good = await file('artists.jsonl', lines(bodies(5)));
    const unknown = await file('things.jsonl', lines(bodies(5)));
    expect(await publish(good, unknown)).toMatchObject({ code: 2 });
    expect(await publish(good, join(directory, 'missing.jsonl'))).toMatchObject({ code: 1 });
    expect(await publish('--rate', '-5', good)).toMatchObject({ code: 2 });
    const typo = await publish('--dryrun', good);
    expect(typo.code).toBe(2);
    expect(typo.stderr).toContain('(Did you mean --dry-run?)');
    expect(await catcher.depth('artists')).toBe(0);
  });
});
