/** From the events of the lanes to lines of the log. */
import type { Events, Fault } from '@inator/runtime';
import { createBatchLog } from './batches.ts';
import type { Log } from './log.ts';

/** A held batch is tried for as long as the outage lasts; this many attempts share a line. */
const heldEvery = 10;
/** A flood of bad records must not become a flood of lines: the letters hold every one of them. */
const lettersLogged = 100;
const letterWindowMs = 10_000;

export interface LogEventsOptions {
  /** Lines `Batch processed` a second and lane, at most; what is over is summed up. Without it every batch has its line. */
  readonly batchLines?: number;
}

/** Logs what the lanes tell; returns how to stop, which also writes what was kept back to be summed up. */
export function logEvents(
  log: Log,
  events: Events,
  { batchLines = Number.POSITIVE_INFINITY }: LogEventsOptions = {},
): () => void {
  const batches = createBatchLog(log, batchLines);
  const letters = createQuota((lane, count) => log.write('record.dead_letters_unlogged', { data_type: lane, count }));
  const stops = [
    events.on('batch.written', batches.processed),
    events.on('batch.returned', ({ lane, writer, records, why, fault }) =>
      log.write('batch.returned', { data_type: lane, batch_size: records, why, writer, code: fault?.code }),
    ),
    events.on('batch.held', ({ lane, records, attempt, delayMs, fault }) => {
      log.write(attempt % heldEvery === 1 ? 'batch.held' : 'batch.retry', {
        data_type: lane,
        batch_size: records,
        attempt,
        delay_ms: Math.round(delayMs),
        ...told(fault),
      });
    }),
    events.on('batch.released', ({ lane, heldMs }) =>
      log.write('batch.released', { data_type: lane, held_ms: Math.round(heldMs) }),
    ),
    events.on('batch.resized', ({ lane, from, to, rate }) =>
      log.write('batch.resized', { data_type: lane, from, to, records_per_sec: rate }),
    ),
    events.on('batch.split', ({ lane, records, named, fault }) =>
      log.write('batch.split', { data_type: lane, batch_size: records, named, ...told(fault) }),
    ),
    events.on('record.deadLettered', ({ lane, key, attempts, fault }) => {
      if (letters.take(lane)) log.write('record.dead_lettered', { data_type: lane, key, attempts, ...told(fault) });
    }),
    events.on('letter.failed', ({ lane, attempt, delayMs, fault }) =>
      log.write('letter.failed', { data_type: lane, attempt, delay_ms: Math.round(delayMs), ...told(fault) }),
    ),
    events.on('lane.state', ({ lane, from, to, reason }) =>
      log.write('lane.state', { data_type: lane, from, to, reason }),
    ),
    events.on('session.opened', ({ lane, window }) => log.write('consumer.started', { data_type: lane, window })),
    events.on('session.lost', ({ lane, unsettled, fault }) =>
      log.write('consumer.lost', { data_type: lane, unsettled, ...told(fault) }),
    ),
    events.on('session.closed', ({ lane, unsettled }) => log.write('consumer.closed', { data_type: lane, unsettled })),
    events.on('open.failed', ({ lane, what, attempt, delayMs, fault }) =>
      log.write('open.failed', { data_type: lane, what, attempt, delay_ms: Math.round(delayMs), ...told(fault) }),
    ),
    events.on('signal.received', ({ lane, signal }) =>
      log.write('marker.received', { data_type: lane, signal: signal.is }),
    ),
    events.on('signal.marked', ({ lane, signal, durationMs }) =>
      log.write('marker.passed', {
        data_type: lane,
        signal: signal.is,
        duration_ms: Math.round(durationMs),
        total: signal.is === 'file_complete' ? signal.total : undefined,
      }),
    ),
    events.on('extraction.closed', ({ lane, version, closing, durationMs }) => {
      const { is, why, reason, declared, seen, stored, vanished, purged, repeated } = closing;
      const duration_ms = Math.round(durationMs);
      const fields = { data_type: lane, version, declared, seen, stored, vanished, repeated, duration_ms };
      if (is === 'purged') log.write('purge.done', { ...fields, purged });
      else if (is === 'reported') log.write('purge.reported', fields);
      else log.write('purge.skipped', { ...fields, purged, why: why ?? '', reason: reason ?? '' });
    }),
    events.on('brake.on', ({ lane, refused, of, fault }) =>
      log.write('brake.on', { data_type: lane, refused, of, ...told(fault) }),
    ),
    events.on('brake.off', ({ lane, by }) => log.write('brake.off', { data_type: lane, by })),
    events.on('defect', ({ lane, fault, error }) =>
      log.write('defect', { data_type: lane, ...told(fault), ...describeError(error) }),
    ),
  ];
  return () => {
    for (const stop of stops) stop();
    batches.close();
    letters.close();
  };
}

function told({ code, blame, stage, reason, native }: Fault) {
  return { code, blame, stage, reason, native };
}

/**
 * An error nobody expected, without what it may quote. Messages of type and reference errors are about the code; those of
 * others (a parser's, a driver's) may hold pieces of a record, so only their class is told.
 */
export function describeError(error: unknown): { readonly error: string; readonly at: string | undefined } {
  if (!(error instanceof Error)) return { error: typeof error, at: undefined };
  const aboutCode = error instanceof TypeError || error instanceof ReferenceError;
  const frames = error.stack?.match(/^\s+at .*$/gm)?.map((frame) => frame.trim());
  return {
    error: aboutCode ? `${error.name}: ${error.message}` : error.name,
    at: frames?.slice(0, 8).join(' | '),
  };
}

/** So many a lane and window are let through; how many were not is told when the window ends. */
function createQuota(unlogged: (lane: string, count: number) => void) {
  const windows = new Map<string, { taken: number; timer: NodeJS.Timeout }>();
  const end = (lane: string): void => {
    const over = (windows.get(lane)?.taken ?? 0) - lettersLogged;
    windows.delete(lane);
    if (over > 0) unlogged(lane, over);
  };
  return {
    take(lane: string): boolean {
      let window = windows.get(lane);
      if (window === undefined) {
        window = { taken: 0, timer: setTimeout(() => end(lane), letterWindowMs).unref() };
        windows.set(lane, window);
      }
      window.taken += 1;
      return window.taken <= lettersLogged;
    },
    close(): void {
      for (const [lane, { timer }] of [...windows]) {
        clearTimeout(timer);
        end(lane);
      }
    },
  };
}
