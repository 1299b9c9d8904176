/**
 * The routes of the admin server. One list: `docs/reference/http.md` is generated from it, and the compiler demands a
 * handler for every entry.
 */
import type { LaneSnapshot } from '@inator/runtime';
import type { Health } from '../health.ts';
import type { Metrics } from '../metrics/metrics.ts';

export interface Reply {
  readonly status: number;
  /** An object is sent as JSON, redacted; a text as it is. */
  readonly body: object | string;
  /** Content type of a text. */
  readonly type?: string;
}

/** GET routes answer HEAD as well. Routes that change something will be POST, and will want a token. */
export interface RouteKind {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly means: string;
  readonly answers: Readonly<Record<number, string>>;
}

export interface Route extends RouteKind {
  readonly handle: () => Reply | Promise<Reply>;
}

export const routeKinds = {
  livez: {
    method: 'GET',
    path: '/livez',
    means: 'Is the process alive? Asks no server: restarting would not bring a store back.',
    answers: { 200: '`{"status":"alive","uptime_seconds":…}`' },
  },
  readyz: {
    method: 'GET',
    path: '/readyz',
    means: 'Does every lane get on? A lane that an operator paused counts as ready.',
    answers: {
      200: '`{"status":"ready","checks":[…]}`',
      503: '`{"status":"not_ready","checks":[…]}`; each check has `name`, `status`, `since`, and where it fails `reason` and `advice`',
    },
  },
  startupz: {
    method: 'GET',
    path: '/startupz',
    means: 'Has the process read its configuration and built its lanes? Does not wait for stores or the broker.',
    answers: { 200: '`{"status":"started"}`', 503: '`{"status":"starting"}`' },
  },
  health: {
    method: 'GET',
    path: '/health',
    means: 'The same as `/readyz`.',
    answers: { 200: 'as `/readyz`', 503: 'as `/readyz`' },
  },
  metrics: {
    method: 'GET',
    path: '/metrics',
    means: 'Metrics for Prometheus: see metrics.md.',
    answers: { 200: 'the text exposition format' },
  },
  version: {
    method: 'GET',
    path: '/version',
    means: 'What runs here.',
    answers: { 200: '`{"service":…,"version":…,"revision":…,"node":…,"instance":…}`' },
  },
  lanes: {
    method: 'GET',
    path: '/lanes',
    means: 'The live state of every lane: what it does, what is in hand, where the time of its writers goes.',
    answers: { 200: '`{"service":…,"instance":…,"lanes":[…]}`, times in milliseconds since the epoch' },
  },
} as const satisfies Readonly<Record<string, RouteKind>>;

export type RouteName = keyof typeof routeKinds;

export interface RouteParts {
  readonly service: string;
  readonly version: string;
  readonly revision?: string;
  readonly instance: string;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly lanes: () => readonly LaneSnapshot[];
}

export function standardRoutes(parts: RouteParts): readonly Route[] {
  const { service, version, instance, health, metrics } = parts;
  const readiness = async (): Promise<Reply> => {
    const report = await health.report();
    return { status: report.status === 'ready' ? 200 : 503, body: { service, ...report } };
  };
  const handlers: Readonly<Record<RouteName, Route['handle']>> = {
    livez: () => ({ status: 200, body: { status: 'alive', uptime_seconds: Math.round(process.uptime()) } }),
    readyz: readiness,
    health: readiness,
    startupz: () =>
      health.started ? { status: 200, body: { status: 'started' } } : { status: 503, body: { status: 'starting' } },
    metrics: async () => ({ status: 200, body: await metrics.scrape(), type: metrics.contentType }),
    version: () => ({
      status: 200,
      body: { service, version, revision: parts.revision ?? 'unknown', node: process.version, instance },
    }),
    lanes: () => ({ status: 200, body: { service, instance, lanes: parts.lanes() } }),
  };
  return Object.entries(routeKinds).map(([name, kind]) => ({ ...kind, handle: handlers[name as RouteName] }));
}
