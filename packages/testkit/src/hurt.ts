/** What hurts and what waits, without the suites: the only part of the test kit that programs outside Jest can load. */
export { type BenchLane, benchSettings, startBenchLane } from './lane.ts';
export { startOwnServer } from './own-server.ts';
export { type Proxy, type ProxyOptions, type ProxyTarget, startProxy } from './proxy.ts';
export { until } from './until.ts';
