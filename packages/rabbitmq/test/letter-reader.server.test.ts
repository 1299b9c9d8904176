import { SourceError } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import { until } from '../../testkit/src/until.ts';
import { type LetterReader, type LetterReaderOptions, openLetterReader } from '../src/letter-reader.ts';
import { openReplayer } from '../src/replayer.ts';
import { useFixtures } from './fixtures.ts';
import { type Fixture, letterAbout, never } from './support.ts';

const { fixtureFor } = useFixtures();

/** Letters by the real session and letter box, in the order of `bodies`. */
async function letters(fixture: Fixture, bodies: readonly string[], options?: Record<string, unknown>): Promise<void> {
  await fixture.publish(bodies, options);
  const { session, taken } = await fixture.open(Math.min(65_535, bodies.length));
  await until(() => taken.length === bodies.length, 'all deliveries');
  for (let at = 0; at < taken.length; at += 200) {
    await Promise.all(taken.slice(at, at + 200).map((one) => session.deadLetter(one, letterAbout(), never)));
  }
  await session.close();
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `letter ${index}`);
const texts = async (fixture: Fixture): Promise<string[]> =>
  (await fixture.takeLetters()).map(({ content }) => content.toString());

async function walk(
  fixture: Fixture,
  decide: (text: string) => 'keep' | 'remove',
  options?: LetterReaderOptions,
): Promise<{ readonly seen: string[]; readonly reader: LetterReader }> {
  const reader = await openLetterReader(fixture.admin, fixture.spec, options);
  const seen: string[] = [];
  for (;;) {
    const letter = await reader.next(never);
    if (letter === undefined) break;
    const text = letter.body.toString();
    seen.push(text);
    letter[decide(text)]();
  }
  await reader.close();
  return { seen, reader };
}

for (const type of ['quorum', 'classic'] as const) {
  describe(`a walk over a ${type} dead-letter queue`, () => {
    it('shows every letter in order, over several pages, and takes out what is removed and nothing else', async () => {
      const fixture = await fixtureFor({ spec: { type } });
      const bodies = numbered(600);
      await letters(fixture, bodies);
      expect((await walk(fixture, () => 'keep')).seen).toEqual(bodies);
      const goes = (text: string): boolean => /[37]$/.test(text) || (text > 'letter 300' && text < 'letter 400');
      const { seen } = await walk(fixture, (text) => (goes(text) ? 'remove' : 'keep'));
      expect(seen).toEqual(bodies);
      expect(await fixture.ready(fixture.spec.deadLetterQueue)).toBe(bodies.filter((text) => !goes(text)).length);
      expect(await texts(fixture)).toEqual(bodies.filter((text) => !goes(text)));
    });
  });
}

describe('a walk', () => {
  it('that ends early touches few letters, and leaves all in order, also among letters that were returned before', async () => {
    const fixture = await fixtureFor();
    const bodies = numbered(500);
    await letters(fixture, bodies);
    for (const expected of [3, 2, 250, 1, 260]) {
      const reader = await openLetterReader(fixture.admin, fixture.spec, { expected });
      const seen: (string | undefined)[] = [];
      for (let index = 0; index < expected; index += 1) {
        const letter = await reader.next(never);
        seen.push(letter?.body.toString());
        letter?.keep();
      }
      await reader.close();
      expect(seen).toEqual(bodies.slice(0, expected));
    }
    const left = await fixture.takeLetters();
    expect(left.map(({ content }) => content.toString())).toEqual(bodies);
  });

  it('touches no more than it is expected to', async () => {
    const fixture = await fixtureFor();
    await letters(fixture, numbered(100));
    const reader = await openLetterReader(fixture.admin, fixture.spec, { expected: 3 });
    (await reader.next(never))?.keep();
    await reader.close();
    expect((await fixture.takeLetters()).filter(({ fields }) => fields.redelivered)).toHaveLength(3);
  });

  it('leaves alone what comes after its beginning, and ends when there is less than at its beginning', async () => {
    const fixture = await fixtureFor();
    await letters(fixture, numbered(10));
    const reader = await openLetterReader(fixture.admin, fixture.spec);
    await letters(fixture, ['late']);
    let seen = 0;
    for (let letter = await reader.next(never); letter !== undefined; letter = await reader.next(never)) {
      seen += 1;
      letter.remove();
    }
    expect(seen).toBe(10);
    await reader.close();
    expect(await texts(fixture)).toEqual(['late']);

    await letters(fixture, numbered(4));
    const short = await openLetterReader(fixture.admin, fixture.spec);
    expect(await texts(fixture)).toHaveLength(4);
    expect(await short.next(never)).toBeUndefined();
    await short.close();
  });

  it('that lasts too long begins anew behind what was removed, and misses nothing', async () => {
    const fixture = await fixtureFor();
    const bodies = numbered(60);
    await letters(fixture, bodies);
    const reader = await openLetterReader(fixture.admin, fixture.spec, { renewAfterMs: 300 });
    const removed: string[] = [];
    for (let letter = await reader.next(never); letter !== undefined; letter = await reader.next(never)) {
      const text = letter.body.toString();
      if (text.endsWith('5')) {
        removed.push(text);
        letter.remove();
        // Slower than the patience of the walk, once in a while: what a rate does.
        if (removed.length % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 350));
      } else letter.keep();
    }
    expect(reader.renewals).toBeGreaterThan(0);
    await reader.close();
    expect(removed).toEqual(bodies.filter((text) => text.endsWith('5')));
    expect(await texts(fixture)).toEqual(bodies.filter((text) => !text.endsWith('5')));
  });

  it('is refused while somebody else reads the queue', async () => {
    const fixture = await fixtureFor();
    await letters(fixture, numbered(3));
    const first = await openLetterReader(fixture.admin, fixture.spec);
    await first.next(never);
    await expect(openLetterReader(fixture.admin, fixture.spec)).rejects.toThrow(/is being read by somebody else/);
    await first.close();
    expect(await texts(fixture)).toEqual(numbered(3));
  });

  it('whose connection is cut says so, and loses no letter', async () => {
    const fixture = await fixtureFor();
    await letters(fixture, numbered(300));
    const reader = await openLetterReader(fixture.broker, fixture.spec);
    (await reader.next(never))?.keep();
    fixture.proxy.cut();
    const failing = async (): Promise<void> => {
      while ((await reader.next(never)) !== undefined);
    };
    await expect(failing()).rejects.toThrow(SourceError);
    await reader.close();
    await until(async () => (await fixture.ready(fixture.spec.deadLetterQueue)) === 300, 'all letters back');
  });

  it('whose connection is cut takes nothing out any more, and says so at once', async () => {
    const fixture = await fixtureFor();
    await letters(fixture, numbered(3));
    const reader = await openLetterReader(fixture.broker, fixture.spec);
    const first = await reader.next(never);
    fixture.proxy.cut();
    await until(() => fixture.broker.status().state !== 'up', 'the loss');
    expect(() => first?.remove()).toThrow(SourceError);
    expect(() => first?.remove()).toThrow(/channel that reads/);
    await reader.close();
    first?.remove();
    await until(async () => (await fixture.ready(fixture.spec.deadLetterQueue)) === 3, 'all letters back');
  });

  it('stops before a queue with a delivery limit of somebody else would drop what it returns', async () => {
    const fixture = await fixtureFor({ declare: false });
    const channel = await fixture.admin.channel();
    const { spec } = fixture;
    await channel.assertExchange(spec.exchange, 'fanout');
    await channel.assertQueue(spec.queue, { arguments: { 'x-queue-type': 'quorum' } });
    const given = { 'x-queue-type': 'quorum', 'x-delivery-limit': 20 };
    await channel.assertQueue(spec.deadLetterQueue, { arguments: given });
    channel.sendToQueue(spec.deadLetterQueue, Buffer.from('precious'));
    await until(async () => (await fixture.ready(spec.deadLetterQueue)) === 1, 'the letter');
    for (let look = 0; look < 10; look += 1) await walk(fixture, () => 'keep');
    const reader = await openLetterReader(fixture.admin, spec);
    await expect(reader.next(never)).rejects.toThrow(/returned 10 times.*x-delivery-limit/);
    await reader.close();
    expect((await walk(fixture, () => 'keep', { anyDeliveryLimit: true })).seen).toEqual(['precious']);
    expect(await texts(fixture)).toEqual(['precious']);
  });
});

