import { createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { startProxy, type Proxy as TcpProxy } from '../../testkit/src/proxy.ts';
import { until } from '../../testkit/src/until.ts';
import { type Broker, type BrokerListeners, createBroker } from '../src/broker.ts';
import type { BrokerSettings } from '../src/settings.ts';
import { rejection, useFixtures } from './fixtures.ts';
import { directSettings, everyWord } from './support.ts';

const { undo } = useFixtures();

async function makeProxy(): Promise<TcpProxy> {
  const { host, port = 5672 } = directSettings();
  const proxy = await startProxy({ target: { host, port } });
  undo.push(proxy.close);
  return proxy;
}

function makeBroker(settings: Partial<BrokerSettings>, listeners?: BrokerListeners): Broker {
  const broker = createBroker({ ...directSettings(), host: '127.0.0.1', ...settings }, listeners);
  undo.push(broker.close);
  return broker;
}

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('a broker connection', () => {
  it('is made on demand and shared by everybody who asks at once', async () => {
    const proxy = await makeProxy();
    let ups = 0;
    const broker = makeBroker({ port: proxy.port }, { onUp: () => (ups += 1) });
    expect(broker.status().state).toBe('idle');
    expect(proxy.connections).toBe(0);
    const channels = await Promise.all([broker.channel(), broker.channel(), broker.channel(), broker.confirmChannel()]);
    expect(new Set(channels).size).toBe(4);
    expect(proxy.connections).toBe(1);
    expect(ups).toBe(1);
    expect(broker.status().state).toBe('up');
  });

  it('keeps the other channels when one fails', async () => {
    const broker = makeBroker({});
    const [one, other] = await Promise.all([broker.channel(), broker.channel()]);
    await expect(one.checkQueue('there is no such queue')).rejects.toThrow('404');
    const { queue } = await other.assertQueue('', { exclusive: true });
    expect((await other.checkQueue(queue)).messageCount).toBe(0);
    expect(broker.status().state).toBe('up');
  });

  it('tells that nobody listens, and tries again for the next who asks', async () => {
    const failed: number[] = [];
    const port = await closedPort();
    const broker = makeBroker({ port }, { onFailed: (_, attempt) => failed.push(attempt) });
    const error = await rejection(broker.channel());
    expect(error.is).toBe('unavailable');
    expect(error.fault).toMatchObject({ code: 'broker-unreachable', native: 'ECONNREFUSED' });
    await rejection(broker.channel());
    expect(failed).toEqual([1, 2]);
  });

  it('tells that a name is unknown', async () => {
    const error = await rejection(makeBroker({ host: 'no-such-host.invalid' }).channel());
    expect(error.is).toBe('unavailable');
    expect(error.fault.native).toMatch(/ENOTFOUND|EAI_AGAIN/);
  });

  it('tells that the password is wrong, and does not tell the password', async () => {
    const error = await rejection(makeBroker({ password: () => 'canary-5ecret' }).channel());
    expect(error.is).toBe('misconfigured');
    expect(error.fault).toMatchObject({ code: 'broker-refused', blame: 'operator', native: '403' });
    expect(everyWord(error)).not.toContain('canary');
  });

  it('tells that the virtual host is refused', async () => {
    const error = await rejection(makeBroker({ vhost: 'no such vhost' }).channel());
    expect(error.is).toBe('misconfigured');
    expect(error.message).toContain('no such vhost');
  });

  it('asks for the password before every attempt, so that a rotated one is used', async () => {
    const right = directSettings().password?.() ?? 'guest';
    const passwords = ['old', right];
    const broker = makeBroker({ password: () => passwords.shift() ?? right });
    expect((await rejection(broker.channel())).is).toBe('misconfigured');
    await broker.channel();
    expect(passwords).toEqual([]);
  });

  it('gives up a peer that takes the connection and says nothing', async () => {
    const proxy = await makeProxy();
    proxy.freeze();
    const broker = makeBroker({ port: proxy.port, connectTimeoutMs: 500 });
    const error = await rejection(broker.channel());
    expect(error.is).toBe('unavailable');
    expect(error.message).toContain('500 ms');
    proxy.thaw();
    await until(() => proxy.connections === 0, 'the socket given up');
    await broker.channel();
  });

  it('sees a cut, tells it, and connects again', async () => {
    const proxy = await makeProxy();
    const downs: string[] = [];
    const broker = makeBroker({ port: proxy.port }, { onDown: (fault) => downs.push(fault.code) });
    const channel = await broker.channel();
    const closed = new Promise<void>((resolve) => channel.once('close', resolve));
    proxy.cut();
    await closed;
    await until(() => downs.length === 1, 'the loss told');
    expect(downs).toEqual(['broker-unreachable']);
    const next = await broker.channel();
    expect((await next.assertQueue('', { exclusive: true })).queue).not.toBe('');
  });

  it('notices by missing heartbeats that the link swallows packets', async () => {
    const proxy = await makeProxy();
    const downs: string[] = [];
    const broker = makeBroker(
      { port: proxy.port, heartbeatSeconds: 1 },
      { onDown: (fault) => downs.push(fault.reason) },
    );
    await broker.channel();
    proxy.freeze();
    await until(() => downs.length === 1, 'the loss told', 10_000);
    expect(downs[0]).toMatch(/Heartbeat/);
  });

  it('notices it sooner when an answer is awaited and nothing at all arrives', async () => {
    const proxy = await makeProxy();
    const downs: string[] = [];
    const broker = makeBroker(
      { port: proxy.port, heartbeatSeconds: 60 },
      { onDown: (fault) => downs.push(fault.reason) },
    );
    const channel = await broker.channel();
    proxy.freeze();
    const answer = channel.checkQueue('whatever');
    answer.catch(() => {});
    await expect(broker.within(answer, 8_000, 'asking')).rejects.toThrow('asking did not finish within 8000 ms');
    await until(() => downs.length === 1, 'the loss told', 5_000);
    expect(downs[0]).toContain('nothing was received');
  });

  it('leaves a slow answer alone while the link lives', async () => {
    const broker = makeBroker({});
    const channel = await broker.channel();
    await expect(broker.within(new Promise(() => {}), 300, 'waiting')).rejects.toThrow('300 ms');
    expect(broker.status().state).toBe('up');
    await channel.close();
  });

  it('closes within its deadline on a link that swallows packets', async () => {
    const proxy = await makeProxy();
    const broker = makeBroker({ port: proxy.port, closeTimeoutMs: 300 });
    await broker.channel();
    proxy.freeze();
    const began = performance.now();
    await broker.close();
    expect(performance.now() - began).toBeLessThan(3_000);
    proxy.thaw();
    await until(() => proxy.connections === 0, 'the socket destroyed');
    expect((await rejection(broker.channel())).message).toContain('closed');
  });

  it('closes while it is connecting', async () => {
    const proxy = await makeProxy();
    proxy.freeze();
    const broker = makeBroker({ port: proxy.port, connectTimeoutMs: 60_000 });
    const waiting = rejection(broker.channel());
    await until(() => proxy.connections === 1, 'the attempt');
    await broker.close();
    expect((await waiting).is).toBe('unavailable');
  });

  it('lets one who waits go without ending the attempt for the others', async () => {
    const proxy = await makeProxy();
    proxy.freeze();
    const broker = makeBroker({ port: proxy.port });
    const one = new AbortController();
    const gone = rejection(broker.channel(one.signal));
    const stays = broker.channel();
    one.abort();
    expect((await gone).message).toContain('given up');
    proxy.thaw();
    await stays;
  });

  it('survives a listener that throws', async () => {
    let called = 0;
    const onUp = (): never => {
      called += 1;
      throw new Error('in the listener');
    };
    await makeBroker({}, { onUp }).channel();
    expect(called).toBe(1);
  });
});
