/**
 * The routes of the admin server. One list: `docs/reference/http.md` is generated from it, and the compiler demands a
 * handler for every entry.
 */
import type { Health } from '../health.ts';
import type { Live } from '../live/live.ts';
import { createPage } from '../live/page.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { type ControlledLane, createControls } from './control.ts';
import type { Reply, Route, RouteKind } from './route.ts';

const changed = '`{"lane":…,"state":…,"paused":…,"pendingRecords":…}`';
const refusals = {
  401: 'the token is missing or wrong',
  403: 'the service has no ADMIN_TOKEN, so nobody may',
  404: 'this process has no such lane',
} as const;

export const routeKinds = {
  page: {
    method: 'GET',
    path: '/',
    means: 'The live page, for people: lanes, rates, backlog, where time goes, what is wrong and what to do.',
    answers: { 200: 'HTML' },
  },
  live: { method: 'GET', path: '/live', means: 'The same page.', answers: { 200: 'HTML' } },
  pageStyle: { method: 'GET', path: '/live.css', means: "The page's style sheet.", answers: { 200: 'CSS' } },
  pageLanes: { method: 'GET', path: '/lane.css', means: 'The style of its lanes.', answers: { 200: 'CSS' } },
  pageScript: { method: 'GET', path: '/live.js', means: "The page's script.", answers: { 200: 'JavaScript' } },
  pageCharts: { method: 'GET', path: '/chart.js', means: "The page's charts.", answers: { 200: 'JavaScript' } },
  pageWords: { method: 'GET', path: '/words.js', means: "The page's words.", answers: { 200: 'JavaScript' } },
  pageIcon: { method: 'GET', path: '/icon.svg', means: "The page's icon.", answers: { 200: 'SVG' } },
  events: {
    method: 'GET',
    path: '/events',
    means:
      'The live state as server-sent events: `history` once (the last five minutes), `snapshot` every second, `end` when the service stops.',
    answers: { 200: '`text/event-stream`', 503: 'as many listen already as may' },
  },
  livez: {
    method: 'GET',
    path: '/livez',
    means: 'Is the process alive? Asks no server: restarting would not bring a store back.',
    answers: { 200: '`{"status":"alive","uptime_seconds":…}`' },
  },
  readyz: {
    method: 'GET',
    path: '/readyz',
    means:
      'Does every lane get on? A lane that an operator paused counts as ready: it does what it was told, and not ready would make an orchestrator replace it with one that is not paused.',
    answers: {
      200: '`{"status":"ready","checks":[…]}`; the check of a paused lane has its `reason`',
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
    means:
      'The live state of every lane: what it does, what waits and is in hand, rates of the last ten seconds, when the queue will be empty, letters, where the time of its writers goes.',
    answers: { 200: '`{"service":…,"instance":…,"lanes":[…]}`, times in milliseconds since the epoch' },
  },
  pause: {
    method: 'POST',
    path: '/lanes/{type}/pause',
    means:
      'Stops taking messages; what is in hand is written and settled. Holds for this process until `resume` or a restart.',
    answers: { 200: changed, 202: 'the same: the broker has not answered yet', ...refusals, 409: 'it is stopping' },
    needs: 'token',
  },
  resume: {
    method: 'POST',
    path: '/lanes/{type}/resume',
    means: 'Takes messages again.',
    answers: { 200: changed, 202: 'the same: the broker has not answered yet', ...refusals, 409: 'it is stopping' },
    needs: 'token',
  },
  releaseBrake: {
    method: 'POST',
    path: '/lanes/{type}/release-brake',
    means: 'Lets what the brake holds go to the dead letters.',
    answers: { 200: changed, ...refusals, 409: 'the lane is not braked, or it is stopping' },
    needs: 'token',
  },
} as const satisfies Readonly<Record<string, RouteKind>>;

export type RouteName = keyof typeof routeKinds;

export interface RouteParts {
  readonly service: string;
  readonly version: string;
  /** Commit of the build; shown as `unknown` where nobody said it. */
  readonly revision: string | undefined;
  readonly instance: string;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly live: Live;
  readonly lanes: () => readonly ControlledLane[];
}

export function standardRoutes(parts: RouteParts): readonly Route[] {
  const { service, version, instance, health, metrics, live } = parts;
  const controls = createControls(parts.lanes);
  const page = createPage();
  const readiness = async (): Promise<Reply> => {
    const report = await health.report();
    return { status: report.status === 'ready' ? 200 : 503, body: { service, ...report } };
  };
  const handlers: Readonly<Record<RouteName, Route['handle']>> = {
    page: () => page('index.html'),
    live: () => page('index.html'),
    pageStyle: () => page('live.css'),
    pageLanes: () => page('lane.css'),
    pageScript: () => page('live.js'),
    pageCharts: () => page('chart.js'),
    pageWords: () => page('words.js'),
    pageIcon: () => page('icon.svg'),
    events: () =>
      live.full
        ? { status: 503, body: { error: 'too many listen already' }, headers: { 'retry-after': '10' } }
        : { status: 200, type: 'text/event-stream', stream: (response) => live.listen(response) },
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
    lanes: async () => ({ status: 200, body: { service, instance, lanes: await live.views() } }),
    pause: ({ parameters }) => controls.pause(parameters.type ?? ''),
    resume: ({ parameters }) => controls.resume(parameters.type ?? ''),
    releaseBrake: ({ parameters }) => controls.releaseBrake(parameters.type ?? ''),
  };
  return Object.entries(routeKinds).map(([name, kind]) => ({ ...kind, handle: handlers[name as RouteName] }));
}
