import {
  createBudget,
  createLane,
  createMemorySink,
  createMemorySource,
  type Decoded,
  defaultBrake,
  defaultHold,
  Events,
  fault,
  type Lane,
  type LaneEvents,
  type LaneSettings,
  MarkInterrupted,
  type MemorySink,
  type MemorySource,
  type Model,
  SinkError,
} from '@inator/runtime';
import { afterEach, describe, expect, it } from '@jest/globals';

interface Thing {
  readonly key: string;
  readonly value: string;
  readonly bad?: boolean;
}

/** Reads `key:value`; `!…` is refused, `#name` is a signal, `?key` passes decoding but not `examine`. */
const model: Model<Thing> = {
  name: 'things',
  decode(body): Decoded<Thing> {
    const text = Buffer.from(body).toString();
    if (text.startsWith('!'))
      return { is: 'refused', fault: fault('json-invalid', 'decode', 'not a thing', { proven: true }) };
    if (text.startsWith('#'))
      return { is: 'signal', signal: { is: 'file_complete', type: text.slice(1), total: undefined, at: undefined } };
    const [key = '', value = ''] = text.split(':');
    return { is: 'record', key, hash: `h${value}`, record: { key, value } };
  },
  examine: (record) =>
    record.value === 'bad' ? fault('value-refused', 'validate', 'bad value', { proven: true }) : undefined,
};

const quick: LaneSettings = {
  writers: 2,
  batchSize: 10,
  batchBytes: 1 << 20,
  flushIntervalMs: 30,
  natural: false,
  adaptive: undefined,
  window: 100,
  maxRecordBytes: 1 << 20,
  seqSource: 'auto',
  suspectAfter: 3,
  condemnAfter: 18,
  hold: { ...defaultHold, retry: { firstMs: 5, maxMs: 20 }, misconfigured: { firstMs: 5, maxMs: 20 } },
  brake: { ...defaultBrake, probe: { firstMs: 10, maxMs: 20 } },
  reopen: { firstMs: 5, maxMs: 20 },
};

let lanes: Lane[] = [];
afterEach(async () => {
  await Promise.all(lanes.map((lane) => lane.stop(AbortSignal.abort())));
  lanes = [];
});

interface Bench {
  readonly source: MemorySource;
  readonly sink: MemorySink<Thing>;
  readonly lane: Lane;
  readonly seen: { readonly [N in keyof LaneEvents]?: LaneEvents[N][] };
}

