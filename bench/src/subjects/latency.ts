/**
 * A trickle: how long after its publishing a record can be read in the store.
 *
 * One process publishes and watches, so one clock stamps both ends. In PostgreSQL a trigger notifies of every new row: the
 * server delivers it when the transaction has committed, so nothing is asked again and again and nothing rounds the times.
 * It costs the write path one notification a record, which at these rates is nothing. Neo4j tells nobody: there a loop asks
 * for the keys that are still missing, and its pause, 5 ms, is how exact those figures are.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { queueNames } from '@inator/rabbitmq';
import { connect } from 'amqplib';
import pg from 'pg';
import { startChild } from '../measure/child.ts';
import { createSampler } from '../measure/sampler.ts';
import { percentile, round } from '../measure/stats.ts';
import { bodies, brokerUrl, declareQueue, removeQueues } from '../queues.ts';
import type { Contestant, Run } from '../scenario.ts';
import { openGraph } from '../stores/graph.ts';
import { createTable, dropSchema, sql } from '../stores/table.ts';
import { type Environment, handedThrough, root, type ServiceName, uniquePrefix, type World } from '../world.ts';
import { graphHolding } from './graph-runs.ts';

const type = 'releases';
const pauseMs = 5;
const answerMs = 60_000;

export interface Trickle {
  readonly service: ServiceName;
  /** Records a second. */
  readonly rate: number;
  readonly settings?: Readonly<Record<string, string>>;
}

/** `records` are those of the fastest trickle, so that all take as long. */
export const latency = (id: string, does: string, trickle: Trickle, fastest: number): Contestant => ({
  id,
  does,
  async run(world, records) {
    const count = Math.max(10, Math.round((records * trickle.rate) / fastest));
    const prefix = uniquePrefix();
    const { exchange } = queueNames(prefix, trickle.service, type);
    const { sent, watch, env, tidy } = await (trickle.service === 'tableinator' ? tableEnd : graphEnd)(
      world,
      prefix,
      count,
    );
    try {
      await declareQueue(world.env, prefix, trickle.service, type);
      const child = startChild(process.execPath, [join(root, `services/${trickle.service}/dist/main.js`)], {
        ...world.env,
        HEALTH_PORT: '0',
        LOG_FORMAT: 'json',
        RABBITMQ_EXCHANGE_PREFIX: prefix,
        DATA_TYPES: type,
        ...env,
        ...trickle.settings,
        ...handedThrough(trickle.service),
      });
      const sampler = createSampler([child.pid], world.pids);
      try {
        await new Promise<void>((resolve, reject) => {
          child.onLine((line) => {
            if (line.includes('"consumer.started"')) resolve();
          });
          void child.exited.then((how) => reject(new Error(`${trickle.service} ended with ${how}`)));
        });
        sampler.start();
        const began = performance.now();
        const published = await publishEvenly(world, exchange, count, trickle.rate, sent);
        const seen = await watch();
        const seconds = (performance.now() - began) / 1000;
        return runOf(
          [...published].map(([key, at]) => (seen.get(key) ?? Number.NaN) - at),
          seconds,
          sampler.stop(),
        );
      } finally {
        sampler.close();
        await child.stop();
      }
    } finally {
      await tidy();
      await removeQueues(world.env, prefix, [trickle.service], type);
    }
  },
});

function runOf(
  waits: readonly number[],
  seconds: number,
  sampled: Pick<Run, 'cpuSeconds' | 'peakMemoryMiB' | 'servers'>,
): Run {
  const at = (share: number): number => round(percentile(waits, share), 1);
  return {
    records: waits.length,
    seconds: round(seconds, 3),
    recordsPerSecond: round(waits.length / seconds, 1),
    ...sampled,
    figures: { 'p50 ms': at(0.5), 'p95 ms': at(0.95), 'p99 ms': at(0.99), 'max ms': at(1) },
  };
}

/** Publishes one record after the other, each at its time whatever the others took; returns when each key was sent. */
async function publishEvenly(
  world: World,
  exchange: string,
  count: number,
  rate: number,
  sent: End['sent'],
): Promise<Map<string, number>> {
  const connection = await connect(brokerUrl(world.env));
  const published = new Map<string, number>();
  try {
    const channel = await connection.createChannel();
    const began = performance.now();
    let index = 0;
    for (const body of bodies({ type, count })) {
      const due = began + (index * 1000) / rate;
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      if (world.signal.aborted) throw new Error('interrupted');
      index += 1;
      published.set(String(index), performance.now());
      sent(String(index));
      if (!channel.publish(exchange, '', body, { persistent: true, contentType: 'application/json' }))
        await once(channel, 'drain');
    }
    await channel.close();
  } finally {
    await connection.close();
  }
  return published;
}

interface End {
  /** A record is on its way. */
  sent(key: string): void;
  /** Resolves, when all are there, with when each key became readable. */
  watch(): Promise<ReadonlyMap<string, number>>;
  readonly env: Environment;
  tidy(): Promise<void>;
}

async function tableEnd({ env }: World, prefix: string, count: number): Promise<End> {
  await createTable(env, prefix, type, { indices: 'all' });
  const table = `"${prefix}"."${type}"`;
  await sql(
    env,
    `CREATE FUNCTION "${prefix}".tell() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN PERFORM pg_notify('${prefix}', new.data_id); RETURN NULL; END $$;
     CREATE TRIGGER tell AFTER INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION "${prefix}".tell()`,
  );
  const seen = new Map<string, number>();
  const client = new pg.Client(env.POSTGRES_URL);
  await client.connect();
  const complete = new Promise<void>((resolve, reject) => {
    client.on('error', reject);
    client.on('notification', ({ payload }) => {
      if (payload !== undefined && !seen.has(payload)) seen.set(payload, performance.now());
      if (seen.size === count) resolve();
    });
  });
  complete.catch(() => {});
  await client.query(`LISTEN ${prefix}`);
  return {
    env: { POSTGRES_SCHEMA: prefix },
    sent: () => {},
    async watch() {
      await within(complete, () => `${seen.size} of ${count} records became visible in ${answerMs / 1000} s`);
      return seen;
    },
    async tidy() {
      await client.end();
      await dropSchema(env, prefix);
    },
  };
}

async function graphEnd(world: World, _prefix: string, count: number): Promise<End> {
  await graphHolding(world, 0, undefined);
  const neo4j = openGraph(world.env);
  const seen = new Map<string, number>();
  const missing = new Set<string>();
  let isOver = false;
  const look = async (): Promise<void> => {
    while (seen.size < count && !isOver) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      if (missing.size === 0) continue;
      const transaction = await neo4j.begin();
      const { rows } = await transaction.run(
        'UNWIND $p.keys AS key MATCH (n:Release {id: key}) WHERE n.sha256 IS NOT NULL RETURN collect(key) AS keys',
        { p: { keys: [...missing] } },
      );
      await transaction.rollback();
      const now = performance.now();
      for (const key of (rows[0]?.keys ?? []) as readonly string[]) if (missing.delete(key)) seen.set(key, now);
    }
  };
  const looking = look();
  looking.catch(() => {});
  return {
    env: {},
    sent: (key) => void missing.add(key),
    async watch() {
      await within(looking, () => `${seen.size} of ${count} records became visible in ${answerMs / 1000} s`);
      return seen;
    },
    async tidy() {
      isOver = true;
      await looking.catch(() => {});
      await neo4j.close();
    },
  };
}

function within<T>(work: Promise<T>, what: () => string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`only ${what()}`)), answerMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
