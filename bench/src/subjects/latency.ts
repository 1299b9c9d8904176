/**
 * A trickle: how long after its publishing a record can be read in the store. One process publishes and watches, so one
 * clock stamps both ends.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { queueNames } from '@inator/rabbitmq';
import { within } from '@inator/runtime';
import { type Channel, connect } from 'amqplib';
import { startChild } from '../measure/child.ts';
import { createSampler } from '../measure/sampler.ts';
import { percentile, round } from '../measure/stats.ts';
import { bodies, brokerUrl, declareQueue, removeQueues } from '../queues.ts';
import type { Contestant, Run } from '../scenario.ts';
import { handedThrough, root, type ServiceName, uniquePrefix, type World } from '../world.ts';
import { type Sightings, type, watchGraph, watchTable } from './sightings.ts';

export interface Trickle {
  readonly service: ServiceName;
  /** Records a second. */
  readonly rate: number;
  readonly settings?: Readonly<Record<string, string>>;
}

/** Records before the first that counts: the store plans its statements, and the services are compiled, at the first. */
const lead = 20;
const startMs = 60_000;

/** `records` are those of the fastest trickle, so that all take as long. */
export const latency = (id: string, does: string, trickle: Trickle, fastest: number): Contestant => ({
  id,
  does,
  async run(world, records) {
    const { service, rate, settings } = trickle;
    const count = Math.max(10, Math.round((records * rate) / fastest));
    const prefix = uniquePrefix();
    const { exchange } = queueNames(prefix, service, type);
    const sightings = await (service === 'tableinator' ? watchTable(world, prefix) : watchGraph(world));
    try {
      await declareQueue(world.env, prefix, service, type);
      const child = startChild(process.execPath, [join(root, `services/${service}/dist/main.js`)], {
        ...world.env,
        HEALTH_PORT: '0',
        LOG_FORMAT: 'json',
        RABBITMQ_EXCHANGE_PREFIX: prefix,
        DATA_TYPES: type,
        ...sightings.env,
        ...settings,
        ...handedThrough(service),
      });
      const sampler = createSampler([child.pid], world.pids);
      try {
        const started = new Promise<void>((resolve, reject) => {
          child.onLine((line) => {
            if (line.includes('"consumer.started"')) resolve();
          });
          void child.exited.then((how) => reject(new Error(`${service} ended with ${how}`)));
        });
        await within(started, startMs, `starting ${service}`);
        return await trickled(world, exchange, { count, rate, sightings, sampler });
      } finally {
        sampler.close();
        await child.stop();
      }
    } finally {
      await sightings.close();
      await removeQueues(world.env, prefix, [service], type);
    }
  },
});

interface Flow {
  readonly count: number;
  readonly rate: number;
  readonly sightings: Sightings;
  readonly sampler: ReturnType<typeof createSampler>;
}

async function trickled(world: World, exchange: string, { count, rate, sightings, sampler }: Flow): Promise<Run> {
  const connection = await connect(brokerUrl(world.env));
  connection.on('error', () => {});
  try {
    const channel = await connection.createChannel();
    const publish = async (key: string, body: Buffer): Promise<number> => {
      const at = performance.now();
      sightings.sent(key);
      await published(channel, exchange, body);
      return at;
    };
    let key = 0;
    for (const body of bodies({ type, count: lead })) {
      key += 1;
      await publish(String(key), body);
    }
    await sightings.until(lead);

    sampler.start();
    const sent = new Map<string, number>();
    const began = performance.now();
    for (const body of bodies({ type, count, from: lead + 1 })) {
      // Each at its time, whatever the others took.
      const wait = began + (sent.size * 1000) / rate - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      if (world.signal.aborted) throw new Error('interrupted');
      key += 1;
      sent.set(String(key), await publish(String(key), body));
    }
    await sightings.until(lead + count);
    const seconds = (performance.now() - began) / 1000;
    const waits = [...sent].map(([one, at]) => (sightings.seen.get(one) ?? Number.POSITIVE_INFINITY) - at);
    const ms = (share: number): number => round(percentile(waits, share), 1);
    return {
      records: count,
      seconds: round(seconds, 3),
      recordsPerSecond: round(count / seconds, 1),
      ...sampler.stop(),
      figures: { 'p50 ms': ms(0.5), 'p95 ms': ms(0.95), 'p99 ms': ms(0.99), 'max ms': ms(1) },
    };
  } finally {
    await connection.close().catch(() => {});
  }
}

async function published(channel: Channel, exchange: string, body: Buffer): Promise<void> {
  if (channel.publish(exchange, '', body, { persistent: true, contentType: 'application/json' })) return;
  await once(channel, 'drain');
}
