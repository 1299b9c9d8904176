/**
 * `Batch processed`, a line a batch while that is readable. Where a lane writes so many batches that their lines would be
 * the larger part of its work, only the first of each second have a line, and one `Batches processed` tells of the others
 * together: what stands in the lines and in the summaries adds up to every record there was.
 */
import type { LaneEvents } from '@inator/runtime';
import type { Log } from './log.ts';

export interface BatchLog {
  processed(event: LaneEvents['batch.written']): void;
  /** Writes what has not been told yet. */
  close(): void;
}

/** How often a summary is written while there is something to sum up, in milliseconds. */
const summaryMs = 10_000;
/** And at the latest after so many batches: their durations are kept for the median. */
const summaryBatches = 10_000;

interface Summary {
  readonly since: number;
  readonly timer: NodeJS.Timeout;
  readonly durations: number[];
  retried: number;
  records: number;
  bytes: number;
  inserted: number;
  updated: number;
  unchanged: number;
  stale: number;
  duplicates: number;
  dead_lettered: number;
  nodes_created: number | undefined;
  relationships_created: number | undefined;
  relationships_deleted: number | undefined;
}

const summed = ['inserted', 'updated', 'unchanged', 'stale', 'duplicates', 'dead_lettered', 'bytes'] as const;
const summedOfGraphs = ['nodes_created', 'relationships_created', 'relationships_deleted'] as const;

/** `linesPerSecond` of each lane; 0 for summaries only. */
export function createBatchLog(log: Log, linesPerSecond: number): BatchLog {
  const seconds = new Map<string, { began: number; lines: number }>();
  const summaries = new Map<string, Summary>();

  const hasLine = (lane: string): boolean => {
    const now = performance.now();
    let second = seconds.get(lane);
    if (second === undefined || now - second.began >= 1_000) {
      second = { began: now, lines: 0 };
      seconds.set(lane, second);
    }
    second.lines += 1;
    return second.lines <= linesPerSecond;
  };

  const tell = (lane: string): void => {
    const summary = summaries.get(lane);
    if (summary === undefined) return;
    summaries.delete(lane);
    clearTimeout(summary.timer);
    const { since, timer, durations, records, ...sums } = summary;
    const sorted = durations.toSorted((a, b) => a - b);
    const total = sorted.reduce((sum, ms) => sum + ms, 0);
    log.write('batches.processed', {
      data_type: lane,
      batches: sorted.length,
      records,
      duration_ms: total,
      records_per_sec: rate(records, total),
      p50_ms: sorted[(sorted.length - 1) >> 1] ?? 0,
      max_ms: sorted.at(-1) ?? 0,
      span_ms: Math.round(performance.now() - since),
      ...sums,
    });
  };

  const sumUp = (line: Line): void => {
    const lane = line.data_type;
    let summary = summaries.get(lane);
    if (summary === undefined) {
      summary = begin(setTimeout(() => tell(lane), summaryMs).unref());
      summaries.set(lane, summary);
    }
    summary.durations.push(line.duration_ms);
    summary.records += line.batch_size;
    if (line.attempt > 1) summary.retried += 1;
    for (const field of summed) summary[field] += line[field];
    for (const field of summedOfGraphs) {
      const count = line[field];
      if (count !== undefined) summary[field] = (summary[field] ?? 0) + count;
    }
    if (summary.durations.length >= summaryBatches) tell(lane);
  };

  return {
    processed(event) {
      const line = lineOf(event);
      if (hasLine(event.lane)) log.write('batch.processed', line);
      else sumUp(line);
    },
    close() {
      for (const lane of [...summaries.keys()]) tell(lane);
    },
  };
}

function begin(timer: NodeJS.Timeout): Summary {
  return {
    since: performance.now(),
    timer,
    durations: [],
    retried: 0,
    records: 0,
    bytes: 0,
    inserted: 0,
    updated: 0,
    unchanged: 0,
    stale: 0,
    duplicates: 0,
    dead_lettered: 0,
    nodes_created: undefined,
    relationships_created: undefined,
    relationships_deleted: undefined,
  };
}

type Line = ReturnType<typeof lineOf>;

/** The fields of `Batch processed`. */
function lineOf({ lane, writer, records, bytes, sealedBy, attempts, durationMs, ageMs, ...rest }: Written) {
  const { counts, graph } = rest.receipt;
  const ms = Math.round(durationMs);
  return {
    data_type: lane,
    batch_size: records,
    duration_ms: ms,
    records_per_sec: rate(records, ms),
    inserted: counts.created,
    updated: counts.updated,
    unchanged: counts.unchanged,
    stale: counts.stale,
    duplicates: counts.collapsed,
    dead_lettered: rest.refused,
    flush_reason: sealedBy,
    attempt: attempts,
    bytes,
    age_ms: Math.round(ageMs),
    writer,
    nodes_created: graph?.nodesCreated,
    relationships_created: graph?.relationshipsCreated,
    relationships_deleted: graph?.relationshipsDeleted,
  };
}

type Written = LaneEvents['batch.written'];

/** It follows from the two numbers printed beside it: 500 in 487 ms are 1026. */
function rate(records: number, ms: number): number {
  return Math.floor((records * 1000) / Math.max(1, ms));
}
