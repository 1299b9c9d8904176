export { describeSink, type SinkHarness } from './conformance/sink.ts';
export { describeSource, type SourceHarness } from './conformance/source.ts';
export { until } from './until.ts';
