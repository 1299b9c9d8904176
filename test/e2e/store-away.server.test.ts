/** A service started while its store is away says so, and says nothing against the broker. */
import { type Proxy as Between, startProxy, until } from '@inator/testkit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RunningService } from '../support/service.ts';
import { openWorld, type World } from '../support/world.ts';

const rabbitmq = process.env.TEST_RABBITMQ_URL ?? '';

let world: World;
/** Between the service and the broker. */
let between: Between;
/** An address that a store had, and that refuses now. */
let away: Between;
beforeEach(async () => {
  world = await openWorld({ rabbitmq });
  const { hostname, port } = new URL(rabbitmq);
  between = await startProxy({ target: { host: hostname, port: Number(port || 5672) } });
  away = await startProxy({ target: { host: '127.0.0.1', port: 1 } });
  await away.refuse();
});
afterEach(async () => {
  await world.close();
  await Promise.all([between.close(), away.close()]);
});

const throughProxy = (): string => {
  const url = new URL(rabbitmq);
  url.hostname = '127.0.0.1';
  url.port = String(between.port);
  return url.href;
};

interface Report {
  readonly checks: readonly { readonly name: string; readonly status: string; readonly reason?: string }[];
}

async function statusOf(service: RunningService, name: string): Promise<string | undefined> {
  const { body } = await service.get<Report>('/readyz');
  return body.checks.find((check) => check.name === name)?.status;
}

async function up(service: RunningService, component: string): Promise<string | undefined> {
  const response = await fetch(`${service.url}/metrics`, { signal: AbortSignal.timeout(10_000) });
  const line = (await response.text())
    .split('\n')
    .find((each) => each.startsWith('inator_connection_up{') && each.includes(`component="${component}"`));
  return line?.split(' ').at(-1);
}

describe.each([
  ['tableinator', 'postgres', (port: number) => ({ POSTGRES_URL: `postgresql://inator:x@127.0.0.1:${port}/inator` })],
  [
    'graphinator',
    'neo4j',
    (port: number) => ({ NEO4J_URI: `bolt://127.0.0.1:${port}`, NEO4J_USERNAME: 'neo4j', NEO4J_PASSWORD: 'x' }),
  ],
] as const)('%s, started while its store is away,', (name, store, envOf) => {
  it('is connected to the broker, blames the store alone, and finds the broker again after a loss', async () => {
    const service = await world.start(name, { RABBITMQ_URL: throughProxy(), ...envOf(away.port) });
    const blamesTheStore = async (): Promise<boolean> =>
      (await statusOf(service, 'broker')) === 'ok' && (await statusOf(service, 'store')) === 'failing';
    await until(blamesTheStore, '/readyz blames the store alone', 20_000);
    await until(async () => (await up(service, store)) === '0', 'the metrics tell that the store is away', 20_000);
    expect(await up(service, 'amqp')).toBe('1');
    await between.refuse();
    await until(async () => (await statusOf(service, 'broker')) === 'failing', '/readyz tells that the broker is gone');
    await between.open();
    await until(blamesTheStore, '/readyz blames the store alone again', 30_000);
    expect(await up(service, 'amqp')).toBe('1');
    expect(await service.stop()).toBe(0);
  });
});
