/**
 * Somebody else's consumer, given as a command: the queue is filled, the command started, and a query asked until it returns
 * the expected count. The clock runs from the start of the command: its own start-up counts, which a long enough run makes
 * small. Processor time and memory are those of the command and everything below it.
 */
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { queueNames } from '@inator/rabbitmq';
import pg from 'pg';
import { startChild } from '../measure/child.ts';
import { createSampler } from '../measure/sampler.ts';
import { round } from '../measure/stats.ts';
import { brokerUrl, declareQueue, fill, onBroker, removeQueues } from '../queues.ts';
import type { Contestant, Run } from '../scenario.ts';
import { createTable, dropSchema, settle, tableBatches, tableModel } from '../stores/table.ts';
import { handedThrough, root, uniquePrefix, type World } from '../world.ts';
import { withoutGin } from './table-runs.ts';

const type = 'releases';

export interface Peer {
  /** Run by `sh -c` in the checkout, with the variables of `peerEnv`. */
  readonly command: string;
  /** Default: one of our own making. */
  readonly queue?: string | undefined;
  /** `schema.table`; it must then exist. Default: one of our own making, with primary key and hash index. */
  readonly table?: string | undefined;
  /** Returns one number; `{table}` and `{schema}` are replaced. Default: the rows of the table. */
  readonly query?: string | undefined;
  /** `file`: it reads a file of COPY text (data_id, hash, data) instead of a queue. Default `queue`. */
  readonly feeds?: 'queue' | 'file' | undefined;
}

/** Counting takes processor time from what is measured: the pauses are so many times as long, and at least so long. */
const pause = { times: 10, leastMs: 20 } as const;
const stallMs = 180_000;

/** Whether a program can be found as the shell would. */
export function isInstalled(program: string, path = process.env.PATH ?? ''): boolean {
  return path.split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, program)));
}

export const external = (id: string, does: string, peer: Peer): Contestant => ({
  id,
  does,
  async run(world, records) {
    const { env } = world;
    const prefix = uniquePrefix();
    const exchange = `${prefix}-${type}`;
    const queue = peer.queue ?? queueNames(prefix, 'external', type).queue;
    const table = peer.table ?? `${prefix}.${type}`;
    const folder = mkdtempSync(join(tmpdir(), 'inator-peer-'));
    const file = join(folder, 'records.copy');
    try {
      if (peer.table === undefined) await createTable(env, prefix, type, { indices: 'hash' });
      if (peer.feeds === 'file') await writeCopyFile(file, records);
      else await fillQueue(world, exchange, queue, records);
      await settle(env);
      return await timed(world, peer, records, peerEnv(world, { queue, table, file }, records));
    } finally {
      rmSync(folder, { recursive: true, force: true });
      await onBroker(env, async (connection) => {
        const channel = await connection.createChannel();
        // A queue that was named to us is emptied of ours by its consumer; it is not ours to delete.
        if (peer.queue === undefined) await channel.deleteQueue(queue);
        await channel.deleteExchange(exchange);
        await channel.close();
      });
      await dropSchema(env, prefix);
    }
  },
});

async function fillQueue({ env }: World, exchange: string, queue: string, records: number): Promise<void> {
  await onBroker(env, async (connection) => {
    const channel = await connection.createChannel();
    await channel.assertExchange(exchange, 'fanout', { durable: true });
    await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    await channel.bindQueue(queue, exchange, '');
    await channel.close();
  });
  await fill(env, exchange, { type, count: records });
}

interface Places {
  readonly queue: string;
  readonly table: string;
  readonly file: string;
}

/** What the command finds in its environment; `POSTGRES_URL` says that the server speaks plain text, as drivers want it. */
function peerEnv({ env }: World, { queue, table, file }: Places, records: number): Record<string, string> {
  const url = new URL(env.POSTGRES_URL ?? '');
  if (!url.searchParams.has('sslmode')) url.searchParams.set('sslmode', 'disable');
  const [schema = 'public', name = table] = table.includes('.') ? table.split('.') : ['public', table];
  return {
    RABBITMQ_URL: brokerUrl(env),
    POSTGRES_URL: url.href,
    BENCH_QUEUE: queue,
    BENCH_TABLE: table,
    BENCH_SCHEMA: schema,
    BENCH_NAME: name,
    BENCH_FILE: file,
    BENCH_RECORDS: String(records),
  };
}

/**
 * tableinator, timed as a stranger is: from the start of its process to the last row. Its flush interval is that of the
 * recipes, 0.1 s, because the wait of the last few records counts here.
 */
