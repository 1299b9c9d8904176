/** Every panel shows something and the right alerts fire, in a real Prometheus over real services with real traffic. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Server, startPostgres, startRabbitmq } from '@inator/stack';
import { checkLine } from '@inator/telemetry';
import { until } from '@inator/testkit';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'amqplib';
import pg from 'pg';
import { readText } from '../compose/compose-file.ts';
import { sample } from '../support/sample.ts';
import type { RunningService } from '../support/service.ts';
import { openWorld, sharedServers, types, type World } from '../support/world.ts';
import { boards, filled, rules } from './boards.ts';
import { type Alert, findTool, freePort, type Prometheus, startPrometheus } from './prometheus.ts';

const program = findTool('prometheus');

/** The rules as they stand, but nobody waits minutes in a test: what lasts a second has lasted. */
function hastened(): string {
  const text = readText('deploy/prometheus/alerts.yml');
  const nothingSettled = '[5m])) == 0';
  if (text.split(nothingSettled).length !== 2) throw new Error('the rule InatorStalled is not as this test knows it');
  return text.replace(/for: \d+[mh]/g, 'for: 1s').replace(nothingSettled, '[10s])) == 0');
}

/** For the services and for whoever pauses their lanes. */
const token = randomBytes(32).toString('hex');

let dir: string;
let rabbitmq: Server;
let postgres: Server;
let world: World;
let services: readonly RunningService[];
let prometheus: Prometheus;
/** Seconds that the writers of a service have accounted for, and when that was. */
const accounts = new Map<string, { readonly at: number; readonly seconds: number; readonly writers: number }>();

