export { describeSink, type SinkHarness } from './conformance/sink.ts';
export { describeSource, type SourceHarness } from './conformance/source.ts';
export { type BenchLane, benchSettings, startBenchLane } from './lane.ts';
export { startOwnServer } from './own-server.ts';
export { type Proxy, type ProxyOptions, type ProxyTarget, startProxy } from './proxy.ts';
export { until } from './until.ts';
