/** PostgreSQL and our sink alone: batches that are decoded beforehand, written from memory by as many writers as a lane has. */
import { createTableSink, type WritePathName } from '@inator/postgres';
import type { Batch } from '@inator/runtime';
import { openPostgres, tableBatches, tableModel } from '../stores/table.ts';
import { fillingGiven } from './filling.ts';
import { consuming, given, processed } from './report.ts';

const filling = fillingGiven();
const postgres = openPostgres(process.env, given('POSTGRES_SCHEMA'));
const model = tableModel(filling.type, given('BENCH_INDICES') === 'all' ? 'all' : 'hash');
const sink = createTableSink(postgres, model, {
  writePath: given('BENCH_WRITE_PATH') as WritePathName,
  asks: given('BENCH_ASKS') === 'true',
});
const signal = new AbortController().signal;
await sink.open(signal);

const batches: Batch<Uint8Array>[] = [...tableBatches(model, filling, Number(given('BENCH_BATCH_SIZE')))];
let next = 0;
consuming();
await Promise.all(
  Array.from({ length: Number(given('BENCH_WRITERS')) }, async () => {
    for (let batch = batches[next++]; batch !== undefined; batch = batches[next++]) {
      const began = performance.now();
      await sink.write(batch, signal);
      processed(batch.records.length, began);
    }
  }),
);
// The harness reads what this process used, and then stops it.
setInterval(() => {}, 60_000);
