/**
 * Tracing of a service: spans of batches, of their writes and of dead letters, by whatever SDK of OpenTelemetry is loaded
 * into the process before it starts. Without one nothing is made and no header is read.
 */
import type { Events, Sink, Surround } from '@inator/runtime';
import type { Redact } from './attributes.ts';
import { createBatchSpans } from './batches.ts';
import { traceLetters } from './letters.ts';
import { findTracer, unseenApi } from './tracer.ts';
import { type StoreName, traceWrites } from './writes.ts';

export interface TracingOptions {
  /** Version of the service, told as the version of the spans' library. */
  readonly version: string;
  readonly store: StoreName;
  /** Keeps secrets out of reasons. */
  readonly redact?: Redact;
}

export type TracingState =
  /** No SDK is loaded. */
  | { readonly is: 'off' }
  | { readonly is: 'on' }
  /** One is loaded, with this version of the API, which is older than ours: nothing reaches it. */
  | { readonly is: 'unseen'; readonly api: string };

export interface Tracing {
  readonly state: TracingState;
  /** For the lanes: see `Surround`. */
  readonly around: Surround;
  sink<R>(lane: string, sink: Sink<R>): Sink<R>;
  /** Puts what lanes tell onto the spans; returns how to stop. */
  events(events: Events): () => void;
  /** Hands over what the SDK still holds, before the process ends. Resolves within two seconds, never rejects. */
  flush(): Promise<void>;
}

const flushMs = 2_000;

export function createTracing({ version, store, redact = (text) => text }: TracingOptions): Tracing {
  const tracer = findTracer(version);
  const batches = createBatchSpans(tracer, redact);
  return {
    get state(): TracingState {
      if (tracer.get() !== undefined) return { is: 'on' };
      const api = unseenApi();
      return api === undefined ? { is: 'off' } : { is: 'unseen', api };
    },
    around: batches.around,
    sink: (lane, sink) => traceWrites(sink, { tracer, store, lane, redact }),
    events(events) {
      const stops = [batches.follow(events), traceLetters(tracer, events, redact)];
      return () => {
        for (const stop of stops) stop();
      };
    },
    flush: () => tracer.flush(flushMs),
  };
}
