/** A lane in memory with tracing, and an SDK that keeps its spans in memory. */
import {
  createBudget,
  createLane,
  createMemorySink,
  createMemorySource,
  type Decoded,
  defaultBrake,
  defaultHold,
  Events,
  fault,
  type Lane,
  type LaneSettings,
  type MemorySink,
  type MemorySource,
  type Model,
} from '@inator/runtime';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { createTracing, type Tracing } from '../src/index.ts';

interface Thing {
  readonly value: string;
}

/** Reads `key:value`; `!…` is refused. */
const model: Model<Thing> = {
  name: 'things',
  decode(body): Decoded<Thing> {
    const text = Buffer.from(body).toString();
    if (text.startsWith('!'))
      return { is: 'refused', fault: fault('json-invalid', 'decode', 'not a thing', { proven: true }) };
    const [key = '', value = ''] = text.split(':');
    return { is: 'record', key, hash: `h${value}`, record: { value } };
  },
  examine: ({ value }) =>
    value === 'bad' ? fault('value-refused', 'validate', 'bad value of hunter2', { proven: true }) : undefined,
};

const settings: LaneSettings = {
  writers: 1,
  batchSize: 1_000,
  batchBytes: 1 << 24,
  flushIntervalMs: 20,
  natural: false,
  adaptive: undefined,
  window: 2_000,
  maxRecordBytes: 1 << 20,
  seqSource: 'auto',
  suspectAfter: 3,
  condemnAfter: 18,
  hold: { ...defaultHold, retry: { firstMs: 1, maxMs: 2 }, misconfigured: { firstMs: 1, maxMs: 2 } },
  brake: { ...defaultBrake, minimum: 100_000, inARow: 100_000, provenShare: 1 },
  reopen: { firstMs: 5, maxMs: 20 },
};

export interface Traced {
  readonly source: MemorySource;
  readonly sink: MemorySink<Thing>;
  readonly lane: Lane;
  readonly tracing: Tracing;
  /** Resolves when everything published is settled. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export function startTraced(change: Partial<LaneSettings> = {}): Traced {
  const source = createMemorySource();
  const sink = createMemorySink<Thing>();
  const events = new Events();
  const tracing = createTracing({
    version: '1.2.3',
    store: 'postgresql',
    redact: (text) => text.replaceAll('hunter2', '***'),
  });
  const stopTelling = tracing.events(events);
  const lane = createLane<Thing>({
    name: 'things',
    queue: 'service-things',
    model,
    source,
    sink: tracing.sink('things', sink),
    around: tracing.around,
    settings: { ...settings, ...change },
    budget: createBudget(1 << 26),
    lanes: 1,
    events,
  });
  lane.start();
  return {
    source,
    sink,
    lane,
    tracing,
    async settled() {
      const deadline = performance.now() + 30_000;
      while (source.ready + source.unsettled > 0) {
        if (performance.now() > deadline) throw new Error('never settled');
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
    async stop() {
      await lane.stop(AbortSignal.timeout(5_000));
      stopTelling();
    },
  };
}

export interface Sdk {
  /** Ended spans by the beginning of their name. */
  spans(name?: string): readonly ReadableSpan[];
  readonly provider: BasicTracerProvider;
  unload(): void;
}

/** Loads an SDK into this process, as `node --import` would. */
export function loadSdk(sampler?: Sampler): Sdk {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    ...(sampler === undefined ? {} : { sampler }),
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  return {
    spans: (name = '') => exporter.getFinishedSpans().filter((span) => span.name.startsWith(name)),
    provider,
    unload() {
      trace.disable();
      context.disable();
    },
  };
}

/** A traceparent that is valid and like no other. */
export function traceparent(index: number): string {
  const hex = (index + 1).toString(16);
  return `00-${hex.padStart(32, '0')}-${hex.padStart(16, '0')}-01`;
}