export const tableinatorAsPeer = (id: string, does: string): Contestant => ({
  id,
  does,
  async run(world, records) {
    const { env } = world;
    const prefix = uniquePrefix();
    const { exchange, queue } = queueNames(prefix, 'tableinator', type);
    try {
      await createTable(env, prefix, type, { indices: 'hash' });
      await declareQueue(env, prefix, 'tableinator', type);
      await fill(env, exchange, { type, count: records });
      await settle(env);
      const command = `exec '${process.execPath}' services/tableinator/dist/main.js > /dev/null`;
      return await timed(world, { command }, records, {
        ...peerEnv(world, { queue, table: `${prefix}.${type}`, file: '' }, records),
        HEALTH_PORT: '0',
        RABBITMQ_EXCHANGE_PREFIX: prefix,
        POSTGRES_SCHEMA: prefix,
        DATA_TYPES: type,
        ...withoutGin,
        POSTGRES_BATCH_FLUSH_INTERVAL: '0.1',
        ...handedThrough('tableinator'),
      });
    } finally {
      await removeQueues(env, prefix, ['tableinator'], type);
      await dropSchema(env, prefix);
    }
  },
});

const endMark = 'inator bench: the command ended with ';

/**
 * The shell outlives the command, so that the processor time of what has ended is still in its own; told to stop, it waits
 * for the command to stop first.
 */
const watched = (command: string): string =>
  `trap 'exit 0' TERM\n(${command}\n)\necho "${endMark}status $?"\nwhile :; do sleep 60; done`;

async function timed(world: World, peer: Peer, records: number, env: Readonly<Record<string, string>>): Promise<Run> {
  const { BENCH_TABLE: table = '', BENCH_SCHEMA: schema = '' } = env;
  const text = (peer.query ?? 'select count(*) from {table}')
    .replaceAll('{table}', table)
    .replaceAll('{schema}', schema);
  const client = new pg.Client(world.env.POSTGRES_URL);
  client.on('error', () => {});
  await client.connect();
  const count = async (): Promise<number> => {
    try {
      const { rows } = await client.query<unknown[]>({ text, rowMode: 'array' });
      return Number(rows[0]?.[0] ?? 0);
    } catch (error) {
      // 42P01: the command makes its own table, and has not yet.
      if ((error as { readonly code?: string }).code === '42P01') return 0;
      throw error;
    }
  };
  const before = await count();
  const began = performance.now();
  const child = startChild('sh', ['-c', watched(peer.command)], env, { cwd: root, group: true });
  const sampler = createSampler([child.pid], world.pids, true);
  let ended: string | undefined;
  child.onLine((line) => {
    if (line.startsWith(endMark)) ended = line.slice(endMark.length);
  });
  void child.exited.then((how) => {
    ended ??= how;
  });
  try {
    sampler.start();
    let last = { count: before, at: began };
    for (;;) {
      // Asked before the query: what ended by now has written all it ever will.
      const wasOver = ended;
      const asked = performance.now();
      const now = await count();
      const took = performance.now() - asked;
      if (now - before >= records) break;
      if (wasOver !== undefined && wasOver !== 'status 0')
        throw new Error(`the command ended with ${wasOver} at ${now - before} of ${records} records`);
      if (now !== last.count) last = { count: now, at: performance.now() };
      else if (performance.now() - last.at > stallMs || wasOver !== undefined)
        throw new Error(`the count stays at ${now - before} of ${records} records: ${text}`);
      if (world.signal.aborted) throw new Error('interrupted');
      await new Promise((resolve) => setTimeout(resolve, Math.max(pause.leastMs, took * pause.times)));
    }
    const seconds = (performance.now() - began) / 1000;
    return {
      records,
      seconds: round(seconds, 3),
      recordsPerSecond: Math.round(records / seconds),
      queueSeconds: round(seconds, 3),
      queueRecordsPerSecond: Math.round(records / seconds),
      ...sampler.stop(),
    };
  } finally {
    sampler.close();
    await child.stop();
    await client.end();
  }
}

/** PostgreSQL's text format: backslash, tab and the line ends escaped (documentation of COPY, "Text Format"). */
export function copyLine(fields: readonly string[]): string {
  const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };
  return `${fields.map((field) => field.replace(/[\\\t\n\r]/g, (found) => escapes[found] ?? found)).join('\t')}\n`;
}

async function writeCopyFile(file: string, records: number): Promise<void> {
  const out = createWriteStream(file, { mode: 0o644 });
  for (const { records: some } of tableBatches(tableModel(type, 'hash'), { type, count: records }, 1_000)) {
    const text = some.map(({ key, hash, record }) => copyLine([key, hash, Buffer.from(record).toString()])).join('');
    if (!out.write(text)) await once(out, 'drain');
  }
  out.end();
  await finished(out);
}
