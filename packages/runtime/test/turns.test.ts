/** A record that ends the process takes the first records of every lane with it, again and again: only it may pay. */
import {
  createBudget,
  createLane,
  createMemorySink,
  createMemorySource,
  createTurns,
  type Decoded,
  defaultBrake,
  defaultHold,
  Events,
  type LaneSettings,
  type MemorySource,
  type Model,
} from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';

const settings: LaneSettings = {
  writers: 1,
  batchSize: 10,
  batchBytes: 1 << 20,
  flushIntervalMs: 5,
  natural: false,
  adaptive: undefined,
  window: 40,
  maxRecordBytes: 1 << 20,
  seqSource: 'auto',
  suspectAfter: 3,
  condemnAfter: 18,
  hold: defaultHold,
  brake: defaultBrake,
  reopen: { firstMs: 5, maxMs: 20 },
};

const records = 30;
const name = (lane: number): string => `lane ${lane}`;

/** What a store needs to write something, in milliseconds: longer than a record needs to end the process. */
const writeMs = 10;

/** One life of a process with a lane for each source; resolves when it was ended, or everything is done. */
async function live(sources: readonly MemorySource[], stored: Set<string>): Promise<void> {
  const events = new Events();
  const turns = createTurns(sources.length, events, { arriveMs: 10, absentMs: 1_000, stuckMs: 1_000 });
  let over = false;
  const model: Model<string> = {
    name: 'lines',
    decode(body): Decoded<string> {
      const key = Buffer.from(body).toString();
      // A dead process decodes nothing more and writes nothing more, in any lane.
      if (key.startsWith('deadly')) over = true;
      return { is: 'record', key, hash: key, record: key };
    },
    examine: () => undefined,
  };
  const lanes = sources.map((source, i) => {
    const sink = createMemorySink<string>();
    const { write } = sink;
    sink.write = async (batch, signal) => {
      await new Promise((resolve) => setTimeout(resolve, writeMs));
      if (over) return new Promise(() => {});
      const receipt = await write(batch, signal);
      for (const { key } of batch.records) stored.add(key);
      return receipt;
    };
    return createLane<string>({
      name: name(i),
      queue: name(i),
      model,
      source,
      sink,
      settings,
      budget: createBudget(1 << 24),
      lanes: sources.length,
      turn: turns.lane(),
      events,
    });
  });
  for (const lane of lanes) lane.start();
  const left = (): number => sources.reduce((sum, { ready, unsettled }) => sum + ready + unsettled, 0);
  while (!over && left() > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  for (const source of sources) source.lose();
  await Promise.all(lanes.map((lane) => lane.stop(AbortSignal.abort())));
}

describe('several lanes in one process', () => {
  it.each([
    [0, 'first'],
    [1, 'second'],
    [3, 'last'],
  ])('a record of lane %i that ends the process is condemned, and nothing of the other lanes', async (guilty) => {
    const sources = Array.from({ length: 4 }, (_, i) => createMemorySource(name(i)));
    for (const [lane, source] of sources.entries())
      for (let i = 0; i < records; i += 1) source.publish(lane === guilty && i === 0 ? 'deadly' : `${lane}-${i}`);
    const stored = new Set<string>();
    let lives = 0;
    for (; sources.some(({ ready }) => ready > 0) && lives < 30; lives += 1) await live(sources, stored);
    const letters = sources.map((source) => source.letters.map(({ body }) => Buffer.from(body).toString()));
    expect(letters).toEqual(sources.map((_, lane) => (lane === guilty ? ['deadly'] : [])));
    expect(stored.size).toBe(4 * records - 1);
    expect(lives).toBe(19);
  });

  it('two lanes with such a record each lose those two', async () => {
    const sources = Array.from({ length: 3 }, (_, i) => createMemorySource(name(i)));
    for (const [lane, source] of sources.entries())
      for (let i = 0; i < records; i += 1) source.publish(lane < 2 && i === 4 ? `deadly ${lane}` : `${lane}-${i}`);
    const stored = new Set<string>();
    for (let lives = 0; sources.some(({ ready }) => ready > 0) && lives < 60; lives += 1) await live(sources, stored);
    const letters = sources.map((source) => source.letters.map(({ body }) => Buffer.from(body).toString()));
    expect(letters).toEqual([['deadly 0'], ['deadly 1'], []]);
    expect(stored.size).toBe(3 * records - 2);
  });
});

describe('turns', () => {
  const opened = (events: Events, lane: number): void =>
    events.emit('session.opened', { lane: name(lane), window: 10 });
  const quick = { arriveMs: 1, absentMs: 20, stuckMs: 20 };
  const turned = (): { went: string[]; go: (what: string) => () => void } => {
    const went: string[] = [];
    return { went, go: (what) => () => void went.push(what) };
  };
  const until = async (condition: () => boolean): Promise<void> => {
    const deadline = performance.now() + 5_000;
    while (!condition()) {
      if (performance.now() > deadline) throw new Error('never');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };

  it('a lane alone need not ask anybody', () => {
    const { went, go } = turned();
    createTurns(1, new Events()).lane().ask(7, go('a'));
    expect(went).toEqual(['a']);
  });

  it('begin with the lane that the highest count names, and each keeps its turn until it passes', async () => {
    const { went, go } = turned();
    const events = new Events();
    const turns = createTurns(3, events, quick);
    const [a, b, c] = [turns.lane(), turns.lane(), turns.lane()];
    a.ask(3, go('a'));
    b.ask(5, go('b'));
    c.ask(4, go('c'));
    for (const lane of [0, 1, 2]) opened(events, lane);
    await until(() => went.length === 1);
    c.ask(4, go('c again'));
    expect(went).toEqual(['c', 'c again']);
    c.pass();
    expect(went).toEqual(['c', 'c again', 'a']);
    a.pass();
    b.pass();
    expect(went).toEqual(['c', 'c again', 'a', 'b']);
  });

  it('do not wait forever for a lane that cannot open, nor for one that is held', async () => {
    const { went, go } = turned();
    const turns = createTurns(2, new Events(), quick);
    const [a, b] = [turns.lane(), turns.lane()];
    a.ask(4, go('a'));
    b.ask(4, go('b'));
    await until(() => went.length === 2);
    expect(went).toEqual(['a', 'b']);
  });

  it('of a lane that has lost its session is over, whether it had come or not', async () => {
    const { went, go } = turned();
    const turns = createTurns(2, new Events(), { ...quick, stuckMs: 60_000 });
    const [a, b] = [turns.lane(), turns.lane()];
    a.ask(4, go('a'));
    b.ask(4, go('b'));
    await until(() => went.length === 1);
    b.pass();
    a.pass();
    a.ask(4, go('a again'));
    expect(went).toEqual(['a', 'a again']);
  });
});
