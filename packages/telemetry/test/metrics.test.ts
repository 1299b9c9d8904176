import { Events } from '@inator/runtime';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  createAdminServer,
  createHealth,
  createLive,
  createMetrics,
  type Metrics,
  metricKinds,
  type SinkName,
  seriesBudget,
  standardRoutes,
} from '../src/index.ts';
import { emitAll, oneOfEach, snapshot, written } from './samples.ts';

const made: Metrics[] = [];
function create(sink: SinkName = 'postgres', everyMs = 0): Metrics {
  const service = sink === 'postgres' ? 'tableinator' : 'graphinator';
  const metrics = createMetrics({ service, version: '1', sink, depth: { everyMs, waitMs: 50 } });
  made.push(metrics);
  return metrics;
}
afterEach(() => {
  for (const metrics of made.splice(0)) metrics.close();
});

const lane = (changes: Parameters<typeof snapshot>[0] = {}, depth = async (): Promise<number | undefined> => 42) => ({
  name: changes?.lane ?? 'artists',
  snapshot: () => snapshot(changes),
  depth,
});

/** The value of the series with these labels, whatever their order. */
function value(text: string, name: string, labels: Record<string, string> = {}): number | undefined {
  for (const line of text.split('\n')) {
    const match = /^([a-z_]+)\{(.*)\} (\S+)$/.exec(line);
    if (match?.[1] !== name) continue;
    const given = Object.fromEntries([...(match[2] ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, k, v]) => [k, v]));
    if (Object.entries(labels).every(([k, v]) => given[k] === v)) return Number(match[3]);
  }
  return undefined;
}

const series = (text: string): string[] => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('counters of a lane', () => {
  it('stand at 0 before anything happened, and say which service they are of', async () => {
    const metrics = create();
    metrics.lane(lane({ totals: { ...snapshot().totals, consumed: 0, redelivered: 0 } }));
    const text = await metrics.scrape();
    const labels = { service: 'tableinator', data_type: 'artists' };
    expect(value(text, 'inator_messages_consumed_total', { ...labels, redelivered: 'true' })).toBe(0);
    expect(value(text, 'inator_records_dead_lettered_total', { ...labels, reason: 'text-nul' })).toBe(0);
    expect(value(text, 'inator_batch_duration_seconds_count', { ...labels, phase: 'merge' })).toBe(0);
    expect(value(text, 'inator_batches_total', { ...labels, result: 'ok', flush_reason: 'age' })).toBe(0);
  });

  it('are what the totals of the snapshot say at the scrape, however often it is scraped', async () => {
    const metrics = create();
    metrics.lane(lane());
    await metrics.scrape();
    const [text] = await Promise.all([metrics.scrape(), metrics.scrape()]);
    const of = (name: string, labels = {}) => value(text ?? '', name, labels);
    expect(of('inator_messages_consumed_total', { redelivered: 'false' })).toBe(990);
    expect(of('inator_messages_consumed_total', { redelivered: 'true' })).toBe(10);
    expect(of('inator_messages_settled_total', { outcome: 'ack' })).toBe(900);
    expect(of('inator_messages_settled_total', { outcome: 'dead_letter' })).toBe(3);
    expect(of('inator_records_written_total', { sink: 'postgres', op: 'inserted' })).toBe(700);
    expect(of('inator_duplicates_collapsed_total')).toBe(5);
    expect(of('inator_sessions_lost_total')).toBe(1);
  });

  it('never go down, even when time is booked under one state and then moved to another', async () => {
    const metrics = create();
    let spent = { idle: 0, decoding: 0, waiting: 0, writing: 3000, holding: 0, settling: 0 };
    metrics.lane({ ...lane(), snapshot: () => snapshot({ writers: [{ state: 'writing', spentMs: spent }] }) });
    const read = async () => value(await metrics.scrape(), 'inator_writer_seconds_total', { state: 'writing' });
    expect(await read()).toBe(3);
    spent = { ...spent, waiting: 4000, writing: 1000 };
    expect(await read()).toBe(3);
    spent = { ...spent, writing: 5000 };
    expect(await read()).toBe(5);
  });

  it('add up the time of all writers by what they did', async () => {
    const metrics = create();
    const writer = snapshot().writers[0];
    if (writer === undefined) throw new Error('no writer');
    metrics.lane(lane({ writers: [writer, writer] }));
    const text = await metrics.scrape();
    expect(value(text, 'inator_writer_seconds_total', { state: 'writing' })).toBe(8);
    expect(value(text, 'inator_writer_seconds_total', { state: 'idle' })).toBe(2);
    expect(value(text, 'inator_writers')).toBe(2);
    expect(value(text, 'inator_batches_in_flight')).toBe(2);
  });
});

