import { request as send } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  AdminError,
  type AdminServer,
  createAdminServer,
  createHealth,
  createLive,
  createMetrics,
  createRedact,
  type Route,
  type RouteKind,
  routeKinds,
  standardRoutes,
} from '../src/index.ts';
import { controlled } from './samples.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function standard() {
  const health = createHealth();
  const metrics = createMetrics({ service: 'tableinator', version: '1.2.3', sink: 'postgres' });
  const live = createLive({ service: 'tableinator', version: '1.2.3', instance: 'here', health });
  closers.push(() => metrics.close());
  closers.push(() => live.close());
  const lane = controlled();
  live.lane(lane);
  const routes = standardRoutes({
    service: 'tableinator',
    version: '1.2.3',
    revision: 'abc',
    instance: 'here',
    health,
    metrics,
    live,
    lanes: () => [lane],
  });
  return { health, routes, lane, live };
}

async function serve(routes: readonly Route[], more: { redact?: (t: string) => string; failed?: () => void } = {}) {
  const server: AdminServer = createAdminServer({ host: '127.0.0.1', port: 0, routes, ...more });
  const { port } = await server.listen();
  closers.push(() => server.close());
  return { server, port, url: `http://127.0.0.1:${port}` };
}

const route = (path: string, handle: Route['handle']): Route => ({
  method: 'GET',
  path,
  means: '',
  answers: {},
  handle,
});

describe('the routes', () => {
  it('all answer, with no store and no broker in reach', async () => {
    const { routes } = standard();
    const { url } = await serve(routes);
    for (const { method, path, answers } of Object.values<RouteKind>(routeKinds)) {
      const response = await fetch(url + path, { method });
      expect([path, Object.keys(answers).includes(String(response.status))]).toEqual([path, true]);
      expect(response.headers.get('cache-control')).toBe('no-store');
      await response.body?.cancel();
    }
  });

  it('tell alive, started and ready apart', async () => {
    const { health, routes, lane } = standard();
    const { url } = await serve(routes);
    const statuses = async () =>
      Promise.all(['/livez', '/startupz', '/readyz', '/health'].map(async (path) => (await fetch(url + path)).status));
    expect(await statuses()).toEqual([200, 503, 503, 503]);
    health.markStarted();
    expect(await statuses()).toEqual([200, 200, 200, 200]);
    health.lane(lane);
    lane.become({ state: 'holding', reason: 'connection refused' });
    expect(await statuses()).toEqual([200, 200, 503, 503]);
    const body = (await (await fetch(`${url}/readyz`)).json()) as { status: string; checks: { reason?: string }[] };
    expect(body.status).toBe('not_ready');
    expect(body.checks.map((check) => check.reason)).toContain('holding: connection refused');
  });

  it('show the lanes and the version as JSON', async () => {
    const { routes } = standard();
    const { url } = await serve(routes);
    expect(await (await fetch(`${url}/lanes`)).json()).toMatchObject({
      service: 'tableinator',
      lanes: [{ lane: 'artists', state: 'consuming', depth: 42, totals: { consumed: 1000 } }],
    });
    expect(await (await fetch(`${url}/version?x=1`)).json()).toEqual({
      service: 'tableinator',
      version: '1.2.3',
      revision: 'abc',
      node: process.version,
      instance: 'here',
    });
  });
});