function bench(
  settings: Partial<LaneSettings> = {},
  more: { readonly model?: Model<Thing>; readonly bytes?: number; readonly source?: MemorySource } = {},
): Bench {
  const source = more.source ?? createMemorySource();
  const sink = createMemorySink<Thing>();
  const events = new Events();
  const seen: Record<string, unknown[]> = {};
  for (const name of [
    'batch.written',
    'batch.held',
    'batch.split',
    'record.deadLettered',
    'session.lost',
    'brake.on',
    'brake.off',
    'signal.marked',
    'defect',
  ] as const) {
    seen[name] = [];
    events.on(name, (event) => seen[name]?.push(event));
  }
  const lane = createLane<Thing>({
    name: 'things',
    queue: 'things',
    model: more.model ?? model,
    source,
    sink,
    settings: { ...quick, ...settings },
    budget: createBudget(more.bytes ?? 1 << 24),
    lanes: 1,
    events,
  });
  lanes.push(lane);
  lane.start();
  return { source, sink, lane, seen: seen as Bench['seen'] };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const empty = ({ source }: Bench): boolean => source.ready === 0 && source.unsettled === 0;

describe('a lane', () => {
  it('stores every record and leaves the queue empty', async () => {
    const b = bench();
    for (let i = 0; i < 1000; i += 1) b.source.publish(`k${i}:v`);
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size).toBe(1000);
    expect(b.lane.snapshot().totals).toMatchObject({ consumed: 1000, acked: 1000, created: 1000, deadLettered: 0 });
  });

  it('seals by records, and by age when nothing else comes', async () => {
    const b = bench({ writers: 1 });
    for (let i = 0; i < 23; i += 1) b.source.publish(`k${i}:v`);
    await until(() => empty(b), 'queue empty');
    expect(b.sink.batches.map((batch) => [batch.records.length, batch.sealedBy])).toEqual([
      [10, 'records'],
      [10, 'records'],
      [3, 'age'],
    ]);
  });

  it('seals a full window at once when the window is smaller than a batch', async () => {
    const b = bench({ writers: 1, batchSize: 500, window: 10, flushIntervalMs: 60_000 });
    for (let i = 0; i < 100; i += 1) b.source.publish(`k${i}:v`);
    await until(() => empty(b), 'queue empty');
    expect(new Set(b.sink.batches.map((batch) => batch.sealedBy))).toEqual(new Set(['window']));
  });

  it('seals by bytes', async () => {
    const b = bench({ writers: 1, batchBytes: 100, flushIntervalMs: 60_000 });
    for (let i = 0; i < 4; i += 1) b.source.publish(`k${i}:${'x'.repeat(60)}`);
    await until(() => empty(b), 'queue empty');
    expect(b.sink.batches.map((batch) => batch.sealedBy)).toEqual(['bytes', 'bytes']);
  });

  it('keeps versions of a key in order although writers run side by side', async () => {
    const b = bench({ writers: 4 });
    b.sink.before = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
    for (let version = 0; version < 50; version += 1)
      for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) b.source.publish(`${key}:${version}`);
    await until(() => empty(b), 'queue empty');
    expect([...b.sink.rows.values()].map((row) => row.record.value)).toEqual(Array(6).fill('49'));
  });

  it('dead-letters a record that does not decode, alone', async () => {
    const b = bench();
    for (let i = 0; i < 20; i += 1) b.source.publish(i === 7 ? '!nonsense' : `k${i}:v`);
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size).toBe(19);
    expect(b.source.letters.map(({ body, letter }) => [Buffer.from(body).toString(), letter.fault.code])).toEqual([
      ['!nonsense', 'json-invalid'],
    ]);
  });

  it('finds an unnamed culprit by bisection and writes its neighbours', async () => {
    const b = bench({ writers: 1 });
    b.sink.before = (batch) => {
      if (batch.records.some((record) => record.record.value === 'poison'))
        throw new SinkError('refused', fault('constraint-refused', 'merge', 'no'));
    };
    for (let i = 0; i < 30; i += 1) b.source.publish(i === 13 ? 'k13:poison' : `k${i}:v`);
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size).toBe(29);
    expect(b.source.letters.map(({ letter }) => [letter.key, letter.fault.code])).toEqual([
      ['k13', 'constraint-refused'],
    ]);
  });

  it('asks the model which records are bad, all at once, before it divides', async () => {
    const b = bench({ writers: 1 });
    let writes = 0;
    b.sink.before = (batch) => {
      writes += 1;
      if (batch.records.some((record) => record.record.value === 'bad'))
        throw new SinkError('refused', fault('value-refused', 'copy', 'no'), { culprit: 0 });
    };
    for (let i = 0; i < 10; i += 1) b.source.publish(`k${i}:${i % 3 === 0 ? 'bad' : 'v'}`);
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size).toBe(6);
    expect(b.source.letters).toHaveLength(4);
    expect(writes).toBe(2);
  });

  it('holds through an outage without giving anything back', async () => {
    const b = bench();
    let away = true;
    b.sink.before = () => {
      if (away) throw new SinkError('unavailable', fault('store-unreachable', 'merge', 'away'));
    };
    for (let i = 0; i < 200; i += 1) b.source.publish(`k${i}:v`);
    await until(() => (b.seen['batch.held']?.length ?? 0) > 6, 'held');
    expect(b.lane.snapshot().state).toBe('holding');
    expect(b.source.sessions).toBe(1);
    away = false;
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size).toBe(200);
    expect(b.source.letters).toHaveLength(0);
    expect(b.lane.snapshot().state).toBe('consuming');
  });

  it('lets go when an outage outlasts the limit, and consumes again only when the store answers', async () => {
    const b = bench({ hold: { ...quick.hold, limitMs: 20 } });
    let away = true;
    const unreachable = (): void => {
      if (away) throw new SinkError('unavailable', fault('store-unreachable', 'merge', 'away'));
    };
    b.sink.before = unreachable;
    b.sink.canary = unreachable;
    b.source.publish('k:v');
    await until(() => b.source.unsettled === 0 && b.source.ready === 1, 'given back');
    const sessions = b.source.sessions;
    await until(() => b.lane.snapshot().state === 'starting', 'waiting for the store');
    expect(b.source.sessions).toBe(sessions);
    away = false;
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size).toBe(1);
  });

  it('treats an unknown error as an outage while the canary fails', async () => {
    const b = bench();
    let away = true;
    b.sink.before = () => {
      if (away) throw new Error('who knows');
    };
    b.sink.canary = () => {
      if (away) throw new Error('away');
    };
    for (let i = 0; i < 20; i += 1) b.source.publish(`k${i}:v`);
    await until(() => (b.seen['batch.held']?.length ?? 0) > 8, 'held');
    away = false;
    await until(() => empty(b), 'queue empty');
    expect(b.source.letters).toHaveLength(0);
  });

  it('condemns the one record an unknown error follows, while the canary passes', async () => {
    const b = bench({ writers: 1 });
    b.sink.before = (batch) => {
      if (batch.records.some((record) => record.key === 'k5')) throw new RangeError('boom');
    };
    for (let i = 0; i < 10; i += 1) b.source.publish(`k${i}:v`);
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size).toBe(9);
    expect(b.source.letters.map(({ letter }) => [letter.key, letter.fault.code, letter.fault.blame])).toEqual([
      ['k5', 'suspect-condemned', 'us'],
    ]);
  });

  it('stores everything although the connection is cut again and again', async () => {
    const b = bench({ suspectAfter: 100 });
    b.sink.before = () => new Promise((resolve) => setTimeout(resolve, 1));
    for (let i = 0; i < 2000; i += 1) b.source.publish(`k${i % 700}:${i}`);
    for (let cut = 0; cut < 12; cut += 1) {
      const batches = b.sink.batches.length;
      await until(() => b.sink.batches.length > batches + 3 || empty(b), 'some batches');
      b.source.lose();
    }
    await until(() => empty(b), 'queue empty');
    expect(b.source.lateAcks).toBe(0);
    expect(b.sink.rows.size).toBe(700);
    expect([...b.sink.rows.values()].every((row) => Number(row.record.value) >= 1300)).toBe(true);
  });

  it('passes a signal only after everything before it is stored, and before anything behind it', async () => {
    const b = bench();
    const order: string[] = [];
    b.sink.before = (batch) => {
      order.push(...batch.records.map((record) => record.key));
    };
    const { mark } = b.sink;
    b.sink.mark = (signal, of, context) => {
      order.push('signal');
      return mark(signal, of, context);
    };
    for (let i = 0; i < 25; i += 1) b.source.publish(`a${i}:v`);
    b.source.publish('#things');
    for (let i = 0; i < 25; i += 1) b.source.publish(`b${i}:v`);
    await until(() => empty(b), 'queue empty');
    expect(order.indexOf('signal')).toBe(25);
    expect(order).toHaveLength(51);
    expect(b.sink.marks).toHaveLength(1);
  });

  it('tells a sink that keeps a ledger of a record before its letter goes, and waits until it knows', async () => {
    const b = bench();
    const letters: number[] = [];
    let refusals = 0;
    b.sink.condemn = async () => {
      letters.push(b.source.letters.length);
      refusals += 1;
      if (refusals < 3) throw new SinkError('unavailable', fault('store-unreachable', 'merge', 'away'));
    };
    b.source.publish('!x');
    await until(() => empty(b), 'queue empty');
    expect(letters).toEqual([0, 0, 0]);
    expect(b.source.letters).toHaveLength(1);
  });

  it('gives a signal back unsettled, at once, when the drain interrupts what it began', async () => {
    const b = bench();
    let draining: AbortSignal | undefined;
    b.sink.mark = async (_signal, _of, context) => {
      draining = context.draining;
      await new Promise((resolve) => context.draining.addEventListener('abort', resolve, { once: true }));
      throw new MarkInterrupted();
    };
    b.source.publish('a:v');
    b.source.publish('#things');
    await until(() => draining !== undefined, 'the signal');
    const began = performance.now();
    expect(await b.lane.stop(AbortSignal.timeout(30_000))).toBe(1);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(b.source.ready).toBe(1);
    expect(b.sink.rows.size).toBe(1);
  });

  it('keeps the original when a letter cannot be confirmed, and tries again', async () => {
    const b = bench();
    let refusals = 0;
    b.source.beforeLetter = () => {
      refusals += 1;
      if (refusals < 4) throw new Error('no confirm');
    };
    b.source.publish('!x');
    b.source.publish('k:v');
    await until(() => empty(b), 'queue empty');
    expect(refusals).toBe(4);
    expect(b.source.letters).toHaveLength(1);
  });

  it('brakes when the store refuses everything, dead-letters nothing of it, and resumes when the store relents', async () => {
    const b = bench({ writers: 1, batchSize: 50 });
    let strict = false;
    b.sink.before = () => {
      if (strict) throw new SinkError('refused', fault('value-refused', 'copy', 'wrong type'), { culprit: 0 });
    };
    for (let i = 0; i < 200; i += 1) b.source.publish(`a${i}:v`);
    await until(() => empty(b), 'first part stored');
    strict = true;
    for (let i = 0; i < 200; i += 1) b.source.publish(`b${i}:v`);
    await until(() => b.lane.snapshot().state === 'braked', 'braked');
    await until(() => (b.seen['batch.held']?.length ?? 0) > 3, 'probing');
    expect(b.source.letters.length).toBeLessThanOrEqual(20);
    strict = false;
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size + b.source.letters.length).toBe(400);
    expect(b.lane.snapshot().state).toBe('consuming');
  });

  it('brakes on a flood of undecodable records and lets them go on an operator’s word', async () => {
    const b = bench({ window: 1000, brake: { ...quick.brake, window: 100 } });
    for (let i = 0; i < 300; i += 1) b.source.publish(`!${i}`);
    await until(() => b.lane.snapshot().state === 'braked', 'braked');
    expect(b.source.letters.length).toBeLessThanOrEqual(50);
    for (let i = 0; i < 6 && b.source.unsettled > 0; i += 1) {
      b.lane.releaseBrake();
      await until(() => b.lane.snapshot().state === 'braked' || empty(b), 'letters written');
    }
    await until(() => empty(b), 'queue empty');
    expect(b.source.letters).toHaveLength(300);
  });

  it('handles a record alone that outlived several crashes, and condemns it before the broker would', async () => {
    const source = createMemorySource();
    for (let i = 0; i < 20; i += 1) source.publish(i === 7 ? 'killer:v' : `k${i}:v`);
    const stored = new Set<string>();
    const sizes: number[] = [];
    // Each lane stands for a process that the record ends: its successor knows nothing of it but what the broker counts.
    for (let life = 0; life < 8 && source.ready + source.unsettled > 0; life += 1) {
      const b = bench({ writers: 1, suspectAfter: 3, condemnAfter: 5, flushIntervalMs: 5 }, { source });
      let crashed = false;
      b.sink.before = async (batch) => {
        if (!batch.records.some((record) => record.key === 'killer')) return;
        sizes.push(batch.records.length);
        crashed = true;
        source.lose();
        await new Promise(() => {});
      };
      await until(() => crashed || empty(b), 'the end of a life');
      for (const key of b.sink.rows.keys()) stored.add(key);
      void b.lane.stop(AbortSignal.abort());
    }
    expect(source.letters.map(({ letter }) => letter.fault.code)).toEqual(['crash-suspect']);
    expect(stored.size).toBe(19);
    expect(sizes.slice(3)).toEqual([1, 1]);
  });

  it('drains on stop: nothing acked is missing, nothing is left', async () => {
    const b = bench({ flushIntervalMs: 60_000 });
    for (let i = 0; i < 95; i += 1) b.source.publish(`k${i}:v`);
    await until(() => b.source.unsettled > 0, 'taken');
    const left = await b.lane.stop(AbortSignal.timeout(5000));
    expect(left).toBe(0);
    expect(b.sink.rows.size).toBe(95 - b.source.ready);
    expect(b.lane.snapshot().state).toBe('stopped');
  });

  it('stops by the deadline while the store is away, and leaves the records to the queue', async () => {
    const b = bench();
    b.sink.before = () => {
      throw new SinkError('unavailable', fault('store-unreachable', 'merge', 'away'));
    };
    for (let i = 0; i < 50; i += 1) b.source.publish(`k${i}:v`);
    await until(() => (b.seen['batch.held']?.length ?? 0) > 0, 'held');
    const left = await b.lane.stop(AbortSignal.timeout(50));
    expect(left).toBe(50);
    expect(b.source.ready).toBe(50);
    expect(b.source.letters).toHaveLength(0);
  });

  it('stays inside its bytes however large the bodies are, and stores them all', async () => {
    const b = bench({ window: 100, suspectAfter: 1000, condemnAfter: 2000 }, { bytes: 100_000 });
    let peak = 0;
    b.sink.before = () => {
      peak = Math.max(peak, b.lane.snapshot().pendingBytes);
    };
    for (let i = 0; i < 100; i += 1) b.source.publish(`k${i}:${'x'.repeat(20_000)}`);
    await until(() => empty(b), 'queue empty');
    expect(b.sink.rows.size).toBe(100);
    expect(peak).toBeLessThanOrEqual(120_100);
    expect(b.lane.snapshot().window).toBeLessThanOrEqual(5);
  });

  it('notices a sink that does not account for every record', async () => {
    const b = bench();
    const { write } = b.sink;
    b.sink.write = async (batch, signal) => ({ ...(await write(batch, signal)), outcomes: [] });
    b.source.publish('k:v');
    await until(() => b.source.letters.length === 1, 'letter');
    expect(b.source.letters[0]?.letter.fault.reason).toContain('0 outcomes for 1 records');
  });

  it('accounts for every millisecond of its writers', async () => {
    const b = bench({ writers: 1 });
    const began = performance.now();
    b.sink.before = () => new Promise((resolve) => setTimeout(resolve, 2));
    for (let i = 0; i < 200; i += 1) b.source.publish(`k${i}:v`);
    await until(() => empty(b), 'queue empty');
    const [writer] = b.lane.snapshot().writers;
    const sum = Object.values(writer?.spentMs ?? {}).reduce((a, x) => a + x, 0);
    expect(Math.abs(sum - (performance.now() - began))).toBeLessThan(50);
    expect(writer?.spentMs.writing).toBeGreaterThan(20);
  });
});
