export { names, phaseName } from './attributes.ts';
export { maxLinks, traceContextOf } from './trace-context.ts';
export { createTracing, type Tracing, type TracingOptions, type TracingState } from './tracing.ts';