describe('events', () => {
  it('are counted once a batch, with the time of each phase', async () => {
    const metrics = create();
    metrics.lane(lane());
    const events = new Events();
    const stop = metrics.events(events);
    events.emit('batch.written', written());
    events.emit('batch.written', written({ attempts: 3, sealedBy: 'age' }));
    events.emit('batch.written', written({ refused: 1 }));
    events.emit('batch.held', oneOfEach['batch.held']);
    stop();
    events.emit('batch.written', written());
    const text = await metrics.scrape();
    expect(value(text, 'inator_batches_total', { result: 'ok', flush_reason: 'records' })).toBe(1);
    expect(value(text, 'inator_batches_total', { result: 'retried', flush_reason: 'age' })).toBe(1);
    expect(value(text, 'inator_batches_total', { result: 'refused', flush_reason: 'records' })).toBe(1);
    expect(value(text, 'inator_batch_records_sum')).toBe(1500);
    expect(value(text, 'inator_batch_duration_seconds_sum', { phase: 'copy' })).toBeCloseTo(0.6);
    expect(value(text, 'inator_batch_duration_seconds_bucket', { phase: 'total', le: '0.5' })).toBe(3);
    expect(value(text, 'inator_batch_retries_total', { class: 'store-unreachable' })).toBe(1);
  });

  it('that return messages to the broker settle them, so that consumed less settled is what is in hand', async () => {
    const metrics = create();
    metrics.lane(lane());
    const events = new Events();
    metrics.events(events);
    events.emit('session.lost', { ...oneOfEach['session.lost'], unsettled: 97 });
    const text = await metrics.scrape();
    const settled = ['ack', 'dead_letter', 'returned'].map((outcome) =>
      value(text, 'inator_messages_settled_total', { outcome }),
    );
    expect(settled).toEqual([900, 3, 97]);
  });
});

describe('gauges', () => {
  it('show the state of the lane, one at a time', async () => {
    const metrics = create();
    metrics.lane(lane({ state: 'holding' }));
    const text = await metrics.scrape();
    expect(value(text, 'inator_lane_state', { state: 'holding' })).toBe(1);
    expect(value(text, 'inator_lane_state', { state: 'consuming' })).toBe(0);
    expect(value(text, 'inator_consumer_paused', { cause: 'outage' })).toBe(1);
    expect(value(text, 'inator_consumer_paused', { cause: 'operator' })).toBe(0);
    expect(value(text, 'inator_buffer_records')).toBe(12);
    expect(value(text, 'inator_prefetch_count')).toBe(1250);
    expect(value(text, 'inator_last_commit_timestamp_seconds')).toBe(1_700_000_001);
  });

  it('of servers come from what was registered; one that throws costs only itself', async () => {
    const metrics = create();
    let up = true;
    metrics.component('amqp', { up: () => up, blocked: () => !up, reconnects: () => 2 });
    metrics.component('postgres', { pool: () => ({ active: 3, idle: 2, waiting: 0 }) });
    expect(value(await metrics.scrape(), 'inator_connection_up', { component: 'amqp' })).toBe(1);
    expect(value(await metrics.scrape(), 'inator_connection_blocked', { component: 'amqp' })).toBe(0);
    up = false;
    const text = await metrics.scrape();
    expect(value(text, 'inator_connection_up', { component: 'amqp' })).toBe(0);
    expect(value(text, 'inator_connection_blocked', { component: 'amqp' })).toBe(1);
    expect(value(text, 'inator_reconnects_total', { component: 'amqp' })).toBe(2);
    expect(value(text, 'inator_pool_connections', { component: 'postgres', state: 'active' })).toBe(3);
    expect(value(text, 'inator_connection_up', { component: 'postgres' })).toBeUndefined();
  });

  it('have the build and the process', async () => {
    const text = await create().scrape();
    expect(value(text, 'inator_build_info', { version: '1', node_version: process.version })).toBe(1);
    expect(text).toContain('process_resident_memory_bytes');
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
  });
});

