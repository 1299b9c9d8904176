/** Lines of batches at high rates: nothing that passed is missing from lines and summaries together. */
import { spawnSync } from 'node:child_process';
import { Events, noCounts } from '@inator/runtime';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { checkLine, logEvents } from '../src/index.ts';
import { collect, written } from './samples.ts';

type Line = Record<string, unknown>;

const sum = (lines: readonly Line[], field: string): number =>
  lines.reduce((total, line) => total + Number(line[field] ?? 0), 0);

/** What lines and summaries say was written, by the names that both use. */
function told(lines: readonly Line[]) {
  const single = lines.filter(({ event }) => event === 'batch.processed');
  const summed = lines.filter(({ event }) => event === 'batches.processed');
  const both = [...single, ...summed];
  return {
    batches: single.length + sum(summed, 'batches'),
    records: sum(single, 'batch_size') + sum(summed, 'records'),
    inserted: sum(both, 'inserted'),
    updated: sum(both, 'updated'),
    unchanged: sum(both, 'unchanged'),
    stale: sum(both, 'stale'),
    duplicates: sum(both, 'duplicates'),
    dead_lettered: sum(both, 'dead_lettered'),
    bytes: sum(both, 'bytes'),
    duration_ms: sum(both, 'duration_ms'),
    nodes_created: sum(both, 'nodes_created'),
  };
}

/** A batch that is like no other, so that a count that is told twice or not at all shows. */
function batch(index: number) {
  const counts = { ...noCounts, created: index, updated: 2 * index, unchanged: 3, stale: index % 5, collapsed: 1 };
  const graph = { nodesCreated: index, relationshipsCreated: 1, relationshipsDeleted: 0 };
  const refused = index % 3;
  return written({
    records: counts.created + counts.updated + counts.unchanged + counts.stale + counts.collapsed + refused,
    bytes: 1_000 + index,
    attempts: 1 + (index % 2),
    durationMs: 5 + index,
    receipt: { outcomes: [], counts, phases: {}, graph },
    refused,
  });
}

describe('Batch processed at a high rate', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  const start = (batchLines: number) => {
    const { log, objects, lines } = collect();
    const events = new Events();
    const stop = logEvents(log, events, { batchLines });
    return { events, objects, lines, stop, named: (event: string) => objects().filter((line) => line.event === event) };
  };

  it('has a line for every batch as long as there are not too many in a second', () => {
    const { events, objects, stop } = start(10);
    for (let i = 0; i < 50; i += 1) {
      events.emit('batch.written', batch(i));
      jest.advanceTimersByTime(100);
    }
    stop();
    expect(objects().map(({ event }) => event)).toEqual(Array(50).fill('batch.processed'));
  });

  it('has lines for the first batches of each second, and one summary of the others after ten seconds', () => {
    const { events, named } = start(10);
    for (let i = 0; i < 200; i += 1) {
      events.emit('batch.written', batch(i));
      jest.advanceTimersByTime(50);
    }
    // Twenty batches a second for ten seconds: half of them are over.
    expect(named('batch.processed')).toHaveLength(100);
    jest.advanceTimersByTime(1_000);
    expect(named('batches.processed')).toHaveLength(1);
    expect(named('batches.processed')[0]).toMatchObject({
      level: 'info',
      msg: 'Batches processed',
      data_type: 'artists',
      batches: 100,
      retried: 50,
      p50_ms: 99 + 5,
      max_ms: 199 + 5,
    });
    for (const line of named('batches.processed')) expect(checkLine(line)).toEqual([]);
  });

  it.each([0, 1, 7, 20])('with %i lines a second adds up to every record, also of what is left at the end', (most) => {
    const { events, objects, stop } = start(most);
    const all = Array.from({ length: 1_000 }, (_, index) => batch(index));
    for (const [index, each] of all.entries()) {
      events.emit('batch.written', { ...each, lane: index % 3 === 0 ? 'labels' : 'artists' });
      jest.advanceTimersByTime(index % 37);
    }
    stop();
    expect(told(objects())).toEqual({
      batches: 1_000,
      records: all.reduce((total, { records }) => total + records, 0),
      inserted: all.reduce((total, { receipt }) => total + receipt.counts.created, 0),
      updated: all.reduce((total, { receipt }) => total + receipt.counts.updated, 0),
      unchanged: 3_000,
      stale: all.reduce((total, { receipt }) => total + receipt.counts.stale, 0),
      duplicates: 1_000,
      dead_lettered: all.reduce((total, { refused }) => total + refused, 0),
      bytes: all.reduce((total, { bytes }) => total + bytes, 0),
      duration_ms: all.reduce((total, { durationMs }) => total + durationMs, 0),
      nodes_created: all.reduce((total, { receipt }) => total + (receipt.graph?.nodesCreated ?? 0), 0),
    });
    expect(objects().some(({ event }) => event === 'batches.processed')).toBe(true);
    for (const line of objects()) expect(checkLine(line)).toEqual([]);
    const lines = objects().length;
    stop();
    jest.advanceTimersByTime(60_000);
    expect(objects()).toHaveLength(lines);
  });

  it('counts each lane for itself', () => {
    const { events, named, stop } = start(2);
    for (const lane of ['artists', 'artists', 'artists', 'labels']) events.emit('batch.written', { ...batch(1), lane });
    stop();
    expect(named('batch.processed').map(({ data_type }) => data_type)).toEqual(['artists', 'artists', 'labels']);
    expect(named('batches.processed')).toMatchObject([{ data_type: 'artists', batches: 1 }]);
  });

  it('is summed up sooner when there are very many batches, so that memory stays bounded', () => {
    const { events, named } = start(0);
    for (let i = 0; i < 10_001; i += 1) events.emit('batch.written', batch(1));
    expect(named('batches.processed')).toMatchObject([{ batches: 10_000 }]);
  });
});

describe('a process that ends', () => {
  it.each(['json', 'text'] as const)('writes the last summary as %s', (format) => {
    const script = `
      import { Events } from '@inator/runtime';
      import { createLog, logEvents } from '@inator/telemetry';
      const log = createLog({ service: 's', version: 'v', instance: 'i', level: 'info', format: '${format}' });
      const events = new Events();
      const stop = logEvents(log, events, { batchLines: 3 });
      const counts = { created: 20, updated: 0, unchanged: 0, stale: 0, collapsed: 0 };
      const receipt = { outcomes: [], counts, phases: {} };
      for (let i = 0; i < 50; i += 1)
        events.emit('batch.written', { lane: 'a', writer: 0, records: 20, bytes: 1, sealedBy: 'records', attempts: 1,
          durationMs: 10, ageMs: 1, publishedAgeMs: undefined, receipt, refused: 0 });
      stop();
      log.flush();
      process.exit(0);`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect(stderr).toBe('');
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines.filter((line) => line.includes('Batch processed'))).toHaveLength(3);
    // Not always the last: the end of the process overtakes a write that is under way.
    const last = lines.find((line) => line.includes('Batches processed')) ?? '';
    if (format === 'json')
      expect(JSON.parse(last)).toMatchObject({ msg: 'Batches processed', batches: 47, records: 940 });
    else expect(last).toMatch(/ INFO s Batches processed data_type=a batches=47 records=940 duration_ms=470 /);
  });
});
