import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Item } from '../src/publish/item.ts';
import { createRate } from '../src/publish/rate.ts';
import { createRejects, isRejectFile } from '../src/publish/rejects.ts';
import { createStateFile, identify, type Progress, statePath } from '../src/publish/state.ts';
import { createWatermark } from '../src/publish/watermark.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'inator-cli-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe('the watermark', () => {
  it('passes exactly the settled beginning, in order, whatever the order of settling', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(), { minLength: 1, maxLength: 40 }).map((values) => values.map((_, index) => index)),
        fc.infiniteStream(fc.nat()),
        (values, randoms) => {
          const passed: number[] = [];
          const watermark = createWatermark<number>((value) => passed.push(value));
          const tickets = values.map((value) => watermark.open(value));
          const settled = new Set<number>();
          const left = [...tickets];
          while (left.length > 0) {
            const [ticket] = left.splice((randoms.next().value as number) % left.length, 1);
            if (ticket === undefined) break;
            watermark.settle(ticket);
            watermark.settle(ticket);
            settled.add(ticket.value);
            const first = values.findIndex((value) => !settled.has(value));
            expect(passed).toEqual(values.slice(0, first === -1 ? values.length : first));
          }
          expect(watermark.behind).toBe(0);
        },
      ),
    );
  });

  it('forgets what it passed, so that a long run needs no more memory than its window', () => {
    let passed = 0;
    let most = 0;
    const watermark = createWatermark<number>(() => {
      passed += 1;
    });
    const window = Array.from({ length: 100 }, (_, index) => watermark.open(index));
    for (let index = 0; index < 50_000; index += 1) {
      const oldest = window.shift();
      if (oldest !== undefined) watermark.settle(oldest);
      window.push(watermark.open(index));
      most = Math.max(most, watermark.behind);
    }
    expect(passed).toBe(50_000);
    expect(most).toBeLessThanOrEqual(101);
  });
});

const refused = (line: number, raw: string | Buffer): Extract<Item, { is: 'refused' }> => ({
  is: 'refused',
  fault: { code: 'json-invalid', reason: 'no' },
  key: undefined,
  raw: Buffer.from(raw),
  at: { line, byte: line * 10 },
  next: { items: line, byte: 0, line: line + 1 },
});

describe('the reject file', () => {
  it('holds one object a line, with the text as it stood, or base64 where it is no UTF-8', async () => {
    const rejects = createRejects(join(directory, 'r.jsonl'));
    rejects.add('a.jsonl', refused(1, 'x"y'));
    rejects.add('a.jsonl', refused(2, Buffer.from([0xff])));
    await rejects.close();
    const lines = (await readFile(join(directory, 'r.jsonl'), 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { file: 'a.jsonl', line: 1, byte: 10, code: 'json-invalid', reason: 'no', text: 'x"y' },
      { file: 'a.jsonl', line: 2, byte: 20, code: 'json-invalid', reason: 'no', base64: '/w==' },
    ]);
  });

  it('cut back to where a run stopped and written on, holds no line twice', async () => {
    const path = join(directory, 'r.jsonl');
    const first = createRejects(path);
    first.add('a', refused(1, 'one'));
    const saved = first.length;
    first.add('a', refused(2, 'two'));
    await first.close();
    const second = createRejects(path);
    await second.cutTo(saved);
    second.add('a', refused(2, 'two'));
    await second.close();
    expect((await readFile(path, 'utf8')).match(/"line":\d/g)).toEqual(['"line":1', '"line":2']);
    expect(second.length).toBe((await stat(path)).size);
  });

  it('is removed at the start of a new run, and not created without rejects', async () => {
    const path = join(directory, 'r.jsonl');
    const before = createRejects(path);
    before.add('a', refused(1, 'of last week'));
    await before.close();
    const rejects = createRejects(path);
    await rejects.cutTo(0);
    await rejects.close();
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  it('is told from every other file, which is left as it is', async () => {
    const path = join(directory, 'r.jsonl');
    const largest = createRejects(path);
    largest.add('a', refused(1, '\u0001'.repeat(70_000)));
    await largest.close();
    expect(await isRejectFile(path)).toBe(true);
    await writeFile(path, '');
    expect(await isRejectFile(path)).toBe(true);
    for (const text of ['{"id":"1"}\n', 'of last week', '\n', 'null', '{"file":"a","code":"x","reason":"y"}']) {
      await writeFile(path, text);
      expect(await isRejectFile(path)).toBe(false);
      await expect(createRejects(path).cutTo(0)).rejects.toThrow('it is no reject file');
      expect(await readFile(path, 'utf8')).toBe(text);
    }
  });
});

describe('the state file', () => {
  const progress: Progress = {
    position: { items: 7, byte: 70, line: 8 },
    published: 6,
    refused: 1,
    signals: 0,
    rejectsBytes: 90,
    complete: false,
  };
  const target = { broker: 'amqp://h:1/%2F', exchange: 'x', reading: '{}' };

  async function fixture() {
    const input = join(directory, 'a.jsonl');
    await writeFile(input, 'content');
    const state = createStateFile(statePath(input, undefined));
    const identity = await identify(input, target);
    await state.save(identity, progress);
    return { input, state, identity };
  }

  it('gives back what was saved to the same run', async () => {
    const { state, identity } = await fixture();
    expect(await state.load(identity)).toMatchObject({ is: 'resume', progress });
    await state.remove();
    expect(await state.load(identity)).toEqual({ is: 'nothing' });
  });

  it('does not apply once the file was changed, nor to another broker, exchange or reading', async () => {
    const { input, state, identity } = await fixture();
    await utimes(input, new Date(), new Date(Date.now() + 5_000));
    expect(await state.load(await identify(input, target))).toMatchObject({ is: 'stale' });
    for (const other of [{ broker: 'amqp://other:1/%2F' }, { exchange: 'y' }, { reading: '{"key":"b"}' }]) {
      expect(await state.load({ ...identity, ...other })).toMatchObject({ is: 'stale' });
    }
  });

  it('that is damaged is stale, never half believed', async () => {
    const { state, identity } = await fixture();
    for (const text of ['', '{"version":1', '{"version":1,"identity":{},"position":{"items":-0.5}}', 'null']) {
      await writeFile(state.path, text);
      expect(await state.load(identity)).toMatchObject({ is: 'stale' });
    }
  });

  it('in a directory has a name of its own for every input', () => {
    expect(statePath('/a/x.jsonl', '/s')).not.toBe(statePath('/b/x.jsonl', '/s'));
    expect(statePath('/a/x.jsonl', undefined)).toBe('/a/x.jsonl.inator-state.json');
  });
});

describe('the rate', () => {
  it('spaces records evenly, and a pause is not caught up on', async () => {
    let clock = 0;
    const rate = createRate(1000, () => clock);
    // Aborted, so that nothing really waits: only when each record is due matters.
    const signal = AbortSignal.abort();
    for (let record = 1; record <= 5; record += 1) {
      await rate.take(signal);
      expect(rate.due()).toBe(record);
    }
    clock = 60_000;
    await rate.take(signal);
    expect(rate.due()).toBeGreaterThan(59_970);
  });
});