describe('a store', () => {
  const store = (check: () => Promise<void>, reach = { everyMs: 0, waitMs: 50, deadlineMs: 100 }): Metrics => {
    const metrics = createMetrics({ service: 'tableinator', version: '1', sink: 'postgres', reach });
    made.push(metrics);
    metrics.component('postgres', { check, pool: () => ({ active: 1, idle: 2, waiting: 3, max: 4 }) as never });
    return metrics;
  };
  const up = async (metrics: Metrics) =>
    value(await metrics.scrape(), 'inator_connection_up', { component: 'postgres' });
  const reconnects = async (metrics: Metrics) =>
    value(await metrics.scrape(), 'inator_reconnects_total', { component: 'postgres' });

  it('is up while its canary resolves, down while it rejects or hangs, and counted when it is back', async () => {
    let canary = (): Promise<void> => Promise.resolve();
    const metrics = store(() => canary());
    expect(await up(metrics)).toBe(1);
    expect(await reconnects(metrics)).toBe(0);
    canary = () => Promise.reject(new Error('refused'));
    expect(await up(metrics)).toBe(0);
    expect(await up(metrics)).toBe(0);
    canary = () => Promise.resolve();
    expect(await reconnects(metrics)).toBe(1);
    canary = () => new Promise(() => {});
    const began = performance.now();
    while ((await up(metrics)) !== 0) expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('is down from the first batch that could not reach it, and back with the first that went through', async () => {
    const metrics = store(() => new Promise(() => {}), { everyMs: 60_000, waitMs: 1, deadlineMs: 60_000 });
    const events = new Events();
    metrics.events(events);
    expect(await up(metrics)).toBeUndefined();
    events.emit('batch.held', oneOfEach['batch.held']);
    expect(await up(metrics)).toBe(0);
    events.emit('batch.released', oneOfEach['batch.released']);
    expect(await up(metrics)).toBe(1);
    expect(await reconnects(metrics)).toBe(1);
  });

  it('that is too busy for its canary is up while batches are committed', async () => {
    const events = new Events();
    const metrics = store(() => {
      events.emit('batch.written', written({ receipt: { ...written().receipt, outcomes: [{ is: 'stored' }] } }));
      return Promise.reject(new Error('no connection is free'));
    });
    metrics.events(events);
    expect(await up(metrics)).toBe(1);
  });

  it('tells of its pool the three states that the table names', async () => {
    const states = [
      ...(await store(async () => {}).scrape()).matchAll(/inator_pool_connections\{.*state="(\w+)".*\} (\d)/g),
    ];
    expect(states.map(([, state, count]) => [state, count])).toEqual([
      ['active', '1'],
      ['idle', '2'],
      ['waiting', '3'],
    ]);
  });
});

describe('the process', () => {
  it('counts the lines that its log has dropped, and tells what the heap may grow to and what was built', async () => {
    let dropped = 0;
    const metrics = createMetrics({
      service: 'tableinator',
      version: '1',
      revision: 'abc123',
      sink: 'postgres',
      logDropped: () => dropped,
    });
    made.push(metrics);
    expect(value(await metrics.scrape(), 'inator_log_lines_dropped_total')).toBe(0);
    dropped = 7;
    const text = await metrics.scrape();
    expect(value(text, 'inator_log_lines_dropped_total')).toBe(7);
    expect(value(text, 'inator_build_info', { revision: 'abc123' })).toBe(1);
    expect(value(text, 'inator_heap_limit_bytes')).toBeGreaterThan(value(text, 'nodejs_heap_size_used_bytes') ?? 1e12);
    expect(text).toContain('# TYPE nodejs_gc_duration_seconds histogram');
  });
});

describe('the letters of a lane', () => {
  it('are a depth of their own, missing while the broker cannot tell', async () => {
    const metrics = create();
    let known: number | undefined = 3;
    metrics.lane({ ...lane(), letters: async () => known });
    expect(value(await metrics.scrape(), 'inator_dead_letters_waiting', { data_type: 'artists' })).toBe(3);
    known = undefined;
    expect(value(await metrics.scrape(), 'inator_dead_letters_waiting')).toBeUndefined();
  });
});

describe('the depth of a queue', () => {
  it('is asked for at the scrape, and missing when nobody knows it or the broker does not answer', async () => {
    const metrics = create();
    metrics.lane(lane());
    metrics.lane(lane({ lane: 'labels' }, async () => undefined));
    metrics.lane(lane({ lane: 'masters' }, () => new Promise(() => {})));
    metrics.lane(lane({ lane: 'releases' }, () => Promise.reject(new Error('no'))));
    const began = performance.now();
    const text = await metrics.scrape();
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(value(text, 'inator_queue_messages', { data_type: 'artists' })).toBe(42);
    for (const data_type of ['labels', 'masters', 'releases']) {
      expect(value(text, 'inator_queue_messages', { data_type })).toBeUndefined();
    }
  });

  it('goes away again when it is not known any more', async () => {
    const metrics = create();
    let known: number | undefined = 5;
    metrics.lane(lane({}, async () => known));
    expect(value(await metrics.scrape(), 'inator_queue_messages')).toBe(5);
    known = undefined;
    expect(value(await metrics.scrape(), 'inator_queue_messages')).toBeUndefined();
  });

  it('is asked for seldom, however often somebody scrapes, and a question that hangs is not repeated', async () => {
    const seldom = create('postgres', 60_000);
    let asked = 0;
    seldom.lane(
      lane({}, async () => {
        asked += 1;
        return 1;
      }),
    );
    for (let i = 0; i < 5; i += 1) await seldom.scrape();
    expect(asked).toBe(1);

    const often = create('postgres', 0);
    let hanging = 0;
    often.lane(
      lane({}, () => {
        hanging += 1;
        return new Promise(() => {});
      }),
    );
    for (let i = 0; i < 3; i += 1) await often.scrape();
    expect(hanging).toBe(1);
  });
});

describe('the table of metrics', () => {
  it.each(['postgres', 'neo4j'] as const)('keeps a process with four lanes within the budget (%s)', async (sink) => {
    const metrics = create(sink);
    const events = new Events();
    metrics.events(events);
    for (const name of ['artists', 'labels', 'masters', 'releases']) {
      metrics.lane({ ...lane({ lane: name }), letters: async () => 1 });
    }
    metrics.component('amqp', { up: () => true, blocked: () => false, reconnects: () => 0 });
    metrics.component(sink, { check: async () => {}, pool: () => ({ active: 1, idle: 1, waiting: 1 }) });
    emitAll(events);
    const text = await metrics.scrape();
    expect(text).toContain('inator_dead_letters_waiting{');
    expect(series(text).length).toBeGreaterThan(500);
    // The collector's histogram, four kinds of ten series each, shows only what has been collected so far.
    const collector = series(text).filter((line) => line.startsWith('nodejs_gc_duration_seconds')).length;
    expect(series(text).length - collector + 40).toBeLessThanOrEqual(seriesBudget);
  });

  it('names everything that is exposed, and keeps the conventions', async () => {
    const metrics = create();
    metrics.lane(lane());
    const exposed = [...(await metrics.scrape()).matchAll(/^# TYPE (inator_\w+) (\w+)$/gm)];
    expect(exposed.length).toBeGreaterThan(25);
    for (const [, name, type] of exposed) {
      expect(metricKinds[name as keyof typeof metricKinds]?.type).toBe(type);
    }
    for (const [name, kind] of Object.entries(metricKinds)) {
      expect(name.endsWith('_total')).toBe(kind.type === 'counter');
      expect(kind.help).toMatch(/\.$/);
    }
  });
});

describe('over HTTP', () => {
  it('the exposition is served with its content type', async () => {
    const metrics = create();
    metrics.lane(lane());
    const health = createHealth();
    const live = createLive({ service: 's', version: '1', instance: 'i', health });
    const server = createAdminServer({
      host: '127.0.0.1',
      port: 0,
      routes: standardRoutes({ service: 's', version: '1', instance: 'i', health, metrics, live, lanes: () => [] }),
    });
    const { port } = await server.listen();
    try {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
      expect(value(await response.text(), 'inator_buffer_records')).toBe(12);
    } finally {
      live.close();
      await server.close();
    }
  });
});
