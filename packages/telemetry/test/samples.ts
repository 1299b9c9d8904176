/** Events, snapshots and a log that collects its lines. */
import { type Events, fault, type LaneEventName, type LaneEvents, type LaneSnapshot, noCounts } from '@inator/runtime';
import { createLog, type Log, type LogLevel, type LogOptions } from '../src/index.ts';

export function collect(options: Partial<LogOptions> = {}): {
  readonly log: Log;
  readonly lines: string[];
  readonly objects: () => Record<string, unknown>[];
} {
  const lines: string[] = [];
  const log = createLog({
    service: 'tableinator',
    version: '1.2.3',
    instance: 'here',
    level: 'debug' satisfies LogLevel,
    format: 'json',
    destination: { write: (line) => void lines.push(line) },
    ...options,
  });
  return { log, lines, objects: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

const unreachable = fault('store-unreachable', 'copy', 'connection refused by postgres', { native: 'ECONNREFUSED' });

export function written(changes: Partial<LaneEvents['batch.written']> = {}): LaneEvents['batch.written'] {
  return {
    lane: 'artists',
    writer: 0,
    records: 500,
    bytes: 600_000,
    sealedBy: 'records',
    attempts: 1,
    durationMs: 487.3,
    ageMs: 900,
    publishedAgeMs: undefined,
    receipt: {
      outcomes: [],
      counts: { ...noCounts, created: 480, updated: 15, unchanged: 5 },
      phases: { copy: 200, merge: 250, commit: 30 },
    },
    refused: 0,
    ...changes,
  };
}

/** One of each. */
export const oneOfEach: { readonly [N in LaneEventName]: LaneEvents[N] } = {
  'lane.state': { lane: 'artists', from: 'starting', to: 'consuming', reason: undefined },
  'session.opened': { lane: 'artists', window: 1250 },
  'session.lost': { lane: 'artists', fault: unreachable, unsettled: 7 },
  'session.closed': { lane: 'artists', unsettled: 5 },
  'open.failed': { lane: 'artists', what: 'sink', fault: unreachable, attempt: 1, delayMs: 100.5 },
  'batch.written': written(),
  'batch.held': { lane: 'artists', writer: 0, records: 500, fault: unreachable, attempt: 1, delayMs: 99.9 },
  'batch.released': { lane: 'artists', writer: 0, heldMs: 1234.5 },
  'batch.returned': { lane: 'artists', writer: 0, records: 500, why: 'timeout', fault: unreachable },
  'batch.resized': { lane: 'artists', from: 500, to: 707, rate: 12_000 },
  'batch.split': { lane: 'artists', writer: 0, records: 500, fault: unreachable, named: true },
  'record.deadLettered': {
    lane: 'artists',
    key: '17',
    fault: fault('text-nul', 'validate', 'a text holds U+0000', { proven: true }),
    attempts: 1,
    delivery: {
      body: Buffer.from('{"payload":"zq4711qz"}'),
      properties: { headers: { note: 'zq4711qz' } },
      exchange: 'discogs-artists',
      routingKey: '',
      queue: 'tableinator-discogs-artists',
      redelivered: false,
      deliveryCount: 0,
      arrivedAt: 0,
    },
  },
  'letter.failed': { lane: 'artists', fault: unreachable, attempt: 1, delayMs: 50 },
  'signal.received': {
    lane: 'artists',
    signal: { is: 'file_complete', type: 'artists', total: 12, at: undefined },
  },
  'signal.marked': {
    lane: 'artists',
    signal: { is: 'extraction_complete', version: 'v', startedAt: undefined, counts: {} },
    durationMs: 4.2,
  },
  'extraction.closed': {
    lane: 'artists',
    version: '20260101',
    closing: {
      is: 'skipped',
      why: 'dead-letters',
      reason: 'records of the run were dead-lettered: 1 dead letter',
      declared: 12,
      seen: 11,
      stored: 12,
      vanished: 1,
      purged: 0,
      repeated: false,
    },
    durationMs: 12.5,
  },
  'brake.on': { lane: 'artists', fault: unreachable, refused: 21, of: 400 },
  'brake.off': { lane: 'artists', by: 'store' },
  defect: {
    lane: 'artists',
    fault: fault('defect', 'settle', 'unclassified'),
    error: new SyntaxError('payload zq4711qz'),
  },
};

export function emitAll(events: Events): void {
  for (const [name, event] of Object.entries(oneOfEach)) events.emit(name as LaneEventName, event as never);
}

/** A lane that an operator may act on: what was done to it is kept, and its state follows. */
export function controlled(changes: Partial<LaneSnapshot> = {}) {
  let state = snapshot(changes);
  const done: string[] = [];
  const act = (what: string, paused: boolean) => async (): Promise<void> => {
    done.push(what);
    state = { ...state, paused, state: paused ? 'paused' : 'consuming' };
  };
  return {
    name: state.lane,
    done,
    become(next: Partial<LaneSnapshot>): void {
      state = { ...state, ...next };
    },
    snapshot: () => state,
    depth: async (): Promise<number | undefined> => 42,
    pause: act('pause', true),
    resume: act('resume', false),
    releaseBrake: () => void done.push('release-brake'),
  };
}

export function snapshot(changes: Partial<LaneSnapshot> = {}): LaneSnapshot {
  return {
    lane: 'artists',
    queue: 'tableinator-discogs-artists',
    state: 'consuming',
    since: 1_700_000_000_000,
    reason: undefined,
    consuming: true,
    paused: false,
    window: 1250,
    batchSize: 500,
    pendingRecords: 12,
    pendingBytes: 3456,
    writers: [
      {
        state: 'writing',
        spentMs: { idle: 1000, decoding: 200, waiting: 30, writing: 4000, holding: 0, settling: 50 },
      },
    ],
    totals: {
      consumed: 1000,
      redelivered: 10,
      replayed: 3,
      acked: 900,
      deadLettered: 3,
      created: 700,
      updated: 100,
      unchanged: 90,
      stale: 5,
      collapsed: 5,
      signals: 1,
      batches: 2,
      retries: 0,
      sessionsLost: 1,
    },
    lastCommitAt: 1_700_000_001_000,
    ...changes,
  };
}
