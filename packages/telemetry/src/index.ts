export type { ControlledLane } from './admin/control.ts';
export type { AdminRequest, Reply, Route, RouteKind, StreamReply, TextReply } from './admin/route.ts';
export { type RouteParts, routeKinds, standardRoutes } from './admin/routes.ts';
export { AdminError, type AdminOptions, type AdminServer, type AuditEntry, createAdminServer } from './admin/server.ts';
export {
  type CheckReport,
  createHealth,
  type Health,
  type HealthOptions,
  type HealthReport,
  type Probe,
} from './health.ts';
export { createLive, type Live, type LiveLane, type LiveOptions } from './live/live.ts';
export type { LaneSample, Recent } from './live/recorder.ts';
export type { LaneHistory, LaneView } from './live/view.ts';
export { checkLine } from './log/check.ts';
export { type LogEventName, type LogFields, type LogKind, type LogLevel, logKinds } from './log/kinds.ts';
export { describeError, logEvents } from './log/lanes.ts';
export { createLog, type Log, type LogOptions } from './log/log.ts';
export {
  type MetricKind,
  type MetricName,
  metricKinds,
  type SinkName,
  seriesBudget,
  seriesPerLane,
} from './metrics/kinds.ts';
export {
  type Component,
  createMetrics,
  type Metrics,
  type MetricsOptions,
  type WatchedLane,
} from './metrics/metrics.ts';
export { createRedact, type Redact } from './redact.ts';
export { type ReferencePage, referencePages } from './reference.ts';
