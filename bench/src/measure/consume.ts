/**
 * Runs consumers until they have logged a number of records as processed, and times them by what they log.
 *
 * A consumer is a service or one of our programs: it logs `consumer.started` when it begins to consume and `Batch processed`
 * with `batch_size` for every batch that is durable and settled. Two clocks run. `batches`: from the end of the batch that
 * completes the lead-in to the end of the last one that was written because it was full, so that neither start-up and
 * compilation count nor the wait of the last few records for the flush interval; processor time and batch durations are those
 * of the same records. `queue`: from the start of consuming to the last record settled, everything counted.
 */
import { join } from 'node:path';
import type { Window } from '../flame/fold.ts';
import type { Run } from '../scenario.ts';
import { type Environment, root, type World } from '../world.ts';
import { type Child, startChild } from './child.ts';
import { createProfiles, profileClock } from './profiles.ts';
import { createSampler, type Sampler } from './sampler.ts';
import { type Point, percentile, round } from './stats.ts';

export interface Consumer {
  /** In the checkout. */
  readonly script: string;
  readonly env: Environment;
}

export interface ConsumeOptions {
  /** All of them together are timed as one. */
  readonly consumers: readonly Consumer[];
  /** Records that will be logged as processed: those that are refused unread are not among them. */
  readonly records: number;
  /** Asked after the last record: true when what is not logged is done as well. The clock runs on until then. */
  readonly also?: (() => Promise<boolean>) | undefined;
  /** Figures and curves made of the course of the run. */
  readonly inspect?: ((course: Course) => Pick<Run, 'figures' | 'series'>) | undefined;
}

/** What happened when, up to the last full batch: seconds since the start of consuming, and records until then. */
export interface Course {
  readonly marks: readonly { readonly at: number; readonly records: number; readonly memoryMiB: number }[];
}

interface Line {
  readonly event?: string;
  readonly batch_size?: number;
  readonly duration_ms?: number;
  readonly flush_reason?: string;
}

/** A moment of a run, and the records settled until then. */
interface Moment {
  readonly at: number;
  /** The same moment on the clock of the profiles. */
  readonly micros: number;
  readonly seen: number;
}

/** Records at the start of a run that the clock leaves out: a process needs some seconds of work to be compiled to its speed. */
const leadIn = { share: 1 / 6, most: 10_000 } as const;

export function leadInRecords(records: number): number {
  return Math.min(leadIn.most, Math.round(records * leadIn.share));
}

/** By default a service sums up what is beyond a hundred batches a second; here every one must have its line. */
const everyBatch = '1000000';

/** A consumer that settles nothing for so long is stuck: the slowest batch there is takes seconds. */
const stallMs = 180_000;

export async function consume(world: World, options: ConsumeOptions): Promise<Run> {
  const profiles = world.profiled ? createProfiles() : undefined;
  const children = options.consumers.map(({ script, env }) =>
    startChild(process.execPath, [...(profiles?.args ?? []), join(root, script)], {
      HEALTH_PORT: '0',
      LOG_FORMAT: 'json',
      LOG_BATCH_LINES: everyBatch,
      ...env,
    }),
  );
  const sampler = createSampler(
    children.map(({ pid }) => pid),
    world.pids,
  );
  try {
    const { run, window } = await untilProcessed(world, children, sampler, options);
    if (profiles === undefined) return run;
    await Promise.all(children.map((child) => child.stop()));
    return { ...run, flame: profiles.folded(window) };
  } finally {
    sampler.close();
    await Promise.all(children.map((child) => child.stop()));
    profiles?.remove();
  }
}

