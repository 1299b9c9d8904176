/** What changes something: only with the token, always with a trace, and only where it makes sense. */
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type AuditEntry,
  createAdminServer,
  createHealth,
  createLive,
  createMetrics,
  standardRoutes,
} from '../src/index.ts';
import { controlled } from './samples.ts';

const token = 'a-token-of-some-length-0123456789';
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(secret: (() => string) | undefined = () => token) {
  const health = createHealth();
  const metrics = createMetrics({ service: 's', version: '1', sink: 'postgres' });
  const live = createLive({ service: 's', version: '1', instance: 'i', health });
  const lane = controlled();
  const audited: AuditEntry[] = [];
  health.markStarted();
  health.lane(lane);
  metrics.lane(lane);
  live.lane(lane);
  const server = createAdminServer({
    host: '127.0.0.1',
    port: 0,
    token: secret,
    audit: (entry) => audited.push(entry),
    routes: standardRoutes({
      service: 's',
      version: '1',
      revision: undefined,
      instance: 'i',
      health,
      metrics,
      live,
      lanes: () => [lane],
    }),
  });
  const { port } = await server.listen();
  closers.push(
    () => live.close(),
    () => server.close(),
    () => metrics.close(),
  );
  const post = async (path: string, authorization?: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      ...(authorization === undefined ? {} : { headers: { authorization } }),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as object };
  };
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  return { lane, audited, post, get };
}

const bearer = `Bearer ${token}`;

describe('a lane', () => {
  it('is paused and resumed with the token, stays ready meanwhile with the reason, and shows in the metrics', async () => {
    const { lane, post, get } = await serve();
    expect(await post('/lanes/artists/pause', bearer)).toMatchObject({
      status: 200,
      body: { lane: 'artists', state: 'paused', paused: true },
    });
    lane.become({ reason: 'an operator paused the lane' });
    expect(JSON.parse(await get('/readyz'))).toMatchObject({
      status: 'ready',
      checks: [{ name: 'service' }, { name: 'lane:artists', reason: 'paused: an operator paused the lane' }],
    });
    expect(await get('/metrics')).toMatch(/inator_consumer_paused\{data_type="artists",cause="operator".*\} 1/);
    expect(JSON.parse(await get('/lanes'))).toMatchObject({
      lanes: [{ paused: true, advice: expect.stringContaining('inator resume artists') }],
    });
    expect(await post('/lanes/artists/resume', bearer)).toMatchObject({ status: 200, body: { paused: false } });
    expect(lane.done).toEqual(['pause', 'resume']);
  });

  it('that holds while it is paused still shows the pause in the metrics', async () => {
    const { lane, get } = await serve();
    lane.become({ paused: true, state: 'holding', reason: 'the store is away' });
    const text = await get('/metrics');
    expect(text).toMatch(/inator_consumer_paused\{data_type="artists",cause="operator".*\} 1/);
    expect(text).toMatch(/inator_consumer_paused\{data_type="artists",cause="outage".*\} 1/);
  });

  it('that is not braked is not released: it would be pardoned refusals still to come', async () => {
    const { lane, post } = await serve();
    expect((await post('/lanes/artists/release-brake', bearer)).status).toBe(409);
    lane.become({ state: 'braked' });
    expect((await post('/lanes/artists/release-brake', bearer)).status).toBe(200);
    expect(lane.done).toEqual(['release-brake']);
  });

  it('that nobody knows is a 404 with those there are, and one that stops a 409', async () => {
    const { lane, post } = await serve();
    for (const path of ['/lanes/labels/pause', '/lanes/ARTISTS/pause', '/lanes/%7Btype%7D/pause']) {
      expect(await post(path, bearer)).toMatchObject({ status: 404, body: { lanes: ['artists'] } });
    }
    for (const path of ['/lanes//pause', '/lanes/artists/pause/', '/lanes/artists', '/lanes/%/pause']) {
      expect([path, (await post(path, bearer)).body]).toMatchObject([path, { error: 'not found' }]);
    }
    lane.become({ state: 'draining' });
    expect((await post('/lanes/artists/pause', bearer)).status).toBe(409);
    expect(lane.done).toEqual([]);
  });

  it('whose broker does not answer in time is answered with 202, and the pause stands', async () => {
    const { lane, post } = await serve();
    lane.pause = () => new Promise(() => {});
    expect(await post('/lanes/artists/pause', bearer)).toMatchObject({ status: 202, body: { pending: true } });
  });
});

describe('without the token', () => {
  it.each([
    ['nothing', undefined],
    ['an empty one', 'Bearer '],
    ['another', 'Bearer wrong'],
    ['the beginning of it', `Bearer ${token.slice(0, -1)}`],
    ['more than it', `${bearer}x`],
    ['another scheme', `Basic ${Buffer.from(`admin:${token}`).toString('base64')}`],
  ])('%s is refused with 401, and nothing happens', async (_, authorization) => {
    const { lane, post, audited } = await serve();
    const answer = await post('/lanes/artists/pause', authorization);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    expect(JSON.stringify(answer.body)).not.toContain(token);
    expect(lane.done).toEqual([]);
    expect(audited).toEqual([{ what: 'POST /lanes/artists/pause', remote: '127.0.0.1', status: 401 }]);
  });

  it.each([
    ['is not set', undefined],
    ['is empty', () => ''],
  ])('when ADMIN_TOKEN %s, everything is refused with 403 that names it', async (_, secret) => {
    const { lane, post } = secret === undefined ? await serve(() => '') : await serve(secret);
    for (const action of ['pause', 'resume', 'release-brake']) {
      for (const authorization of [undefined, 'Bearer ', bearer]) {
        const answer = await post(`/lanes/artists/${action}`, authorization);
        expect(answer).toMatchObject({ status: 403, body: { variable: 'ADMIN_TOKEN' } });
      }
    }
    expect(lane.done).toEqual([]);
  });

  it('a token that was rotated is taken, the old one no longer', async () => {
    let secret = token;
    const { post } = await serve(() => secret);
    secret = 'another-token-altogether';
    expect((await post('/lanes/artists/pause', bearer)).status).toBe(401);
    expect((await post('/lanes/artists/pause', 'bearer another-token-altogether')).status).toBe(200);
  });
});

describe('the trace', () => {
  it('says who did what and how it ended', async () => {
    const { post, audited } = await serve();
    await post('/lanes/artists/pause', bearer);
    await post('/lanes/labels/resume', bearer);
    expect(audited).toEqual([
      { what: 'POST /lanes/artists/pause', remote: '127.0.0.1', status: 200 },
      { what: 'POST /lanes/labels/resume', remote: '127.0.0.1', status: 404 },
    ]);
  });

  it('of a flood of guesses is bounded', async () => {
    const { post, audited } = await serve();
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, n) => post('/lanes/artists/pause', `Bearer ${n}`)),
    );
    expect(answers.every(({ status }) => status === 401)).toBe(true);
    expect(audited).toHaveLength(20);
  });
});