describe('a letter that is sent back', () => {
  it('is in its queue alone, as it was, without the marks of its failure; its next letter counts on', async () => {
    const fixture = await fixtureFor();
    const body = '{"id": "1",  "odd": "\u00fc"}';
    const headers = {
      'x-seq': 42,
      kept: 'yes',
      nested: { list: [1, 'two'] },
      CC: ['elsewhere'],
      'x-delivery-count': 7,
    };
    await letters(fixture, [body], {
      headers,
      messageId: 'mine',
      type: 'odd',
      routingKey: 'from.here',
      expiration: '99999999',
    });
    for (const replays of [1, 2]) {
      const reader = await openLetterReader(fixture.admin, fixture.spec);
      const replayer = await openReplayer(fixture.admin);
      const letter = await reader.next(never);
      if (letter === undefined) throw new Error('no letter');
      await (await replayer.send(fixture.spec.queue, letter, never)).confirmed;
      letter.remove();
      await reader.close();
      await replayer.close();
      expect(await fixture.ready(fixture.spec.deadLetterQueue)).toBe(0);
      const { session, taken } = await fixture.open();
      await until(() => taken.length === 1, 'the record again');
      const [again] = taken;
      if (again === undefined) throw new Error('no delivery');
      expect(Buffer.from(again.body).toString()).toBe(body);
      expect(again.deliveryCount).toBe(0);
      expect(again.properties).toMatchObject({ messageId: 'mine', type: 'odd' });
      expect(again.properties.headers).toEqual({
        'x-seq': 42,
        kept: 'yes',
        nested: { list: [1, 'two'] },
        'x-inator-replays': replays,
        'x-inator-first-seen': expect.stringMatching(/^\d{4}-.*Z$/),
        'x-inator-exchange': fixture.spec.exchange,
        'x-inator-routing-key': 'from.here',
      });
      await session.deadLetter(again, letterAbout('again'), never);
      await session.close();
    }
    const [letter] = await fixture.takeLetters();
    expect(letter?.properties.headers).toMatchObject({
      'x-inator-replays': 2,
      'x-inator-reason': 'again',
      'x-inator-exchange': fixture.spec.exchange,
      'x-inator-routing-key': 'from.here',
      'x-seq': 42,
    });
  });

  it('to a queue that is gone stays a letter', async () => {
    const fixture = await fixtureFor();
    await letters(fixture, ['one']);
    const channel = await fixture.admin.channel();
    await channel.deleteQueue(fixture.spec.queue);
    const reader = await openLetterReader(fixture.admin, fixture.spec);
    const replayer = await openReplayer(fixture.admin);
    const letter = await reader.next(never);
    if (letter === undefined) throw new Error('no letter');
    const { confirmed } = await replayer.send(fixture.spec.queue, letter, never);
    await expect(confirmed).rejects.toThrow(`there is no queue ${fixture.spec.queue}`);
    await reader.close();
    await replayer.close();
    expect(await texts(fixture)).toEqual(['one']);
  });
});
