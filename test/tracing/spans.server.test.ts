/** A service from dist, with an SDK loaded before it starts: what it traces, and what it logs where batches are many. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'amqplib';
import { root } from '../support/root.ts';
import { sample } from '../support/sample.ts';
import type { ServiceName } from '../support/service.ts';
import type { Letter } from '../support/stores.ts';
import { openWorld, sharedServers, type World } from '../support/world.ts';

interface Span {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent?: string;
  readonly links: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string }[];
  readonly status: { readonly code: number };
}

const register = pathToFileURL(join(root, 'test/tracing/register.mjs')).href;
const good = 300;
const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
const traceparent = (index: number): string => `00-${hex(index + 1, 32)}-${hex(index + 1, 16)}-01`;
/** As hostile producers would have them; none may cost a record. */
const hostile: readonly unknown[] = [
  '',
  'x'.repeat(60_000),
  'FF'.repeat(30),
  17,
  true,
  [1],
  { a: 1 },
  Buffer.alloc(55),
];

let world: World;
let dir: string;
beforeAll(async () => {
  world = await openWorld();
  dir = mkdtempSync(join(tmpdir(), 'inator-spans-'));
});
afterAll(async () => {
  await world.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Every tenth message is from two minutes ago, all have a trace, and some a header that is none. */
async function publish(exchange: string, bodies: readonly Buffer[]): Promise<void> {
  const connection = await connect(sharedServers().rabbitmq);
  const channel = await connection.createConfirmChannel();
  const now = Math.floor(Date.now() / 1_000);
  for (const [index, body] of bodies.entries()) {
    const strange = hostile[index - 20];
    channel.publish(exchange, '', body, {
      persistent: true,
      ...(index % 10 === 0 ? { timestamp: now - 120 } : {}),
      headers: { traceparent: strange === undefined ? traceparent(index) : strange, tracestate: `at=${index}` },
    });
  }
  await channel.waitForConfirms();
  await connection.close();
}

describe.each<[ServiceName, string, Record<string, string>]>([
  ['tableinator', 'postgresql', { POSTGRES_BATCH_SIZE: '10', POSTGRES_WRITERS: '1' }],
  ['graphinator', 'neo4j', { NEO4J_BATCH_SIZE: '10', NEO4J_WRITERS: '1' }],
])('%s with an SDK loaded by --import', (name, store, settings) => {
  let spans: readonly Span[];
  let letters: readonly Letter[];
  let lines: readonly Record<string, unknown>[];
  let metrics: string;

  beforeAll(async () => {
    const file = join(dir, `${name}.jsonl`);
    const service = await world.start(name, {
      NODE_OPTIONS: `--import ${register}`,
      SPANS_FILE: file,
      DATA_TYPES: 'artists',
      LOG_BATCH_LINES: '2',
      ...settings,
    });
    await world.drained(service);
    await publish(world.exchange('artists'), [...sample('artists', good, 91), Buffer.from('{"type":"data"')]);
    await world.drained(service);
    metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(await service.stop()).toBe(0);
    letters = await world.broker.letters(`${world.queue(name, 'artists')}.dlq`);
    lines = service.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    spans = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Span);
  }, 120_000);

  const named = (prefix: string) => spans.filter((span) => span.name.startsWith(prefix));
  const sum = (of: readonly Span[], attribute: string): number =>
    of.reduce((total, { attributes }) => total + Number(attributes[attribute]), 0);

  it('has a span for every batch, the last ones too, and every record in one of them', () => {
    const batches = named(`process ${world.queue(name, 'artists')}`);
    expect(sum(batches, 'messaging.batch.message_count')).toBe(good);
    const ends = ['created', 'updated', 'unchanged'].map((end) => sum(batches, `inator.batch.${end}`));
    expect(ends.reduce((total, end) => total + end, 0)).toBe(good);
    expect(batches.every(({ parent, status }) => parent === undefined && status.code === 0)).toBe(true);
    expect(batches[0]?.attributes).toMatchObject({ 'messaging.system': 'rabbitmq', 'inator.model': 'artists' });
  });

  it('links them with the spans of the producer, and ignores headers that are none', () => {
    const links = named('process').flatMap((span) => span.links);
    const wanted = Array.from({ length: good }, (_, index) => index).filter(
      (index) => hostile[index - 20] === undefined,
    );
    expect([...links].sort()).toEqual(wanted.map((index) => hex(index + 1, 16)).sort());
  });

  it('has a span for every write below that of its batch', () => {
    const batches = new Set(named('process').map(({ spanId }) => spanId));
    const writes = named('merge artists');
    expect(writes.length).toBeGreaterThanOrEqual(batches.size);
    expect(writes.every(({ parent }) => batches.has(parent ?? ''))).toBe(true);
    expect(new Set(writes.map(({ attributes }) => attributes['db.system.name']))).toEqual(new Set([store]));
  });

  it('shows a dead letter in the trace of the message, and the letter keeps both headers', () => {
    const [settled, ...more] = named('settle');
    expect(more).toEqual([]);
    expect(settled).toMatchObject({ traceId: hex(good + 1, 32), parent: hex(good + 1, 16), status: { code: 2 } });
    expect(settled?.attributes['error.type']).toBe('json-invalid');
    expect(letters).toHaveLength(1);
    expect(letters[0]?.headers).toMatchObject({ traceparent: traceparent(good), tracestate: `at=${good}` });
  });

  it('says in its log that spans are made', () => {
    expect(lines.filter(({ event }) => event === 'tracing.on')).toHaveLength(1);
  });

  it('logs lines and summaries that add up to every record', () => {
    const single = lines.filter(({ event }) => event === 'batch.processed');
    const summed = lines.filter(({ event }) => event === 'batches.processed');
    const total = (of: readonly Record<string, unknown>[], field: string): number =>
      of.reduce((added, line) => added + Number(line[field]), 0);
    expect(summed.length).toBeGreaterThan(0);
    expect(total(single, 'batch_size') + total(summed, 'records')).toBe(good);
    const ends = ['inserted', 'updated', 'unchanged'].map((end) => total([...single, ...summed], end));
    expect(ends.reduce((added, end) => added + end, 0)).toBe(good);
    expect(single.length + total(summed, 'batches')).toBe(named('process').length);
  });

  it('tells the age of messages that were stamped when they were published', () => {
    const of = (series: string): number =>
      Number(new RegExp(`^inator_message_published_age_seconds_${series}\\{[^}]*\\} (\\S+)$`, 'm').exec(metrics)?.[1]);
    expect(of('count')).toBeGreaterThan(0);
    expect(of('count')).toBeLessThanOrEqual(named('process').length);
    expect(of('sum') / of('count')).toBeGreaterThanOrEqual(120);
    expect(of('sum') / of('count')).toBeLessThan(1_000);
  });
});
