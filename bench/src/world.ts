/** What every benchmark needs: servers, a queue full of the same messages, and a consumer timed by what it logs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateSample, type RecordType } from '@inator/discogs';
import { brokerSettingsFromUrl, createPublisher, queueNames } from '@inator/rabbitmq';
import { resolveServers, type ServerKind } from '@inator/stack';
import { type ChannelModel, connect } from 'amqplib';

export type Environment = Readonly<Record<string, string>>;

export interface Bench {
  readonly env: Environment;
  readonly say: (line: string) => void;
}

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The servers that the environment names, or private ones for this run. */
export async function withServers<T>(
  want: readonly ServerKind[],
  say: Bench['say'],
  run: (bench: Bench) => Promise<T>,
): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'inator-bench-'));
  chmodSync(dir, 0o711);
  const servers = await resolveServers({
    env: process.env,
    want,
    dir,
    ownedByParent: true,
    ephemeral: true,
    report: say,
  });
  try {
    return await run({ env: servers.env, say });
  } finally {
    await servers.remove();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What a figure was measured on. */
export function machine(): Record<string, string | number> {
  return {
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
}

export const uniquePrefix = (): string => `bench${randomBytes(3).toString('hex')}`;

/** Publishes `count` records of a type; the queue must be there. */
export async function fill(
  env: Environment,
  prefix: string,
  type: RecordType,
  count: number,
  version = 1,
): Promise<void> {
  const publisher = createPublisher(brokerSettingsFromUrl(env.RABBITMQ_URL ?? ''), { maxUnconfirmed: 2_000 });
  for (const body of generateSample({ type, count, version })) {
    await publisher.ready();
    void publisher.publish(`${prefix}-${type}`, '', body);
  }
  await publisher.flush();
  await publisher.close();
}

/** A quorum queue as the services declare it, bound to the exchange of the type. */
export async function declareQueue(
  env: Environment,
  prefix: string,
  consumer: string,
  type: RecordType,
): Promise<string> {
  const { exchange, queue, deadLetterExchange } = queueNames(prefix, consumer, type);
  await onBroker(env, async (connection) => {
    const channel = await connection.createChannel();
    await channel.assertExchange(exchange, 'fanout', { durable: true });
    await channel.assertQueue(queue, {
      durable: true,
      arguments: { 'x-queue-type': 'quorum', 'x-dead-letter-exchange': deadLetterExchange },
    });
    await channel.bindQueue(queue, exchange, '');
    await channel.close();
  });
  return queue;
}

export async function removeQueues(env: Environment, queues: readonly string[]): Promise<void> {
  await onBroker(env, async (connection) => {
    const channel = await connection.createChannel();
    for (const queue of queues) await channel.deleteQueue(queue);
    await channel.close();
  });
}

async function onBroker<T>(env: Environment, work: (connection: ChannelModel) => Promise<T>): Promise<T> {
  const connection = await connect(env.RABBITMQ_URL ?? '');
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

export interface Drained {
  readonly records: number;
  readonly seconds: number;
  readonly recordsPerSecond: number;
  readonly cpuSeconds: number;
  readonly peakMemoryMiB: number;
}

/**
 * Runs a consumer until it has logged `records` records as processed, and times it from its first batch to its last:
 * the time that the process takes to start belongs to nobody's throughput. The first batch is not counted.
 */
export async function drain(script: string, env: Environment, records: number): Promise<Drained> {
  const child = spawn(process.execPath, [join(root, script)], {
    env: { PATH: process.env.PATH ?? '', HEALTH_PORT: '0', LOG_FORMAT: 'json', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    return await untilProcessed(child, records);
  } finally {
    child.kill('SIGTERM');
    await new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(undefined)));
  }
}

function untilProcessed(child: ChildProcess, records: number): Promise<Drained> {
  return new Promise((resolve, reject) => {
    let seen = 0;
    let first: { readonly at: number; readonly cpu: number; readonly size: number } | undefined;
    let peak = 0;
    let rest = '';
    child.once('exit', (code) =>
      reject(new Error(`the consumer ended with ${code} after ${seen} of ${records} records`)),
    );
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (!line.includes('"Batch processed"')) continue;
        const { batch_size: size } = JSON.parse(line) as { readonly batch_size: number };
        seen += size;
        const usage = usageOf(child.pid ?? 0);
        peak = Math.max(peak, usage.memoryMiB);
        first ??= { at: performance.now(), cpu: usage.cpuSeconds, size };
        if (seen < records) continue;
        const seconds = (performance.now() - first.at) / 1000;
        const counted = seen - first.size;
        resolve({
          records: counted,
          seconds,
          recordsPerSecond: Math.round(counted / seconds),
          cpuSeconds: usage.cpuSeconds - first.cpu,
          peakMemoryMiB: peak,
        });
        return;
      }
    });
  });
}

/** CPU time (100 ticks a second, as Linux reports it) and the peak resident memory of a process, from /proc. */
function usageOf(pid: number): { readonly cpuSeconds: number; readonly memoryMiB: number } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
    return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100, memoryMiB: Math.round(Number(peak) / 1024) };
  } catch {
    return { cpuSeconds: 0, memoryMiB: 0 };
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
