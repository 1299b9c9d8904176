/** The table of metrics, what is counted of lanes and their batches, and the exposition over HTTP. */
import { Events } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import {
  createAdminServer,
  createHealth,
  createLive,
  metricKinds,
  type SinkName,
  seriesBudget,
  seriesPerLane,
  standardRoutes,
} from '../src/index.ts';
import { lane, metricsOfTests, series, value } from './exposition.ts';
import { emitAll, oneOfEach, snapshot, written } from './samples.ts';

const { create } = metricsOfTests();

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
    expect(of('inator_replayed_total')).toBe(3);
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
    events.emit('batch.written', written({ refused: 1, receipt: { ...written().receipt, restarts: 2 } }));
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
    expect(value(text, 'inator_batch_retries_total', { class: 'store-busy' })).toBe(2);
  });

  it('tell the age since publishing only of batches that have one, and count the versions that decided nothing', async () => {
    const metrics = create();
    metrics.lane(lane());
    const events = new Events();
    metrics.events(events);
    const { receipt } = written();
    events.emit('batch.written', written());
    events.emit('batch.written', written({ publishedAgeMs: 42_000 }));
    events.emit('batch.written', written({ receipt: { ...receipt, counts: { ...receipt.counts, tied: 3 } } }));
    const text = await metrics.scrape();
    expect(value(text, 'inator_message_age_seconds_count')).toBe(3);
    expect(value(text, 'inator_message_published_age_seconds_count')).toBe(1);
    expect(value(text, 'inator_message_published_age_seconds_sum')).toBe(42);
    expect(value(text, 'inator_version_ties_total')).toBe(3);
  });

  it('that return messages to the broker settle them, so that consumed less settled is what is in hand', async () => {
    const metrics = create();
    metrics.lane(lane());
    const events = new Events();
    metrics.events(events);
    events.emit('session.lost', { ...oneOfEach['session.lost'], unsettled: 57 });
    events.emit('session.closed', { ...oneOfEach['session.closed'], unsettled: 40 });
    const text = await metrics.scrape();
    const settled = ['ack', 'dead_letter', 'returned'].map((outcome) =>
      value(text, 'inator_messages_settled_total', { outcome }),
    );
    expect(settled).toEqual([900, 3, 97]);
  });
});

describe('the table of metrics', () => {
  const busiest = async (sink: SinkName, names: readonly string[]): Promise<string> => {
    const metrics = create(sink);
    const events = new Events();
    metrics.events(events);
    for (const name of names) {
      metrics.lane({ ...lane({ lane: name }), letters: async () => 1 });
    }
    metrics.component('amqp', { up: () => true, blocked: () => false, reconnects: () => 0 });
    metrics.component(sink, { check: async () => {}, pool: () => ({ active: 1, idle: 1, waiting: 1 }) });
    emitAll(events);
    return metrics.scrape();
  };
  const four = ['artists', 'labels', 'masters', 'releases'];

  it.each(['postgres', 'neo4j'] as const)('keeps a process with four lanes within the budget (%s)', async (sink) => {
    const text = await busiest(sink, four);
    expect(text).toContain('inator_dead_letters_waiting{');
    expect(series(text).length).toBeGreaterThan(500);
    // The collector's histogram, four kinds of ten series each, shows only what has been collected so far.
    const collector = series(text).filter((line) => line.startsWith('nodejs_gc_duration_seconds')).length;
    expect(series(text).length - collector + 40).toBeLessThanOrEqual(seriesBudget);
  });

  it.each(['postgres', 'neo4j'] as const)('has so many more series a further lane and no more (%s)', async (sink) => {
    const ours = (text: string): number => series(text).filter((line) => line.startsWith('inator_')).length;
    const further = Array.from({ length: 16 }, (_, nr) => `type${nr}`);
    const slope = (ours(await busiest(sink, [...four, ...further])) - ours(await busiest(sink, four))) / further.length;
    expect(slope).toBeGreaterThan(200);
    expect(slope).toBeLessThanOrEqual(seriesPerLane);
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
      routes: standardRoutes({
        service: 's',
        version: '1',
        revision: undefined,
        instance: 'i',
        health,
        metrics,
        live,
        lanes: () => [],
      }),
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
