/** Every animal of the zoo, among twenty good neighbours, through both stores and both ways of making a model. */
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { casesOf, type Expected, type ZooCase } from './cases.ts';
import { type Message, nameOf, openGraphLane, openTableLane, type ZooLane } from './lanes.ts';

/** The first digit is not 0, and twelve with three more are a safe integer. */
const base = String(randomInt(1_000_000, 8_999_999)) + String(randomInt(10_000, 99_999));
const cases = casesOf(base);
const beside = 10;
const neighbour = (at: number, i: number): string => `${base}n${at}-${i}`;
const good = (at: number, from: number): Message[] =>
  Array.from({ length: beside }, (_, i) => ({
    body: Buffer.from(`{"type":"data","id":"${neighbour(at, from + i)}","title":"good"}`),
  }));

const lanes: ZooLane[] = [];
const neighbours = Array.from({ length: cases.length }, (_, at) => ({
  at,
  keys: Array.from({ length: 2 * beside }, (_, i) => neighbour(at, i)),
}));

beforeAll(async () => {
  for (const model of ['discogs', 'declared'] as const) {
    lanes.push(await openTableLane(model), await openGraphLane(model, base));
  }
  const messages = cases.flatMap(({ bodies, headers }, at): Message[] => [
    ...good(at, 0),
    ...bodies.map((body, i) => ({ body, headers: headers?.[i] })),
    ...good(at, beside),
  ]);
  for (const lane of lanes) await lane.feed(messages);
}, 240_000);

afterAll(async () => {
  report();
  for (const lane of lanes) await lane.close();
}, 60_000);

const stored = (expected: Expected): expected is Exclude<Expected, 'signal' | { refused: unknown }> =>
  expected !== 'signal' && 'key' in expected;

async function become(lane: ZooLane, { bodies, ...one }: ZooCase): Promise<void> {
  const expected = one[lane.model];
  const letters = lane.letters();
  const codes = bodies.map((body) => letters.get(nameOf(body)));
  const refused = expected === 'signal' || !('refused' in expected) ? undefined : expected.refused;
  expect([lane.store, lane.model, ...codes]).toEqual([lane.store, lane.model, ...bodies.map(() => refused)]);
  if (!stored(expected)) return;
  const { key, members = {}, title, seq } = expected;
  const body = bodies[expected.document ?? bodies.length - 1] ?? Buffer.alloc(0);
  const kept = await lane.look(key, body, Object.keys(members));
  if (lane.store === 'PostgreSQL') expect(kept).toEqual({ seq: seq ?? null, same: true, members });
  else {
    expect(kept?.seq).toBe(seq ?? null);
    // The preset cuts long texts to what any index can hold.
    if (title !== undefined) expect(kept?.title).toBe(title);
  }
}

describe.each([...new Set(cases.map(({ cage }) => cage))])('%s', (cage) => {
  it.each(cases.filter((one) => one.cage === cage).map((one) => [one.name.slice(0, 70), one] as const))(
    '%s',
    async (_, one) => {
      for (const lane of lanes) await become(lane, one);
    },
  );
});

it('cost none of their neighbours anything, in any store', async () => {
  for (const lane of lanes) {
    const present = await lane.present(neighbours.flatMap(({ keys }) => keys));
    const lost = neighbours.filter(({ keys }) => keys.some((key) => !present.has(key)));
    expect([lane.store, lane.model, lost.map(({ at }) => cases[at]?.name)]).toEqual([lane.store, lane.model, []]);
  }
});

it('leave no letter of anything else, no defect, and lanes that go on', () => {
  for (const lane of lanes) {
    const due = cases.filter((one) => {
      const expected = one[lane.model];
      return expected !== 'signal' && 'refused' in expected;
    });
    expect(lane.letters().size).toBe(new Set(due.flatMap(({ bodies }) => bodies.map(nameOf))).size);
    expect(lane.health()).toEqual({ defects: 0, state: 'consuming' });
  }
});

it('get one verdict from both stores', () => {
  for (const model of ['discogs', 'declared'] as const) {
    const [table, graph] = lanes.filter((lane) => lane.model === model).map((lane) => lane.letters());
    expect(table).toEqual(graph);
  }
});

/** How many were stored and refused, by code, in each store. */
function report(): void {
  const lines = lanes.map((lane) => {
    const codes = new Map<string, number>();
    for (const code of lane.letters().values()) codes.set(code, (codes.get(code) ?? 0) + 1);
    const kept = cases.filter((one) => stored(one[lane.model])).length;
    const byCode = [...codes].sort().map(([code, count]) => `${code} ${count}`);
    return `${lane.store}, ${lane.model}: ${cases.length} cases, ${kept} stored, refused: ${byCode.join(', ')}`;
  });
  process.stdout.write(`${lines.join('\n')}\n`);
}
