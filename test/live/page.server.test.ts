/** The live page in a real browser, over a real tableinator, RabbitMQ and PostgreSQL. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startProxy, until } from '@inator/testkit/hurt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'puppeteer-core';
import { sample } from '../support/sample.ts';
import type { RunningService } from '../support/service.ts';
import { openWorld, sharedServers, type World } from '../support/world.ts';
import { findBrowser, openBrowser, openPage, type Seen } from './browser.ts';

const found = findBrowser();
const suite = found === undefined ? describe.skip : describe;
const token = 'a-token-for-the-tests-0123456789';
/** Folder for pictures of the page; then the load runs longer, so that the charts have something to show. */
const pictures = process.env.INATOR_SCREENSHOTS;
const phone = 390;

let world: World;
let proxy: Awaited<ReturnType<typeof startProxy>>;
let service: RunningService;
let browser: Browser;
let publishing: Promise<void> = Promise.resolve();
let enough = false;
const opened: Seen[] = [];

async function open(width: number, scheme: 'light' | 'dark' = 'light', path = '/'): Promise<Seen> {
  const seen = await openPage(browser, service.url + path, { width, scheme });
  opened.push(seen);
  await until(async () => (await seen.text('#link')) === 'Live', 'the page is live');
  return seen;
}

/** Messages at a pace, more of some types than of others, until `enough`. */
async function publish(): Promise<void> {
  const shares = { artists: 1, labels: 0.4, masters: 0.2, releases: 1.6 } as const;
  const bodies = Object.fromEntries(
    Object.keys(shares).map((type) => [type, sample(type as keyof typeof shares, 2_000)]),
  );
  for (let round = 0; !enough; round += 1) {
    // Waves, as real producers make them.
    const swell = 1 + 0.6 * Math.sin(round / 45) + 0.25 * Math.sin(round / 11);
    for (const [type, share] of Object.entries(shares)) {
      const many = Math.round((pictures === undefined ? 30 : 420) * share * swell);
      const from = (round * 37) % 1_000;
      const some = bodies[type]?.slice(from, from + many) ?? [];
      await world.broker.publish(world.exchange(type as keyof typeof shares), some);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function save(seen: Seen, name: string): Promise<void> {
  if (pictures === undefined) return;
  mkdirSync(pictures, { recursive: true });
  await seen.page.screenshot({ path: join(pictures, `${name}.png`), optimizeForSpeed: false });
}

const figure = (text: string): number => Number(text.replaceAll(',', '').replace(/[^0-9.].*$/, ''));

suite('the live page', () => {
  beforeAll(async () => {
    const { rabbitmq, postgres = '' } = sharedServers();
    world = await openWorld({ rabbitmq, postgres });
    const url = new URL(postgres);
    proxy = await startProxy({ target: { host: url.hostname, port: Number(url.port || 5432) } });
    url.host = `127.0.0.1:${proxy.port}`;
    service = await world.start('tableinator', {
      POSTGRES_URL: url.href,
      POSTGRES_BATCH_SIZE: '100',
      POSTGRES_BATCH_FLUSH_INTERVAL: '0.3',
      INSTANCE: 'tableinator-0',
      ADMIN_TOKEN: token,
    });
    await until(async () => (await service.get('/readyz')).status === 200, 'tableinator is ready');
    browser = await openBrowser(found ?? '');
    publishing = publish();
    if (pictures !== undefined) {
      // A link that is busy, so that there is a backlog to see.
      proxy.slow(700_000);
      const bad = ['{"broken', '{"type":"data","name":"no key"}', '[]', '{"type":"data"}'];
      await world.broker.publish(world.exchange('labels'), bad);
      await new Promise((resolve) => setTimeout(resolve, Number(process.env.INATOR_SCREENSHOTS_AFTER ?? 310_000)));
    }
  }, 600_000);

  afterEach(async () => {
    for (const { page } of opened.splice(0)) await page.close();
  });

  afterAll(async () => {
    enough = true;
    await publishing.catch(() => {});
    await browser.close();
    await world.close();
    await proxy.close();
  }, 60_000);

  it('shows every lane with live numbers, which change without a reload, and no error in the console', async () => {
    const seen = await open(1280);
    await until(async () => (await seen.text('#service')) === 'tableinator', 'the name');
    await until(async () => (await seen.text('#about')).startsWith('tableinator-0 · version '), 'what runs');
    const lanes = await seen.ask<string[]>('[...document.querySelectorAll("[data-lane]")].map((e) => e.dataset.lane)');
    expect(lanes).toEqual(['artists', 'labels', 'masters', 'releases']);
    const card = '[data-lane=artists]';
    await until(async () => (await seen.text(`${card} [data-is=state]`)) === 'Consuming', 'consuming');
    const stored = async (): Promise<number> => figure(await seen.text(`${card} [data-is=stored]`));
    await until(async () => (await stored()) > 0, 'something stored');
    const before = await stored();
    await until(async () => (await stored()) > before, 'more stored, told by the service');
    await until(async () => figure(await seen.text(`${card} [data-is=rate]`)) > 0, 'a rate');
    await until(async () => (await seen.text(`${card} [data-is=backlog]`)) !== '–', 'a backlog');
    expect(await seen.text(`${card} [data-is=age]`)).toMatch(/^[\d.,]+ m?s$/);
    // What the page says is what the service counted.
    const { body } = await service.get<{ lanes: { lane: string; totals: Record<string, number> }[] }>('/lanes');
    const totals = body.lanes.find(({ lane }) => lane === 'artists')?.totals ?? {};
    const counted = ['created', 'updated', 'unchanged', 'stale', 'collapsed'].reduce((n, k) => n + (totals[k] ?? 0), 0);
    await until(async () => (await stored()) >= counted, `the page says ${counted}`);
    expect(seen.complaints).toEqual([]);
  }, 60_000);

  it('accounts for the writers’ time: six shares with words, which fill the bar', async () => {
    const seen = await open(1280);
    const legend = '[data-lane=artists] [data-is=legend]';
    await until(async () => /Writing\d/.test(await seen.text(legend)), 'shares');
    const words = await seen.ask<string[]>(
      `[...document.querySelectorAll("${legend} li")].map((e) => e.firstChild.textContent)`,
    );
    expect(words).toEqual(['Writing', 'Settling', 'Decoding', 'Waiting for a connection', 'Holding', 'Idle']);
    const filled = await seen.ask<number>(
      '[...document.querySelectorAll("[data-lane=artists] [data-is=bar] span")].reduce((n, e) => n + e.getBoundingClientRect().width, 0) / document.querySelector("[data-lane=artists] [data-is=bar]").getBoundingClientRect().width',
    );
    expect(filled).toBeCloseTo(1, 1);
    await until(
      async () => (await seen.ask<string>('document.querySelector(".line").getAttribute("d") ?? ""')).includes('L'),
      'a line in the chart',
    );
    expect(await seen.ask('document.querySelector("[data-is=rate-chart]").getAttribute("aria-label")')).toMatch(
      /^Records a second .* now [\d.,]+$/,
    );
  }, 60_000);

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', phone],
    ['dark', phone],
  ] as const)(
    'in the %s scheme at %i pixels fits without scrolling sideways, and its texts can be read',
    async (scheme, width) => {
      const seen = await open(width, scheme);
      await until(async () => figure(await seen.text('#sum-rate')) > 0, 'a rate');
      if (width !== phone) await save(seen, `live-${scheme}`);
      else if (scheme === 'light') await save(seen, 'live-phone');
      expect(await seen.ask('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      const poor = await seen.ask<string[]>(contrasts);
      expect(poor).toEqual([]);
      expect(seen.complaints).toEqual([]);
    },
    60_000,
  );

  it('shows a hold when the store is away, why, and what to do; and takes it back when it returns', async () => {
    const seen = await open(1280);
    const card = '[data-lane=artists]';
    // What a page shows first is no change, and is not announced.
    await until(async () => (await seen.text(`${card} [data-is=state]`)) === 'Consuming', 'consuming');
    await proxy.refuse();
    try {
      await until(async () => (await seen.text(`${card} [data-is=state]`)) === 'Holding', 'holding', 20_000);
      expect(await seen.text(`${card} [data-is=reason]`)).toMatch(/^PostgreSQL|connect|refused|reset|connection/i);
      expect(await seen.text(`${card} [data-is=advice]`)).toContain('Bring the store back: nothing is lost');
      await until(async () => (await seen.text('#ready')) === 'Not ready', 'not ready');
      await until(async () => (await seen.text('#checks')).includes('Check POSTGRES_URL'), 'the failing check', 15_000);
      await until(async () => !/Holding0 %/.test(await seen.text(`${card} [data-is=legend]`)), 'time spent holding');
      await until(async () => (await seen.text('#announce')).includes('holding'), 'said to who cannot see it');
      await save(seen, 'live-holding');
    } finally {
      await proxy.open();
    }
    await until(async () => (await seen.text(`${card} [data-is=state]`)) === 'Consuming', 'consuming again', 45_000);
    expect(seen.complaints).toEqual([]);
  }, 100_000);

  it('shows a lane that an operator paused, ready all the same, with the word that ends it', async () => {
    const seen = await open(1280, 'light', '/live');
    const post = (action: string) =>
      fetch(`${service.url}/lanes/masters/${action}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      });
    expect((await post('pause')).status).toBe(200);
    const card = '[data-lane=masters]';
    await until(async () => (await seen.text(`${card} [data-is=state]`)) === 'Paused', 'paused');
    expect(await seen.text(`${card} [data-is=advice]`)).toContain('inator resume masters');
    await until(async () => (await seen.text('#ready')) === 'Ready', 'ready', 15_000);
    // Nothing is taken any more, so what is published stays in the queue.
    await until(async () => figure(await seen.text(`${card} [data-is=backlog]`)) > 0, 'a backlog', 15_000);
    const settled = async () => {
      type Body = { lanes: { lane: string; pendingRecords: number; totals: { acked: number } }[] };
      const { body } = await service.get<Body>('/lanes');
      return body.lanes.find(({ lane }) => lane === 'masters');
    };
    await until(async () => (await settled())?.pendingRecords === 0, 'what was in hand is settled');
    const acked = (await settled())?.totals.acked;
    const waiting = await world.broker.ready(world.queue('tableinator', 'masters'));
    await until(async () => (await world.broker.ready(world.queue('tableinator', 'masters'))) > waiting, 'more waits');
    expect((await settled())?.totals.acked).toBe(acked);
    expect((await post('resume')).status).toBe(200);
    await until(async () => (await seen.text(`${card} [data-is=state]`)) === 'Consuming', 'consuming again');
    await until(async () => ((await settled())?.totals.acked ?? 0) > (acked ?? 0), 'it takes messages again');
    expect(
      service.lines.some((line) => line.includes('"event":"admin.action"') && line.includes('masters/pause')),
    ).toBe(true);
    expect(service.lines.join('\n')).not.toContain(token);
  }, 60_000);

  it('counts dead letters by what was wrong with them, and names the queue and the next command', async () => {
    await world.broker.publish(world.exchange('labels'), ['{"broken', '{"type":"data","name":"payload-zq4711"}']);
    const seen = await open(1280);
    const card = '[data-lane=labels]';
    await until(async () => (await seen.text(`${card} [data-is=codes]`)).includes('json-invalid'), 'the code', 15_000);
    expect(await seen.text(`${card} [data-is=codes]`)).toContain('key-missing');
    const next = await seen.text(`${card} [data-is=letters-next]`);
    expect(next).toContain(`${world.queue('tableinator', 'labels')}.dlq`);
    expect(next).toContain('inator dlq list --service tableinator --type labels');
    expect(await seen.ask('document.documentElement.innerHTML')).not.toContain('zq4711');
  }, 60_000);

  it('says so when the service stops, and does not pretend to be live', async () => {
    const seen = await open(phone);
    enough = true;
    await publishing;
    expect(await service.stop()).toBe(0);
    await until(async () => (await seen.text('#link')).startsWith('The service has stopped'), 'the end', 10_000);
    expect(await seen.ask('document.body.classList.contains("stale")')).toBe(true);
  }, 60_000);
});

/** Texts on the page whose contrast with what is behind them is under 4.5 (WCAG 2.2, 1.4.3), in words. */
const contrasts = `(() => {
  const parse = (text) => {
    const numbers = text.match(/[\\d.]+/g).map(Number);
    if (text.startsWith('color(srgb')) return [...numbers.slice(0, 3).map((n) => n * 255), numbers[3] ?? 1];
    return [numbers[0], numbers[1], numbers[2], numbers[3] ?? 1];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const poor = new Set();
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
    if (!own || element.getClientRects().length === 0 || element.tagName === 'NOSCRIPT') continue;
    const background = behind(element);
    const [a, b] = [light(over(parse(getComputedStyle(element).color), background)), light(background)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.add(element.className + ' ' + element.textContent.trim().slice(0, 30) + ': ' + ratio.toFixed(2));
  }
  return [...poor];
})()`;
