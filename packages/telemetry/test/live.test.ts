/** The feed behind the live page: what it tells, to how many, and how it ends. */
import { type ClientRequest, request } from 'node:http';
import { Events, fault } from '@inator/runtime';
import { until } from '@inator/testkit/hurt';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createAdminServer, createHealth, createLive, createMetrics, standardRoutes } from '../src/index.ts';
import { mostListeners } from '../src/live/feed.ts';
import { createRecorder } from '../src/live/recorder.ts';
import { controlled, oneOfEach, written } from './samples.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serve() {
  const health = createHealth();
  const metrics = createMetrics({ service: 'tableinator', version: '1', sink: 'postgres' });
  const live = createLive({ service: 'tableinator', version: '1', instance: 'here', health });
  const lane = controlled();
  live.lane({ ...lane, letters: { queue: 'q.dlq', depth: async () => 7 } });
  health.markStarted();
  const server = createAdminServer({
    host: '127.0.0.1',
    port: 0,
    routes: standardRoutes({
      service: 'tableinator',
      version: '1',
      revision: undefined,
      instance: 'here',
      health,
      metrics,
      live,
      lanes: () => [lane],
    }),
  });
  const { port } = await server.listen();
  closers.push(
    () => metrics.close(),
    () => server.close(),
    () => live.close(),
  );
  return { live, lane, server, url: `http://127.0.0.1:${port}` };
}

interface Heard {
  readonly name: string;
  readonly data: Record<string, unknown>;
}

/** Listens as a browser would. */
function listen(
  url: string,
): Promise<{ heard: Heard[]; status: number; ended: () => boolean; request: ClientRequest }> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/events`, { agent: false }, (response) => {
      const heard: Heard[] = [];
      let text = '';
      let isOver = false;
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        const parts = text.split('\n\n');
        text = parts.pop() ?? '';
        for (const part of parts) {
          const match = /^event: (\w+)\ndata: (.*)$/.exec(part);
          if (match) heard.push({ name: match[1] ?? '', data: JSON.parse(match[2] ?? '') as Heard['data'] });
        }
      });
      response.on('end', () => {
        isOver = true;
      });
      response.on('error', () => {});
      resolve({ heard, status: response.statusCode ?? 0, ended: () => isOver, request: asked });
    });
    asked.on('error', reject);
    asked.end();
    closers.push(() => asked.destroy());
  });
}

describe('the feed', () => {
  it('tells the past at once, then what is, every second', async () => {
    const { url, lane } = await serve();
    const { heard, status } = await listen(url);
    expect(status).toBe(200);
    await until(() => heard.filter(({ name }) => name === 'snapshot').length >= 3, 'three snapshots', 10_000);
    expect(heard[0]).toMatchObject({ name: 'history', data: { service: 'tableinator', lanes: { artists: {} } } });
    const lanes = heard.at(-1)?.data.lanes;
    expect(lanes).toMatchObject([
      { lane: 'artists', state: 'consuming', depth: 42, lettersWaiting: 7, deadLetterQueue: 'q.dlq' },
    ]);
    lane.become({ state: 'holding', reason: 'connection refused' });
    await until(
      () => JSON.stringify(heard.at(-1)?.data.lanes).includes('Bring the store back'),
      'what to do about the hold',
      5_000,
    );
  });

  it('has so many listeners and no more; one that leaves makes room', async () => {
    const { url, live } = await serve();
    const all = await Promise.all(Array.from({ length: mostListeners }, () => listen(url)));
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
    const refused = await fetch(`${url}/events`);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10']);
    all[0]?.request.destroy();
    await until(() => !live.full, 'room');
    expect((await listen(url)).status).toBe(200);
  });

  it('ends with a word when the service stops, and does not keep the port', async () => {
    const { url, live, server } = await serve();
    const { heard, ended } = await listen(url);
    live.close();
    await until(ended, 'the end of the stream');
    expect(heard.at(-1)?.name).toBe('end');
    const began = performance.now();
    await server.close();
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it('answers HEAD without staying open', async () => {
    const { url, live } = await serve();
    const response = await fetch(`${url}/events`, { method: 'HEAD' });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(live.full).toBe(false);
  });
});

describe('the page', () => {
  it('is one document with files of its own, under a policy that lets nothing else in', async () => {
    const { url } = await serve();
    const page = await fetch(`${url}/`);
    const html = await page.text();
    expect(html).toBe(await (await fetch(`${url}/live`)).text());
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    const wanted = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '');
    expect(wanted).toEqual(expect.arrayContaining(['live.css', 'live.js', 'icon.svg']));
    for (const path of wanted) {
      expect(path).toMatch(/^[a-z.]+$/);
      expect([path, [200, 503].includes((await fetch(`${url}/${path}`)).status)]).toEqual([path, true]);
    }
    // Inline scripts and styles would not pass the policy, and nobody would see why.
    expect(html).not.toMatch(/<style|style="|<script(?![^>]* src=)|\son[a-z]+="/);
  });
});

describe('the recorder', () => {
  it('tells rates, latency, where time went and how the backlog moves, from samples alone', () => {
    let now = 1_000_000;
    const lane = controlled({ pendingRecords: 0 });
    const recorder = createRecorder(() => now);
    const events = new Events();
    recorder.events(events);
    recorder.lane(lane);
    const { totals, writers } = lane.snapshot();
    const [writer] = writers;
    if (writer === undefined) throw new Error('the sample has no writer');
    for (let second = 1; second <= 20; second += 1) {
      now += 1_000;
      events.emit('batch.written', written({ ageMs: second }));
      lane.become({
        totals: { ...totals, acked: totals.acked + second * 100, deadLettered: totals.deadLettered + second },
        writers: [{ ...writer, spentMs: { ...writer.spentMs, writing: writer.spentMs.writing + second * 750 } }],
      });
      recorder.sample(new Map([['artists', 5_000 - second * 50]]));
    }
    const recent = recorder.recent('artists');
    expect(recent.seconds).toBeCloseTo(10, 5);
    expect(recent.settledPerSecond).toBeCloseTo(101, 5);
    expect(recent.deadLetteredPerSecond).toBeCloseTo(1, 5);
    expect(recent.backlogPerSecond).toBeCloseTo(-50, 5);
    expect(recent.spentMs.writing).toBe(7_500);
    expect(recent.age?.maxMs).toBe(20);
    expect(recorder.history('artists')).toHaveLength(21);
  });

  it('keeps five minutes and no more, and counts letters by what was wrong', () => {
    const recorder = createRecorder();
    const events = new Events();
    recorder.events(events);
    recorder.lane(controlled());
    for (let second = 0; second < 400; second += 1) recorder.sample(new Map());
    expect(recorder.history('artists')).toHaveLength(300);
    for (const code of ['text-nul', 'json-invalid', 'text-nul'] as const) {
      const told = fault(code, 'decode', 'because');
      events.emit('record.deadLettered', { ...oneOfEach['record.deadLettered'], fault: told });
    }
    expect(recorder.deadLettersBy('artists')).toEqual({ 'text-nul': 2, 'json-invalid': 1 });
  });
});
