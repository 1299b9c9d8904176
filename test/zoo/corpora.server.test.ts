/**
 * Public collections of hostile JSON and hostile texts, through both stores: each document alone and as a title, each text
 * as key and as title. Where they are not at hand, this says so and is skipped.
 */
import { randomInt } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { root } from '../support/root.ts';
import { realData } from '../support/world.ts';
import { type Message, nameOf, openGraphLane, openTableLane, type ZooLane } from './lanes.ts';

const base = String(randomInt(100_000_000, 899_999_999));
const folder = join(root, '../shared/data/hostile/JSONTestSuite');
const suite = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
if (suite.length === 0) process.emitWarning('skipped: there is no JSONTestSuite at ../shared/data/hostile');

/** One a line of the files of Unicode; a set of famous nasty texts where somebody has put one. */
function texts(): readonly string[] {
  const points = (codes: string): string =>
    String.fromCodePoint(...[...codes.matchAll(/[0-9A-F]{4,6}/g)].map(([code]) => Number.parseInt(code, 16)));
  const breaks = realData('data/hostile/GraphemeBreakTest.txt')?.toString() ?? '';
  const emoji = realData('data/hostile/emoji-test.txt.gz')?.toString() ?? '';
  const naughty = realData('data/hostile/blns.json')?.toString() ?? '[]';
  return [
    ...[...breaks.matchAll(/^÷ ([^#]+)/gm)].map(([, codes = '']) => points(codes)),
    ...[...emoji.matchAll(/^([0-9A-F ]+);/gm)].filter((_, i) => i % 10 === 0).map(([, codes = '']) => points(codes)),
    ...(JSON.parse(naughty) as string[]),
  ];
}

interface Sample {
  readonly name: string;
  readonly body: Buffer;
  readonly key: string | undefined;
}

const samples: readonly Sample[] = [
  ...suite.flatMap((file, i): Sample[] => {
    const bytes = readFileSync(join(folder, file));
    const key = `${base}j${i}`;
    const inside = Buffer.concat([Buffer.from(`{"id":"${key}","title":"t","a":`), bytes, Buffer.from('}')]);
    return [
      { name: `${file} alone`, body: bytes, key: undefined },
      { name: `${file} inside`, body: inside, key },
    ];
  }),
  ...texts().flatMap((text, i): Sample[] => {
    const [title, key] = [`${base}t${i}`, `${base}k${i}${text}`];
    return [
      { name: `title ${i}`, body: Buffer.from(JSON.stringify({ id: title, title: text })), key: title },
      { name: `key ${i}`, body: Buffer.from(JSON.stringify({ id: key, title: 't' })), key },
    ];
  }),
];

/** Whether JavaScript, strict about UTF-8, reads it as JSON: an opinion that owes nothing to ours. */
function parses(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    return undefined;
  }
}

const lanes: ZooLane[] = [];
const good = Array.from({ length: Math.ceil(samples.length / 10) }, (_, i) => `${base}g${i}`);

(samples.length > 0 ? describe : describe.skip)('the public collections', () => {
  beforeAll(async () => {
    for (const model of ['discogs', 'declared'] as const) {
      lanes.push(await openTableLane(model), await openGraphLane(model, base));
    }
    const messages = samples.flatMap(({ body }, i): Message[] =>
      i % 10 === 0 ? [{ body: Buffer.from(`{"id":"${good[i / 10]}"}`) }, { body }] : [{ body }],
    );
    for (const lane of lanes) await lane.feed(messages);
  }, 240_000);
  afterAll(async () => {
    for (const lane of lanes) await lane.close();
  }, 60_000);

  it('are stored or refused whole: what is refused is in no store, what is not is in both', async () => {
    for (const lane of lanes) {
      const letters = lane.letters();
      const present = await lane.present(samples.flatMap(({ key }) => key ?? []));
      const wrong = samples.filter(
        ({ body, key }) => key !== undefined && present.has(key) === letters.has(nameOf(body)),
      );
      expect([lane.store, lane.model, wrong.map(({ name }) => name)]).toEqual([lane.store, lane.model, []]);
    }
  });

  it('get one verdict from both stores and both models', () => {
    const [first, ...others] = lanes.map((lane) => lane.letters());
    for (const other of others) expect(other).toEqual(first);
  });

  it('are refused where they are not JSON, and only for a reason that we have told where they are', () => {
    for (const { name, body } of samples) {
      const code = lanes[0]?.letters().get(nameOf(body));
      const value = parses(body);
      if (value === undefined) expect([name, code]).toEqual([name, expect.stringMatching(/^(json|utf8)-invalid$/)]);
      else if (code !== undefined) {
        expect([name, code]).toEqual([
          name,
          expect.stringMatching(
            /^(record-not-object|record-too-deep|key-missing|text-nul|text-surrogate|number-out-of-range)$/,
          ),
        ]);
      }
    }
  });

  it('are exact where they are stored', async () => {
    for (const lane of lanes) {
      const letters = lane.letters();
      for (const [i, { name, body, key }] of samples.entries()) {
        if (key === undefined || letters.has(nameOf(body))) continue;
        // The stores are asked one by one: every document, and every fifth of the texts.
        if (i % 5 !== 0 && !name.includes('inside')) continue;
        const { title } = parses(body) as { readonly title: string };
        const kept = await lane.look(key, body, ['title']);
        const found = lane.store === 'PostgreSQL' ? [kept?.same, kept?.members?.title] : [true, kept?.title];
        expect([lane.store, name, ...found]).toEqual([lane.store, name, true, title]);
      }
    }
  });

  it('cost the good records among them nothing', async () => {
    for (const lane of lanes) {
      expect((await lane.present(good)).size).toBe(good.length);
      expect(lane.health()).toEqual({ defects: 0, state: 'consuming' });
      const counts = [lane.store, lane.model, `${samples.length} bodies`, `${lane.letters().size} refused`];
      process.stdout.write(`${counts.join(', ')}\n`);
    }
  });
});
