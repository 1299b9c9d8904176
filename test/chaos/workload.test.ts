/** What chaos publishes: replayable, mixed as promised, and judged by the models as the books expect. */
import { expectedGraph, graphModels, tableModels } from '@inator/discogs';
import { describe, expect, it } from '@jest/globals';
import { type BadKind, badKinds, makeBad } from './bad.ts';
import { createWorkload, type Message } from './workload.ts';

const make = (seed: number) => createWorkload({ seed, prefix: 'p', canary: 'canary-body' });

function rounds(seed: number, count: number, records = 800): Message[][] {
  const workload = make(seed);
  workload.prologue();
  return Array.from({ length: count }, (_, i) => workload.round(i + 1, records));
}

describe('the records of a run', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(rounds(4, 2)).toEqual(rounds(4, 2));
    expect(rounds(4, 1)).not.toEqual(rounds(5, 1));
  });

  it('have versions out of order, repeats, and about one bad record in a hundred', () => {
    const [, second = []] = rounds(4, 2, 3_000);
    const seen = new Map<string, number>();
    let backwards = 0;
    let repeats = 0;
    for (const { good } of second) {
      if (good === undefined) continue;
      const key = `${good.type} ${good.id}`;
      const before = seen.get(key);
      if (before !== undefined && before > good.version) backwards += 1;
      if (before === good.version) repeats += 1;
      seen.set(key, Math.max(before ?? 0, good.version));
    }
    const bad = second.filter((message) => message.bad !== undefined).length;
    expect(backwards).toBeGreaterThan(30);
    expect(repeats).toBeGreaterThan(60);
    expect(bad).toBeGreaterThan(10);
    expect(bad).toBeLessThan(90);
    expect(new Set(second.map(({ messageId }) => messageId)).size).toBe(second.length);
  });

  it('are all taken by both models, with the mark in every body', () => {
    for (const { good, body } of rounds(4, 2).flat()) {
      if (good === undefined) continue;
      expect(body.includes('canary-body')).toBe(true);
      for (const models of [tableModels, graphModels])
        expect(models[good.type].decode(body, {})).toMatchObject({ is: 'record', key: String(good.id) });
    }
  });

  it.each(Object.entries(badKinds))('%s: refused by both models with %s', (kind, code) => {
    const { body, headers, contentEncoding } = makeBad(kind as BadKind, 'x1', 'canary-body');
    // What the body does not show is judged by the lane: the version in the header, the encoding.
    const shown = headers === undefined && contentEncoding === undefined;
    const expected = shown ? { is: 'refused', fault: { code } } : { is: 'record' };
    for (const models of [tableModels, graphModels]) expect(models.artists.decode(body, {})).toMatchObject(expected);
  });

  it.each([7, 42])('add no shared node and no shared relationship to the world of seed %i', (seed) => {
    const workload = make(seed);
    const bodies = (messages: readonly Message[], type: string) =>
      messages.filter(({ good }) => good?.type === type).map(({ body }) => body);
    const graphOf = (messages: readonly Message[]) =>
      expectedGraph({
        artists: bodies(messages, 'artists'),
        labels: bodies(messages, 'labels'),
        masters: bodies(messages, 'masters'),
        releases: bodies(messages, 'releases'),
      });
    const world = workload.prologue();
    const before = graphOf(world);
    const published = [...world, ...workload.round(1, 1_000), ...workload.round(2, 1_000)];
    const after = graphOf(published);
    const keys = (type: string) =>
      new Set(published.flatMap(({ good }) => (good?.type === type ? [good.id] : []))).size;
    expect(after.nodes).toEqual({
      ...before.nodes,
      Artist: keys('artists'),
      Label: keys('labels'),
      Master: keys('masters'),
      Release: keys('releases'),
    });
    expect(after.relationships.PART_OF).toBe(before.relationships.PART_OF);
  });
});
