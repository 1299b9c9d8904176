/**
 * The shortest loop one would write by hand: consume, COPY into a stage, merge, commit, ack everything. No isolation, no
 * hold, no versions, no supervision: what tableinator is measured against, on the same queue type and the same table.
 */
import { type ConsumeMessage, connect } from 'amqplib';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { consuming, given, processed } from './report.ts';

const batchSize = Number(given('BENCH_BATCH_SIZE'));

const client = new pg.Client(given('POSTGRES_URL'));
await client.connect();
const connection = await connect(given('RABBITMQ_URL'));
const channel = await connection.createChannel();
await channel.prefetch(batchSize * 2);

const waiting: ConsumeMessage[] = [];
let wake = (): void => {};
await channel.consume(given('BENCH_QUEUE'), (message) => {
  if (message === null) return;
  waiting.push(message);
  if (waiting.length >= batchSize) wake();
});
consuming();
const table = given('BENCH_TABLE');

const signature = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');

function field(bytes: Buffer): Buffer[] {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return [length, bytes];
}

for (;;) {
  if (waiting.length < batchSize) {
    await Promise.race([
      new Promise<void>((resolve) => {
        wake = resolve;
      }),
      new Promise((resolve) => setTimeout(resolve, 500)),
    ]);
  }
  const batch = waiting.splice(0, batchSize);
  const last = batch.at(-1);
  if (last === undefined) continue;
  const began = performance.now();
  const parts: Buffer[] = [signature];
  for (const { content } of batch) {
    const { id, sha256 } = JSON.parse(content.toString()) as { readonly id: string; readonly sha256: string };
    parts.push(
      Buffer.from([0, 3]),
      ...field(Buffer.from(id)),
      ...field(Buffer.from(sha256)),
      ...field(Buffer.concat([Buffer.from([1]), content])),
    );
  }
  parts.push(Buffer.from([0xff, 0xff]));
  await client.query('BEGIN');
  await client.query('CREATE TEMP TABLE s (data_id varchar, hash varchar, data jsonb) ON COMMIT DROP');
  const stream = client.query(copyFrom('COPY s FROM STDIN (FORMAT binary)'));
  await new Promise<void>((resolve, reject) => {
    stream.on('error', reject).on('finish', resolve).end(Buffer.concat(parts));
  });
  await client.query(
    `INSERT INTO ${table} AS t (data_id, hash, data) SELECT DISTINCT ON (data_id) data_id, hash, data FROM s ORDER BY data_id
     ON CONFLICT (data_id) DO UPDATE SET hash = excluded.hash, data = excluded.data WHERE t.hash <> excluded.hash`,
  );
  await client.query('COMMIT');
  channel.ack(last, true);
  processed(batch.length, began);
}