describe('a request', () => {
  it('for another path is answered with 404, in JSON, with the paths there are', async () => {
    const { url } = await serve([route('/a', () => ({ status: 200, body: 'x' }))]);
    for (const path of ['/', '/b', '/a/', '/a/../b', '//a', '/%61']) {
      const response = await fetch(url + path);
      expect([path, response.status]).toEqual([path, 404]);
      expect(await response.json()).toEqual({ error: 'not found', paths: ['/a'] });
    }
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('with %s is answered with 405', async (method) => {
    const { url } = await serve([route('/a', () => ({ status: 200, body: 'x' }))]);
    const response = await fetch(`${url}/a`, { method, ...(method === 'POST' ? { body: 'y'.repeat(100_000) } : {}) });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
  });

  it('with HEAD has the headers and no body', async () => {
    const { url } = await serve([route('/a', () => ({ status: 200, body: 'four' }))]);
    const response = await fetch(`${url}/a`, { method: 'HEAD' });
    expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([200, '4', '']);
  });

  it('whose handler throws is answered with 500 and no word of why', async () => {
    const failed: unknown[] = [];
    const { url } = await serve(
      [
        route('/a', () => {
          throw new Error('canary in a stack');
        }),
      ],
      { failed: () => failed.push(1) },
    );
    const response = await fetch(`${url}/a`);
    expect([response.status, await response.text()]).toEqual([500, '{"error":"internal error"}\n']);
    expect(failed).toHaveLength(1);
  });

  it('whose handler hangs is answered within the promised two seconds', async () => {
    const { url } = await serve([route('/a', () => new Promise(() => {}))]);
    const began = performance.now();
    expect((await fetch(`${url}/a`)).status).toBe(500);
    expect(performance.now() - began).toBeLessThan(3_000);
  });

  it('is answered without secrets, at any depth', async () => {
    const body = { a: ['canary-7'], b: { c: 'amqp://u:p@h' } };
    const { url } = await serve([route('/a', () => ({ status: 200, body }))], {
      redact: createRedact(() => ['canary-7']),
    });
    expect(await (await fetch(`${url}/a`)).json()).toEqual({ a: ['***'], b: { c: 'amqp://***@h' } });
  });

  it('that is no HTTP, or has headers without end, costs only its own connection', async () => {
    const { port, url } = await serve([route('/a', () => ({ status: 200, body: 'x' }))]);
    for (const bytes of ['nonsense\r\n\r\n', `GET /a HTTP/1.1\r\nhost: h\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`]) {
      const reply = await new Promise<string>((resolve, reject) => {
        let text = '';
        const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
        socket.on('data', (chunk) => {
          text += chunk;
        });
        socket.on('close', () => resolve(text));
        socket.on('error', reject);
      });
      expect(reply).toMatch(/^HTTP\/1\.1 4\d\d/);
    }
    expect((await fetch(`${url}/a`)).status).toBe(200);
  });
});

describe('the server', () => {
  it('on a port that is taken says so and names HEALTH_PORT', async () => {
    const { port } = await serve([]);
    const second = createAdminServer({ host: '127.0.0.1', port, routes: [] });
    const error = await second.listen().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AdminError);
    expect(error).toMatchObject({ code: 'port-taken', blame: 'operator', variable: 'HEALTH_PORT' });
    expect((error as Error).message).toMatch(new RegExp(`127\\.0\\.0\\.1:${port} .*HEALTH_PORT`));
    await second.close();
  });

  it('on an address of another machine says so and names HEALTH_HOST', async () => {
    const server = createAdminServer({ host: '192.0.2.1', port: 0, routes: [] });
    const error = await server.listen().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'no-such-address', variable: 'HEALTH_HOST' });
    expect((error as Error).message).toContain('HEALTH_HOST');
  });

  it('closes with a connection open that says nothing', async () => {
    const { server, port } = await serve([route('/a', () => ({ status: 200, body: 'x' }))]);
    const idle = send({ port, host: '127.0.0.1', path: '/a', agent: false, headers: { connection: 'keep-alive' } });
    await new Promise<void>((resolve) => {
      idle.on('response', (response) => response.resume().on('end', resolve));
      idle.on('error', () => {});
      idle.end();
    });
    const silent = connect(port, '127.0.0.1');
    await new Promise((resolve) => silent.on('connect', resolve));
    silent.on('error', () => {});
    const began = performance.now();
    await server.close();
    expect(performance.now() - began).toBeLessThan(2_000);
    silent.destroy();
  });
});
