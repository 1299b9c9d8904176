/** What metrics tell of the state of lanes, servers and the process. */
import { Events } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import type { Metrics } from '../src/index.ts';
import { lane, metricsOfTests, value } from './exposition.ts';
import { oneOfEach, written } from './samples.ts';

const { create, make } = metricsOfTests();

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
    const metrics = make({ reach });
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
    const metrics = make({ revision: 'abc123', logDropped: () => dropped });
    expect(value(await metrics.scrape(), 'inator_log_lines_dropped_total')).toBe(0);
    dropped = 7;
    const text = await metrics.scrape();
    expect(value(text, 'inator_log_lines_dropped_total')).toBe(7);
    expect(value(text, 'inator_build_info', { revision: 'abc123' })).toBe(1);
    expect(value(text, 'inator_heap_limit_bytes')).toBeGreaterThan(value(text, 'nodejs_heap_size_used_bytes') ?? 1e12);
    expect(text).toContain('# TYPE nodejs_gc_duration_seconds histogram');
  });
});
