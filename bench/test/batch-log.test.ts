import { describe, expect, it } from '@jest/globals';
import { ratios } from '../src/measure/stats.ts';
import { parseBatchLog, summarise } from '../src/report/batch-log.ts';

const json = (size: number, ms: number, at: string): string =>
  JSON.stringify({
    level: 'info',
    time: at,
    msg: 'Batch processed',
    data_type: 'releases',
    batch_size: size,
    duration_ms: ms,
  });

describe('logs of batches', () => {
  it('100 records in 523 ms before and 500 in 487 ms after are 191 and 1,027 records/s: 5.37 times as fast', () => {
    const before = summarise(
      parseBatchLog('Batch processed data_type=releases batch_size=100 duration_ms=523 records_per_sec=191'),
    );
    const after = summarise(
      parseBatchLog('Batch processed data_type=releases batch_size=500 duration_ms=487 records_per_sec=1026'),
    );
    expect([Math.round(before.perFlush), Math.round(after.perFlush)]).toEqual([191, 1027]);
    expect(ratios([after.perFlush], [before.perFlush])[0]?.toFixed(2)).toBe('5.37');
  });

  it('are read as JSON, as key=value text, and behind the prefix of a log collector', () => {
    const log = [
      json(500, 487, '2026-01-02T03:04:05.000Z'),
      '2026-01-02T03:04:06.000Z INFO tableinator Batch processed data_type=releases batch_size=500 duration_ms=480',
      `tableinator-1  | ${json(250, 100, '2026-01-02T03:04:07.000Z')}`,
      '{"msg":"Batch held","batch_size":500,"duration_ms":1}',
      'Batch processed with no numbers',
    ].join('\n');
    expect(parseBatchLog(log)).toEqual([
      { batches: 1, records: 500, ms: 487, at: Date.parse('2026-01-02T03:04:05.000Z') },
      { batches: 1, records: 500, ms: 480, at: Date.parse('2026-01-02T03:04:06.000Z') },
      { batches: 1, records: 250, ms: 100, at: Date.parse('2026-01-02T03:04:07.000Z') },
    ]);
  });

  it('count the batches that a summary tells of together like those that have a line', () => {
    const summed = { msg: 'Batches processed', batches: 9, records: 4_500, duration_ms: 900, records_per_sec: 5_000 };
    const text = 'INFO tableinator Batches processed data_type=releases batches=9 records=4500 duration_ms=900';
    const log = [json(500, 100, '2026-01-02T03:04:05Z'), JSON.stringify(summed), text].join('\n');
    expect(summarise(parseBatchLog(log))).toMatchObject({ batches: 19, records: 9_500, seconds: 1.9, perFlush: 5_000 });
  });

  it('tell the rate of the flushes from the rate from end to end', () => {
    const summary = summarise(
      parseBatchLog([json(500, 100, '2026-01-02T03:04:05Z'), json(500, 100, '2026-01-02T03:04:10Z')].join('\n')),
    );
    expect(summary).toEqual({ batches: 2, records: 1000, seconds: 0.2, perFlush: 5000, endToEnd: 100 });
    expect(summarise([]).records).toBe(0);
  });
});