function untilProcessed(
  world: World,
  children: readonly Child[],
  sampler: Sampler,
  { records, also, inspect }: ConsumeOptions,
): Promise<{ readonly run: Run; readonly window: Window }> {
  return new Promise((resolve, reject) => {
    let seen = 0;
    let attached: number | undefined;
    let first: Moment | undefined;
    let last: Moment | undefined;
    let isOver = false;
    const durations: number[] = [];
    const leading: number[] = [];
    const lead = Math.min(world.leadIn ?? leadInRecords(records), records - 1);
    const marks: Course['marks'][number][] = [];
    let memory = { at: Number.NEGATIVE_INFINITY, miB: 0 };

    const interrupted = (): void => fail(new Error('interrupted'));
    const fail = (error: Error): void => {
      isOver = true;
      world.signal.removeEventListener('abort', interrupted);
      clearTimeout(stalled);
      reject(error);
    };
    const stall = (): NodeJS.Timeout =>
      setTimeout(
        () => fail(new Error(`nothing was settled for ${stallMs / 1000} s, after ${seen} of ${records} records`)),
        stallMs,
      );
    let stalled = stall();
    world.signal.addEventListener('abort', interrupted, { once: true });

    const started = performance.now();
    const moment = (now = performance.now()): Moment => ({ at: now, micros: profileClock(), seen });
    let began: Moment | undefined;
    const finish = async (): Promise<void> => {
      while (also !== undefined && !isOver && !(await also())) await new Promise((wake) => setTimeout(wake, 5));
      if (isOver || first === undefined) return;
      isOver = true;
      world.signal.removeEventListener('abort', interrupted);
      clearTimeout(stalled);
      const now = moment();
      // Too few records to fill a batch after the first: then the wait is all there is to be timed.
      const isByBatch = world.clock === 'batches' && also === undefined && last !== undefined && last.seen > first.seen;
      const end = isByBatch && last !== undefined ? last : now;
      // Processor time ends where the clock does.
      if (!isByBatch) sampler.mark();
      const { cpuSeconds, peakMemoryMiB, servers } = sampler.stop();
      const queueSeconds = (now.at - (attached ?? started)) / 1000;
      const begin = world.clock === 'queue' ? (began ?? first) : first;
      const counted = world.clock === 'queue' ? seen : end.seen - first.seen;
      const seconds = world.clock === 'queue' ? queueSeconds : (end.at - first.at) / 1000;
      const measured = durations.length > 0 ? durations : leading;
      const run: Run = {
        records: counted,
        seconds: round(seconds, 3),
        recordsPerSecond: seconds === 0 ? 0 : Math.round(counted / seconds),
        cpuSeconds,
        peakMemoryMiB,
        queueSeconds: round(queueSeconds, 3),
        queueRecordsPerSecond: Math.round(seen / queueSeconds),
        batchMs: {
          p50: percentile(measured, 0.5),
          p95: percentile(measured, 0.95),
          p99: percentile(measured, 0.99),
        },
        servers,
        ...inspect?.({ marks }),
      };
      resolve({ run, window: { from: begin.micros, to: end.micros } });
    };

    const take = (text: string): void => {
      if (isOver || !text.startsWith('{')) return;
      const isBatch = text.includes('"Batch processed"');
      if (!isBatch && (attached !== undefined || !text.includes('"consumer.started"'))) return;
      const line = JSON.parse(text) as Line;
      const now = performance.now();
      if (!isBatch) {
        attached = now;
        began = moment(now);
        if (world.clock === 'queue') sampler.start();
        return;
      }
      clearTimeout(stalled);
      stalled = stall();
      seen += line.batch_size ?? 0;
      if (line.duration_ms !== undefined) (first === undefined ? leading : durations).push(line.duration_ms);
      if (first === undefined && seen >= lead) {
        first = moment(now);
        if (world.clock === 'batches') sampler.start();
      }
      if (line.flush_reason !== 'age' && line.flush_reason !== 'drain') {
        last = moment(now);
        sampler.mark();
      }
      if (inspect !== undefined && last?.seen === seen) {
        if (now - memory.at > 250) memory = { at: now, miB: sampler.memoryMiB() };
        marks.push({ at: (now - (attached ?? started)) / 1000, records: seen, memoryMiB: memory.miB });
      }
      if (seen >= records) finish().catch(fail);
    };
    for (const child of children) {
      child.onLine(take);
      void child.exited.then((how) => {
        if (!isOver) fail(new Error(`a consumer ended with ${how} after ${seen} of ${records} records`));
      });
    }
  });
}

/** Rate over the run, in `parts` equal parts of its records. */
export function rateCurve({ marks }: Course, parts: number): readonly Point[] {
  const total = marks.at(-1)?.records ?? 0;
  const points: Point[] = [];
  let last = { at: marks[0]?.at ?? 0, records: marks[0]?.records ?? 0 };
  for (const mark of marks) {
    if (mark.records - last.records < total / parts || mark.at === last.at) continue;
    points.push([mark.records, Math.round((mark.records - last.records) / (mark.at - last.at))]);
    last = mark;
  }
  return points;
}
