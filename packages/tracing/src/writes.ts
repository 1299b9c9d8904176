/** A span for every attempt to write a batch to the store, below the span of the batch. */
import { asSinkError, type Sink } from '@inator/runtime';
import { context, type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import { faultAttributes, names, type Redact, receiptAttributes } from './attributes.ts';
import { runBelow, safely } from './guard.ts';
import type { FoundTracer } from './tracer.ts';

export type StoreName = 'postgresql' | 'neo4j';

/** The same sink, its writes in spans. */
export function traceWrites<R>(
  sink: Sink<R>,
  { tracer, store, lane, redact }: { tracer: FoundTracer; store: StoreName; lane: string; redact: Redact },
): Sink<R> {
  const write: Sink<R>['write'] = async (batch, signal) => {
    const found = tracer.get();
    if (found === undefined) return sink.write(batch, signal);
    const span = safely(() => start(found, store, lane, batch.model.name, batch.records.length));
    try {
      const receipt = await runBelow(
        span,
        () => context.active(),
        () => sink.write(batch, signal),
      );
      safely(() => span?.isRecording() && span.setAttributes(receiptAttributes(receipt)));
      return receipt;
    } catch (thrown) {
      safely(() => span?.isRecording() && failed(span, thrown, redact));
      throw thrown;
    } finally {
      safely(() => span?.end());
    }
  };
  const { condemn } = sink;
  return {
    open: (signal) => sink.open(signal),
    write,
    mark: (signal, model, marking) => sink.mark(signal, model, marking),
    ...(condemn === undefined ? {} : { condemn: (abort: AbortSignal) => condemn.call(sink, abort) }),
    check: (signal) => sink.check(signal),
    close: () => sink.close(),
  };
}

function start(tracer: Tracer, store: StoreName, lane: string, model: string, records: number): Span {
  return tracer.startSpan(`merge ${lane}`, {
    kind: SpanKind.CLIENT,
    attributes: {
      [names.dbSystem]: store,
      [names.dbSystemName]: store,
      [names.dbOperation]: 'merge',
      [names.dbBatchSize]: records,
      [names.lane]: lane,
      [names.model]: model,
    },
  });
}

function failed(span: Span, thrown: unknown, redact: Redact): void {
  const { fault } = asSinkError(thrown);
  span.setAttributes({
    ...faultAttributes(fault, redact),
    [names.errorType]: fault.code,
    ...(fault.native === undefined ? {} : { [names.dbStatus]: fault.native }),
  });
  span.setStatus({ code: SpanStatusCode.ERROR, message: `${fault.code}: ${redact(fault.reason)}` });
}
