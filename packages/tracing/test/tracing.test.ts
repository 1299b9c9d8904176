import { fault, SinkError } from '@inator/runtime';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Span, SpanKind, SpanStatusCode, type Tracer, type TracerProvider, trace } from '@opentelemetry/api';
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-base';
import { maxLinks } from '../src/index.ts';
import { loadSdk, type Sdk, startTraced, type Traced, traceparent } from './traced-lane.ts';

let traced: Traced;
let sdk: Sdk;
afterEach(async () => {
  await traced.stop();
  sdk?.unload();
});

/** The one span of this name. */
function only(name: string) {
  const found = sdk.spans(name);
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} spans of ${name}`);
  return found[0];
}

describe('with an SDK', () => {
  beforeEach(() => {
    sdk = loadSdk();
    traced = startTraced();
  });

  it('a batch is one span of kind consumer, with what it was and what became of it', async () => {
    for (let i = 0; i < 5; i += 1) traced.source.publish(`k${i}:v`);
    traced.source.publish('k0:again');
    await traced.settled();
    await traced.stop();
    const span = only('process service-things');
    expect(span.kind).toBe(SpanKind.CONSUMER);
    expect(span.parentSpanContext).toBeUndefined();
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
    expect(span.instrumentationScope).toMatchObject({ name: 'inator', version: '1.2.3' });
    expect(span.attributes).toMatchObject({
      'messaging.system': 'rabbitmq',
      'messaging.destination.name': 'service-things',
      'messaging.operation.type': 'process',
      'messaging.batch.message_count': 6,
      'inator.lane': 'things',
      'inator.model': 'things',
      'inator.batch.bytes': 28,
      'inator.batch.created': 5,
      'inator.batch.collapsed': 1,
      'inator.batch.unchanged': 0,
      'inator.batch.refused': 0,
      'inator.attempts': 1,
    });
    expect(span.links).toEqual([]);
  });

  it('it is linked with every span that its messages were published in, each once, tracestate kept', async () => {
    traced.source.publish('a:1', { traceparent: traceparent(1), tracestate: 'vendor=x1' });
    traced.source.publish('b:1', { traceparent: traceparent(2) });
    traced.source.publish('c:1', { traceparent: traceparent(1) });
    traced.source.publish('d:1', {});
    for (const hostile of ['', 'nonsense', Buffer.from(traceparent(3)), [traceparent(3)], 7, 'x'.repeat(1_000_000)])
      traced.source.publish(`${String(hostile).length}:1`, { traceparent: hostile, tracestate: hostile });
    await traced.settled();
    await traced.stop();
    const { links, attributes } = only('process');
    expect(links.map(({ context }) => context.spanId)).toEqual(['0000000000000002', '0000000000000003']);
    expect(links[0]?.context.traceState?.serialize()).toBe('vendor=x1');
    expect(links[0]?.context.isRemote).toBe(true);
    expect(attributes['messaging.batch.message_count']).toBe(10);
    expect(attributes['inator.links.dropped']).toBeUndefined();
  });

  it('has so many links and no more, and says how many are left out', async () => {
    for (let i = 0; i < 500; i += 1) traced.source.publish(`k${i}:v`, { traceparent: traceparent(i % 400) });
    await traced.settled();
    await traced.stop();
    const span = only('process');
    expect(span.links).toHaveLength(maxLinks);
    expect(span.attributes['inator.links.dropped']).toBe(400 - maxLinks);
    expect(span.droppedLinksCount).toBe(0);
  });

  it('the write of the store is a span below it, one an attempt, and one that failed says why', async () => {
    let fails = 2;
    traced.sink.before = () => {
      if (fails > 0) {
        fails -= 1;
        throw new SinkError(
          'unavailable',
          fault('store-unreachable', 'copy', 'nobody at hunter2', { native: 'ECONNREFUSED' }),
        );
      }
    };
    traced.source.publish('a:1');
    await traced.settled();
    await traced.stop();
    const batch = only('process');
    const writes = sdk.spans('merge things');
    expect(writes).toHaveLength(3);
    for (const write of writes) {
      expect(write.kind).toBe(SpanKind.CLIENT);
      expect(write.parentSpanContext?.spanId).toBe(batch.spanContext().spanId);
      expect(write.attributes).toMatchObject({ 'db.system': 'postgresql', 'db.system.name': 'postgresql' });
    }
    expect(writes[0]?.status).toEqual({
      code: SpanStatusCode.ERROR,
      message: 'store-unreachable: nobody at ***',
    });
    expect(writes[0]?.attributes).toMatchObject({
      'error.type': 'store-unreachable',
      'db.response.status_code': 'ECONNREFUSED',
    });
    expect(writes[2]?.status.code).toBe(SpanStatusCode.UNSET);
    expect(writes[2]?.attributes['inator.batch.created']).toBe(1);
    expect(batch.attributes['inator.attempts']).toBe(3);
    expect(batch.status.code).toBe(SpanStatusCode.UNSET);
    expect(batch.events.map(({ name }) => name)).toEqual(['batch.held', 'batch.held', 'batch.released']);
    expect(batch.events[0]?.attributes).toMatchObject({
      'inator.fault.code': 'store-unreachable',
      'inator.attempt': 1,
    });
  });

  it('a batch that is given back is an error with the fault it was held for', async () => {
    let held: () => void = () => {};
    const holding = new Promise<void>((resolve) => {
      held = resolve;
    });
    traced.sink.before = () => {
      held();
      throw new SinkError('unavailable', fault('store-unreachable', 'copy', 'nobody there'));
    };
    traced.source.publish('a:1');
    await holding;
    await traced.lane.stop(AbortSignal.timeout(50));
    expect(only('process').status).toEqual({ code: SpanStatusCode.ERROR, message: 'store-unreachable: nobody there' });
    expect(only('process').attributes).toMatchObject({
      'error.type': 'store-unreachable',
      'inator.batch.returned': 'aborted',
    });
  });

  it('a dead letter is an event of its batch, and a span in the trace of the message', async () => {
    traced.sink.before = ({ records }) => {
      if (records.some(({ record }) => record.value === 'bad'))
        throw new SinkError('refused', fault('value-refused', 'copy', 'the store says no'));
    };
    traced.source.publish('good:1', { traceparent: traceparent(1) });
    traced.source.publish('wrong:bad', { traceparent: traceparent(2) });
    traced.source.publish('!', { traceparent: traceparent(3), tracestate: 'v=1' });
    await traced.settled();
    await traced.stop();
    const batch = only('process');
    expect(batch.status.code).toBe(SpanStatusCode.UNSET);
    expect(batch.attributes).toMatchObject({ 'inator.batch.created': 1, 'inator.batch.refused': 1 });
    expect(batch.events.map(({ name }) => name)).toEqual(['batch.split', 'record.refused']);
    expect(batch.events[1]?.attributes).toMatchObject({
      'inator.record.key': 'wrong',
      'inator.fault.code': 'value-refused',
      'inator.fault.reason': 'bad value of ***',
    });
    const [unread, refused] = [...sdk.spans('settle')].sort((a, b) =>
      String(b.spanContext().traceId).localeCompare(a.spanContext().traceId),
    );
    expect(refused?.parentSpanContext).toMatchObject({ spanId: '0000000000000003', isRemote: true });
    expect(refused?.spanContext().traceId).toBe('3'.padStart(32, '0'));
    expect(refused?.attributes).toMatchObject({ 'error.type': 'value-refused', 'inator.record.key': 'wrong' });
    expect(unread?.spanContext().traceId).toBe('4'.padStart(32, '0'));
    expect(unread?.spanContext().traceState?.serialize()).toBe('v=1');
    expect(unread?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'json-invalid: not a thing' });
  });

  it('a flood of bad records is a bounded number of events', async () => {
    traced.sink.before = ({ records }) => {
      if (records.some(({ record }) => record.value === 'bad'))
        throw new SinkError('refused', fault('value-refused', 'copy', 'the store says no'));
    };
    traced.source.publish('good:1');
    for (let i = 0; i < 300; i += 1) traced.source.publish(`k${i}:bad`);
    await traced.settled();
    await traced.stop();
    const span = only('process');
    expect(span.events).toHaveLength(32);
    expect(span.attributes['inator.events.dropped']).toBe(301 - 32);
    expect(span.droppedEventsCount).toBe(0);
  });

  it('batches that run side by side keep their events and writes apart', async () => {
    await traced.stop();
    traced = startTraced({ writers: 4, batchSize: 5 });
    for (let i = 0; i < 100; i += 1) traced.source.publish(`k${i}:v`, { traceparent: traceparent(i) });
    await traced.settled();
    await traced.stop();
    const batches = sdk.spans('process');
    const sum = (name: string) => batches.reduce((total, span) => total + Number(span.attributes[name]), 0);
    expect(sum('messaging.batch.message_count')).toBe(100);
    expect(sum('inator.batch.created')).toBe(100);
    expect(new Set(batches.map(({ attributes }) => attributes['inator.writer'])).size).toBe(4);
    expect(new Set(batches.map((span) => span.spanContext().traceId)).size).toBe(batches.length);
    const below = sdk.spans('merge').map(({ parentSpanContext }) => parentSpanContext?.spanId);
    expect(below.sort()).toEqual(batches.map((span) => span.spanContext().spanId).sort());
    expect(batches.flatMap(({ links }) => links)).toHaveLength(100);
  });

  it('hands over what the SDK holds, and does not wait for one that hangs or fails', async () => {
    traced.source.publish('a:1');
    await traced.settled();
    let asked = 0;
    sdk.provider.forceFlush = async () => {
      asked += 1;
      throw new Error('collector is away');
    };
    await traced.tracing.flush();
    sdk.provider.forceFlush = () => {
      asked += 1;
      return new Promise(() => {});
    };
    const began = performance.now();
    await traced.tracing.flush();
    expect(asked).toBe(2);
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});

describe('with an SDK that samples nothing', () => {
  it('no span is recorded, at no level, and every record is written', async () => {
    sdk = loadSdk(new AlwaysOffSampler());
    traced = startTraced();
    for (let i = 0; i < 20; i += 1) traced.source.publish(`k${i}:v`, { traceparent: traceparent(i) });
    await traced.settled();
    await traced.stop();
    expect(sdk.spans()).toEqual([]);
    expect(traced.sink.rows.size).toBe(20);
  });
});

describe('with an SDK that throws', () => {
  it.each(['a provider', 'a tracer', 'a span'] as const)('in %s, every record is written once', async (how) => {
    sdk = loadSdk();
    sdk.unload();
    const no = (): never => {
      throw new Error('broken');
    };
    const broken: TracerProvider = how === 'a provider' ? { getTracer: no } : { getTracer: () => tracerOf(how, no) };
    trace.setGlobalTracerProvider(broken);
    traced = startTraced({ batchSize: 10 });
    for (let i = 0; i < 50; i += 1) traced.source.publish(`k${i}:v`);
    traced.source.publish('!');
    await traced.settled();
    await traced.stop();
    expect(traced.sink.rows.size).toBe(50);
    expect(traced.source.letters).toHaveLength(1);
  });
});

/** A tracer that throws, or whose spans do. */
function tracerOf(how: 'a tracer' | 'a span', no: () => never): Tracer {
  const span = new Proxy({} as Span, { get: () => no });
  return { startSpan: how === 'a tracer' ? no : () => span, startActiveSpan: no };
}

describe('without an SDK', () => {
  it('no header is read and nothing is made', async () => {
    traced = startTraced();
    expect(traced.tracing.state).toEqual({ is: 'off' });
    let read = 0;
    const headers = {
      get traceparent() {
        read += 1;
        return traceparent(1);
      },
    };
    for (let i = 0; i < 20; i += 1) traced.source.publish(`k${i}:v`, headers);
    traced.source.publish('!', headers);
    await traced.settled();
    await traced.tracing.flush();
    expect(traced.sink.rows.size).toBe(20);
    expect(read).toBe(0);
  });

  it('one that is loaded later is found', async () => {
    traced = startTraced();
    traced.source.publish('a:1');
    await traced.settled();
    sdk = loadSdk();
    expect(traced.tracing.state).toEqual({ is: 'on' });
    traced.source.publish('b:1');
    await traced.settled();
    await traced.stop();
    expect(sdk.spans('process')).toHaveLength(1);
  });

  it('an SDK that came with an older API is told of, instead of being silently without spans', () => {
    traced = startTraced();
    const key = Symbol.for('opentelemetry.js.api.1');
    const global = globalThis as Record<symbol, unknown>;
    const before = global[key];
    global[key] = { version: '1.4.0', trace: {} };
    try {
      expect(traced.tracing.state).toEqual({ is: 'unseen', api: '1.4.0' });
    } finally {
      if (before === undefined) delete global[key];
      else global[key] = before;
    }
  });
});
