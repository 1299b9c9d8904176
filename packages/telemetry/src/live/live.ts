/** The live state of a service: recorded every second, shown to whoever asks once (`/lanes`) or listens (`/events`). */
import type { ServerResponse } from 'node:http';
import type { Events, LaneSnapshot } from '@inator/runtime';
import type { Health, HealthReport } from '../health.ts';
import { createDepths, type DepthOptions } from '../metrics/depth.ts';
import { createRedact, type Redact, redactAll } from '../redact.ts';
import { createFeed } from './feed.ts';
import { createRecorder, sampleEveryMs } from './recorder.ts';
import { historyOf, type LaneView, viewOf } from './view.ts';

export interface LiveLane {
  readonly name: string;
  snapshot(): LaneSnapshot;
  /** Messages waiting; undefined where it cannot be told. */
  depth(): Promise<number | undefined>;
  readonly letters?: { readonly queue: string; depth(): Promise<number | undefined> };
}

export interface Live {
  /** Before the lane starts. */
  lane(lane: LiveLane): void;
  /** Listens to what lanes tell; returns how to stop. */
  events(events: Events): () => void;
  /** Resolves within a second or so; never rejects. */
  views(): Promise<readonly LaneView[]>;
  /** True when there are as many listeners as there may be. */
  readonly full: boolean;
  listen(response: ServerResponse): void;
  /** Tells listeners that this is the end. Idempotent. */
  close(): void;
}

export interface LiveOptions {
  readonly service: string;
  readonly version: string;
  readonly instance: string;
  readonly health: Health;
  readonly redact?: Redact;
  readonly depth?: DepthOptions;
}

/** Health asks servers; while somebody watches, so often and not with every event. */
const healthEveryMs = 5_000;
/** A comment at least so often, though no event can be made. */
const beatEveryMs = 15_000;

export function createLive(options: LiveOptions): Live {
  const { service, version, instance, health } = options;
  const redact = options.redact ?? createRedact();
  const startedAt = Date.now();
  const recorder = createRecorder();
  const depths = createDepths(options.depth);
  const letters = createDepths(options.depth);
  const lanes: LiveLane[] = [];
  let known: ReadonlyMap<string, number> = new Map();
  let waiting: ReadonlyMap<string, number> = new Map();
  let report: HealthReport | undefined;
  let reportedAt = Number.NEGATIVE_INFINITY;
  let busy = false;
  let sentAt = 0;

  const text = (value: unknown): string => JSON.stringify(redactAll(value, redact));

  const feed = createFeed(() => ({
    event: 'history',
    data: text({
      service,
      version,
      instance,
      startedAt,
      everyMs: sampleEveryMs,
      lanes: Object.fromEntries(lanes.map(({ name }) => [name, historyOf(recorder.history(name))])),
    }),
  }));

  const ask = async (): Promise<void> => {
    [known, waiting] = await Promise.all([depths.read(), letters.read()]);
  };

  const view = (lane: LiveLane): LaneView =>
    viewOf({
      snapshot: lane.snapshot(),
      recent: recorder.recent(lane.name),
      depth: known.get(lane.name),
      deadLetterQueue: lane.letters?.queue,
      lettersWaiting: waiting.get(lane.name),
      deadLettersBy: recorder.deadLettersBy(lane.name),
    });

  /** What listeners are told each second: everything but the past, and the charts' newest point. */
  const tell = async (): Promise<void> => {
    await ask();
    if (report === undefined || performance.now() - reportedAt >= healthEveryMs) {
      report = await health.report();
      reportedAt = performance.now();
    }
    const checks = report.checks.filter(({ name }) => !name.startsWith('lane:'));
    sentAt = performance.now();
    const points = Object.fromEntries(lanes.map(({ name }) => [name, historyOf(recorder.history(name).slice(-2))]));
    feed.send('snapshot', text({ at: Date.now(), status: report.status, checks, lanes: lanes.map(view), points }));
  };

  const push = (): void => {
    if (busy) {
      if (performance.now() - sentAt > beatEveryMs) feed.beat();
      return;
    }
    busy = true;
    tell()
      .catch((error: unknown) => process.emitWarning(`the live page could not be told: ${String(error)}`))
      .finally(() => {
        busy = false;
      });
  };

  const tick = setInterval(() => {
    recorder.sample(known);
    if (feed.listeners > 0) push();
    // Nobody asks the broker any more, so what was known grows old.
    else known = new Map();
  }, sampleEveryMs);
  tick.unref();

  return {
    lane(lane) {
      lanes.push(lane);
      recorder.lane(lane);
      depths.add(lane);
      if (lane.letters !== undefined) letters.add({ name: lane.name, depth: lane.letters.depth });
    },
    events: (events) => recorder.events(events),
    async views() {
      await ask();
      return lanes.map(view);
    },
    get full() {
      return feed.full;
    },
    listen(response) {
      feed.add(response);
      push();
    },
    close() {
      clearInterval(tick);
      feed.close();
    },
  };
}
