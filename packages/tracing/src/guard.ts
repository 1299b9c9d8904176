/** An SDK is foreign code inside the way of the records: whatever it throws, they do not pay for it. */
import { type Context, context, type Span, trace } from '@opentelemetry/api';

/** What `call` returns; undefined, with a warning, when it throws. */
export function safely<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    process.emitWarning(`the tracing SDK threw: ${error instanceof Error ? error.name : typeof error}`);
    return undefined;
  }
}

/** Runs `work` once, below the span where there is one. */
export function runBelow<T>(span: Span | undefined, parent: () => Context, work: () => Promise<T>): Promise<T> {
  let running: Promise<T> | undefined;
  if (span !== undefined) {
    safely(() =>
      context.with(trace.setSpan(parent(), span), () => {
        running = work();
      }),
    );
  }
  return running ?? work();
}
