/**
 * A span a dead letter, in the trace of the message itself: whoever looks at what became of a message finds there that it
 * was refused, and why. From its arrival to the confirm of its letter.
 */
import type { Events } from '@inator/runtime';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { faultAttributes, names, type Redact } from './attributes.ts';
import { traceContextOf } from './trace-context.ts';
import type { FoundTracer } from './tracer.ts';

/** Returns how to stop. */
export function traceLetters(tracer: FoundTracer, events: Events, redact: Redact): () => void {
  return events.on('record.deadLettered', ({ lane, key, fault, attempts, delivery }) => {
    const found = tracer.get();
    if (found === undefined) return;
    const parent = traceContextOf(delivery.properties.headers);
    const span = found.startSpan(
      `settle ${delivery.queue}`,
      {
        kind: SpanKind.CONSUMER,
        startTime: Date.now() - (performance.now() - delivery.arrivedAt),
        attributes: {
          [names.messagingSystem]: 'rabbitmq',
          [names.destination]: delivery.queue,
          [names.operationName]: 'dead-letter',
          [names.operationType]: 'settle',
          [names.lane]: lane,
          [names.attempts]: attempts,
          [names.errorType]: fault.code,
          ...(key === undefined ? {} : { [names.key]: key }),
          ...faultAttributes(fault, redact),
        },
      },
      parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent),
    );
    span.setStatus({ code: SpanStatusCode.ERROR, message: `${fault.code}: ${redact(fault.reason)}` });
    span.end();
  });
}