const sum = async (service: RunningService, metric: string): Promise<number> => {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${metric}{`));
  return lines.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0);
};
const account = async (service: RunningService) => ({
  at: performance.now() / 1_000,
  seconds: await sum(service, 'inator_writer_seconds_total'),
  writers: await sum(service, 'inator_writers'),
});

/** As a producer does that says when it published. */
async function publishStamped(exchange: string, bodies: readonly Buffer[]): Promise<void> {
  const connection = await connect(rabbitmq.env.RABBITMQ_URL ?? '');
  const channel = await connection.createConfirmChannel();
  const timestamp = Math.floor(Date.now() / 1_000);
  for (const body of bodies) channel.publish(exchange, '', body, { persistent: true, timestamp });
  await channel.waitForConfirms();
  await connection.close();
}

const firing = async (name: string): Promise<readonly Alert[]> =>
  (await prometheus.alerts()).filter(({ labels, state }) => labels.alertname === name && state === 'firing');

async function emptyPanels(): Promise<readonly string[]> {
  const empty: string[] = [];
  for (const { uid, panels } of boards) {
    for (const { title, targets } of panels) {
      for (const { expr } of targets) {
        const found = await prometheus.query(filled(expr));
        if (!found.some(({ value }) => Number.isFinite(value))) empty.push(`${uid}: ${title}: ${filled(expr)}`);
      }
    }
  }
  return empty;
}

const describeHere = program === undefined ? describe.skip : describe;

describeHere('a Prometheus that scrapes both services and the broker', () => {
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'inator-watching-'));
    chmodSync(dir, 0o711);
    const metricsPort = await freePort();
    const plugins = join(dir, 'rabbitmq', 'plugins');
    mkdirSync(join(dir, 'rabbitmq'), { recursive: true });
    writeFileSync(plugins, '[rabbitmq_management,rabbitmq_prometheus].\n');
    const own = (kind: string) => ({ dir: join(dir, kind), ownedByParent: true, ephemeral: true });
    [rabbitmq, postgres] = await Promise.all([
      startRabbitmq({
        ...own('rabbitmq'),
        env: { RABBITMQ_ENABLED_PLUGINS_FILE: plugins },
        settings: { 'prometheus.tcp.ip': '127.0.0.1', 'prometheus.tcp.port': String(metricsPort) },
      }),
      startPostgres(own('postgres')),
    ]);
    const neo4j = sharedServers().neo4j;
    world = await openWorld({
      rabbitmq: rabbitmq.env.RABBITMQ_URL ?? '',
      postgres: postgres.env.POSTGRES_URL ?? '',
      ...(neo4j === undefined ? {} : { neo4j }),
    });
    services = await Promise.all([
      world.start('tableinator', { ADMIN_TOKEN: token, POSTGRES_BATCH_FLUSH_INTERVAL: '0.2' }),
      world.start('graphinator', { NEO4J_BATCH_FLUSH_INTERVAL: '0.2' }),
    ]);
    await world.drained(...services);
    for (const service of services) accounts.set(service.name, await account(service));
    const broker = `127.0.0.1:${metricsPort}`;
    prometheus = await startPrometheus(
      program ?? '',
      dir,
      [
        ...services.map(({ name, url }) => ({ name, target: url.replace('http://', '') })),
        { name: 'rabbitmq', target: broker },
        {
          name: 'rabbitmq-queues',
          target: broker,
          path: '/metrics/detailed',
          families: ['queue_coarse_metrics', 'queue_consumer_count'],
        },
      ],
      hastened(),
    );
    await until(async () => (await prometheus.query('up == 1')).length === 4, 'all targets were scraped', 30_000);
    for (const type of types) await world.broker.publish(world.exchange(type), sample(type, 200, 71));
    await publishStamped(world.exchange('artists'), sample('artists', 50, 74));
    await world.broker.publish(world.exchange('releases'), ['{']);
    await world.drained(...services);
  }, 240_000);

  afterAll(async () => {
    await prometheus?.stop();
    await world?.close().catch(() => {});
    await Promise.all([rabbitmq, postgres].map((server) => server?.remove()));
    rmSync(dir, { recursive: true, force: true });
  }, 60_000);

  it('every query of every panel returns a number', async () => {
    let left: readonly string[] = [];
    await until(
      async () => {
        left = await emptyPanels();
        return left.length === 0;
      },
      () => `no panel is empty, but:\n${left.join('\n')}`,
      30_000,
    );
    expect(left).toEqual([]);
  });

  it('takes every alert, and evaluates it', async () => {
    await until(
      async () => (await prometheus.healthyRules()).length >= rules.length,
      'all rules were evaluated',
      20_000,
    );
    expect([...(await prometheus.healthyRules())].sort()).toEqual(rules.map(({ alert }) => alert).sort());
  });

  it('fires for a dead letter, by service, type and reason, and for nothing that is well', async () => {
    await until(
      async () => (await firing('InatorDeadLettering')).length === 2,
      'both services tell of the letter',
      20_000,
    );
    const told = (await firing('InatorDeadLettering')).map(({ labels }) => [
      labels.service,
      labels.data_type,
      labels.reason,
    ]);
    expect(told.sort()).toEqual(['graphinator', 'tableinator'].map((name) => [name, 'releases', 'json-invalid']));
    await until(async () => (await firing('InatorDlqNotEmpty')).length === 2, 'both letters wait', 20_000);
    for (const well of ['InatorDown', 'InatorNotReady', 'InatorStoreDown', 'InatorHolding', 'InatorDefect']) {
      expect(await firing(well)).toEqual([]);
    }
  });

  it('the six states of the writers add up to wall time', async () => {
    for (const service of services) {
      const before = accounts.get(service.name);
      if (before === undefined) throw new Error('no account');
      const now = await account(service);
      const wall = (now.at - before.at) * now.writers;
      expect(now.writers).toBeGreaterThan(0);
      expect({ of: service.name, share: (now.seconds - before.seconds) / wall }).toEqual({
        of: service.name,
        share: expect.closeTo(1, 1),
      });
    }
  });

  it('fires for a store that is down, for that store only, and is silent when it is back', async () => {
    await postgres.kill();
    await world.broker.publish(world.exchange('artists'), sample('artists', 50, 72));
    await until(async () => (await firing('InatorStoreDown')).length > 0, 'the alert of the store', 30_000);
    const [alert, ...others] = await firing('InatorStoreDown');
    expect(others).toEqual([]);
    expect(alert?.labels).toMatchObject({ severity: 'critical', service: 'tableinator', component: 'postgres' });
    expect(alert?.annotations.runbook_url).toBe('docs/runbooks/InatorStoreDown.md');
    await until(async () => (await firing('InatorHolding')).length > 0, 'the alert of the held lane', 30_000);
    const board = boards.find(({ uid }) => uid === 'inator-tableinator');
    const retries = board?.panels.find(({ title }) => title === 'Retries a second, by class');
    await until(
      async () => (await prometheus.query(filled(retries?.targets[0]?.expr ?? ''))).some(({ value }) => value > 0),
      'the panel of retries shows some',
      30_000,
    );
    await postgres.start();
    await until(
      async () => (await prometheus.query('inator_reconnects_total{component="postgres"} >= 1')).length === 1,
      'the store was found again, and that was counted',
      60_000,
    );
    await until(async () => (await firing('InatorStoreDown')).length === 0, 'the alert goes out', 30_000);
    const up = await prometheus.query('inator_connection_up{component="postgres"}');
    expect(up.map(({ value }) => value)).toEqual([1]);
  }, 180_000);

  it('fires for a lane that stands still while its table is locked, for that lane only, and is silent afterwards', async () => {
    const locker = new pg.Client({ connectionString: postgres.env.POSTGRES_URL });
    await locker.connect();
    try {
      await locker.query(`BEGIN; LOCK TABLE "${world.schema}".artists IN ACCESS EXCLUSIVE MODE`);
      // More than the lane takes in hand: the others are what waits in its queue.
      await world.broker.publish(world.exchange('artists'), sample('artists', 3_000, 73));
      await world.broker.publish(world.exchange('labels'), sample('labels', 50, 73));
      let told: readonly string[] = [];
      await until(
        async () => {
          told = (await firing('InatorStalled')).map(({ labels }) => `${labels.service} ${labels.data_type}`);
          return told.join() === 'tableinator artists';
        },
        () => `the one lane is told of, not: ${told.join(', ')}`,
        40_000,
      );
      const [alert] = await firing('InatorStalled');
      expect(alert?.labels).toMatchObject({ severity: 'critical', service: 'tableinator', data_type: 'artists' });
      expect(alert?.annotations.runbook_url).toBe('docs/runbooks/InatorStalled.md');
      expect(await firing('InatorStoreDown')).toEqual([]);
    } finally {
      await locker.end();
    }
    await world.drained(...services);
    await until(async () => (await firing('InatorStalled')).length === 0, 'the alert goes out', 30_000);
  }, 120_000);

  it('fires for an alarm of the broker, and for the service whose letter waits for its end, and is silent afterwards', async () => {
    const [tableinator] = services;
    const told = async (action: 'pause' | 'resume'): Promise<void> => {
      const response = await fetch(`${tableinator?.url}/lanes/masters/${action}`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}` },
      });
      expect(response.status).toBe(200);
    };
    const limit = (share: string) => rabbitmq.run('rabbitmqctl', ['set_vm_memory_high_watermark', share]);
    // The bad record has to be there before nobody can publish, and be refused only then.
    await told('pause');
    await world.broker.publish(world.exchange('masters'), ['{']);
    await until(async () => (await world.broker.ready(world.queue('tableinator', 'masters'))) === 1, 'it waits');
    await until(async () => (await world.broker.ready(world.queue('graphinator', 'masters'))) === 0, 'one has it');
    try {
      await limit('0.0000001');
      await until(async () => (await firing('InatorBrokerAlarm')).length > 0, 'the alert of the broker', 30_000);
      const [alert] = await firing('InatorBrokerAlarm');
      expect(alert?.labels).toMatchObject({ severity: 'critical', job: 'rabbitmq' });
      expect(alert?.annotations.runbook_url).toBe('docs/runbooks/InatorBrokerAlarm.md');
      await told('resume');
      await until(async () => (await firing('InatorBrokerBlocked')).length > 0, 'the alert of the letter', 30_000);
      expect((await firing('InatorBrokerBlocked')).map(({ labels }) => labels.service)).toEqual(['tableinator']);
      expect(await firing('InatorNotReady')).toEqual([]);
    } finally {
      await limit('0.4');
    }
    await world.drained(...services);
    for (const name of ['InatorBrokerAlarm', 'InatorBrokerBlocked']) {
      await until(async () => (await firing(name)).length === 0, `${name} goes out`, 30_000);
    }
  }, 150_000);

  it('all that the services wrote meanwhile is as the table of log events has it', () => {
    for (const { name, lines } of services) {
      const events = lines.map((line) => JSON.parse(line) as { readonly event?: string });
      const wrong = events.flatMap((event) => checkLine(event).map((what) => `${name} ${event.event}: ${what}`));
      expect(wrong).toEqual([]);
      expect(events.map(({ event }) => event)).toEqual(
        expect.arrayContaining(['batch.processed', 'record.dead_lettered']),
      );
    }
    const [tableinator] = services;
    for (const event of ['batch.held', 'batch.released']) {
      expect(tableinator?.lines.filter((line) => line.includes(`"event":"${event}"`))).not.toEqual([]);
    }
  });
});
