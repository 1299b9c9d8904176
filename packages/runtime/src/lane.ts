/**
 * A lane: one queue, one session at a time, its writers.
 *
 *     starting ── sink open, session open ──▶ consuming ◀──▶ holding (store away) · braked · paused (operator)
 *         ▲                                        │
 *         └────────── session lost ────────────────┤
 *                                                  └── stop() ──▶ draining ──▶ stopped
 *
 * What must stay true: a delivery is acked only after its record is durable or its letter confirmed; nothing is settled
 * for a session that has ended; a loss of any kind re-runs the whole set-up; only `stop` ends the loop.
 */
import { type BackoffOptions, delay } from './backoff.ts';
import type { Budget } from './budget.ts';
import { createCore } from './core.ts';
import type { Source } from './delivery.ts';
import type { Events, LaneSnapshot } from './events.ts';
import { createIntake, type Intake, type Loan } from './intake.ts';
import { type BrakeSettings, brakeLayer, createBrake } from './layers/brake.ts';
import { type HoldSettings, hold } from './layers/hold.ts';
import { isolate } from './layers/isolate.ts';
import { observe } from './layers/observe.ts';
import type { Model } from './model.ts';
import { createPassage, type Passage } from './passage.ts';
import type { SeqSource } from './seq.ts';
import { createSettlement, type Settlement } from './settlement.ts';
import type { Sink } from './sink.ts';
import { createSizer } from './sizer.ts';
import { createSupervision, type Supervision } from './supervision.ts';
import type { Surround } from './surround.ts';
import { createTurns, type Turn } from './turns.ts';
import { createWriter, type Writer, type WriterSettings } from './writer.ts';

export interface LaneSettings extends WriterSettings {
  /** Bounds within which the lane looks for the best batch size, starting with `batchSize`; undefined keeps that. */
  readonly adaptive: { readonly min: number; readonly max: number } | undefined;
  readonly writers: number;
  /** Deliveries the broker may lend at once. */
  readonly window: number;
  readonly maxRecordBytes: number;
  readonly seqSource: SeqSource;
  /** A record delivered this often before is handled alone. */
  readonly suspectAfter: number;
  /** A record that came back this often through crashes is dead-lettered by us, before the broker's own limit does. */
  readonly condemnAfter: number;
  readonly hold: HoldSettings;
  readonly brake: BrakeSettings;
  /** Between tries of opening the source or the sink, and of publishing a letter. */
  readonly reopen: BackoffOptions;
}

export interface LaneParts<R> {
  readonly name: string;
  readonly queue: string;
  readonly model: Model<R>;
  readonly source: Source;
  readonly sink: Sink<R>;
  readonly settings: LaneSettings;
  /** Shared by the lanes of a service. */
  readonly budget: Budget;
  /** How many lanes share the budget. */
  readonly lanes: number;
  /** When it may try its suspects, where the process has other lanes. */
  readonly turn?: Turn;
  readonly events: Events;
  /** Surrounds every batch: for a tracer. */
  readonly around?: Surround;
}

export interface Lane {
  readonly name: string;
  /** Opens the sink, then the source, each retried until it succeeds. Returns at once. */
  start(): void;
  snapshot(): LaneSnapshot;
  /** Messages waiting in the lane's queue at the broker; undefined where it cannot be told. */
  depth(): Promise<number | undefined>;
  /** Stops and starts intake on an operator's word. What is in hand is still written. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Lets what the brake holds go to the dead letters, on an operator's word. */
  releaseBrake(): void;
  /**
   * Drains: stops intake, seals, writes, settles, closes. When `signal` aborts, it ends at once and settles no more.
   * Resolves, never rejects, with the number of deliveries left unsettled: 0 when fully drained.
   */
  stop(signal: AbortSignal): Promise<number>;
}

/** How often a lane asks whether its window has become too narrow for what the bodies weigh now. */
const widenEveryMs = 5_000;

export function createLane<R>(parts: LaneParts<R>): Lane {
  const { name, sink, source, settings, budget, events, model } = parts;
  const core = createCore(parts);
  const turn = parts.turn ?? createTurns(1, events).lane();
  let lastCommitAt: number | undefined;
  let running: Promise<void> = Promise.resolve();

  const brake = createBrake(settings.brake, {
    on(found, refused, of) {
      events.emit('brake.on', { lane: name, fault: found, refused, of });
      core.refresh();
    },
    off(by) {
      events.emit('brake.off', { lane: name, by });
      supervision.hurry();
      core.refresh();
      const from = supervision.loan;
      for (const { delivery, fault, key } of from?.detained.splice(0) ?? [])
        if (from) settlement.condemn(from, delivery, fault, key, 1);
    },
  });
  core.braked = () => brake.on;

  const held = hold<R>(
    (batch, context) => sink.write(batch, context.abort),
    (signal) => sink.check(signal),
    settings.hold,
  );
  const write = brakeLayer(isolate(observe(held), brake), brake, settings.brake, settings.hold.limitMs);

  let sealing: WriterSettings = settings;
  const sizer =
    settings.adaptive === undefined
      ? undefined
      : createSizer({ start: settings.batchSize, ...settings.adaptive }, (resized) => {
          sealing = { ...settings, batchSize: resized.to };
          events.emit('batch.resized', { lane: name, ...resized });
        });

  const full = (): boolean => {
    const from = supervision.loan;
    return from?.session !== undefined && from.session.lent >= from.window;
  };
  const writers: Writer<R>[] = Array.from({ length: settings.writers }, (_, index) =>
    createWriter<R>({
      index,
      model,
      settings: () => sealing,
      windowFull: full,
      write: (sealed, writer) => passage(sealed, writer),
    }),
  );

  const intake: Intake = createIntake<R>({
    model,
    writers,
    batchSize: () => sealing.batchSize,
    brake,
    budget,
    core,
    turn,
    ownReturns: () => Math.max(0, supervision.sessions - 1),
    condemn: (from, delivery, found, key, attempts) => settlement.condemn(from, delivery, found, key, attempts),
    mark: (from, delivery, signal) => settlement.mark(from, delivery, signal),
    overfull: (from) => void recycle(from, 'bytes'),
  });
  const settlement: Settlement = createSettlement<R>({
    core,
    model,
    sink,
    budget,
    settled: (from) => intake.settled(from),
  });
  const passage: Passage<R> = createPassage<R>({
    core,
    queue: parts.queue,
    write,
    settlement,
    around: parts.around,
    committed(at) {
      lastCommitAt = at;
    },
    written: ({ records, sealedBy }, committed) => sizer?.stored(records.length, sealedBy, committed),
    end: (from) => supervision.end(from),
  });
  const supervision: Supervision = createSupervision<R>({
    core,
    source,
    sink,
    budget,
    lanes: parts.lanes,
    take: (from, delivery) => intake.take(from, delivery),
    ended(from) {
      turn.pass();
      settlement.forfeit(from);
      for (const writer of writers) writer.discard();
    },
  });

  /** Finishes what is in hand, then gives the session back, so that it is opened again with a window that fits. */
  async function recycle(from: Loan, by: 'bytes' | 'window'): Promise<void> {
    await (from.session ?? (await from.ready))?.pause();
    for (const writer of writers) writer.seal(by);
    await settlement.idle(from);
    await supervision.end(from);
  }

  const widen = setInterval(() => {
    const from = supervision.loan;
    if (
      from === undefined ||
      from.overfull ||
      from.gone.signal.aborted ||
      core.stopping.signal.aborted ||
      !supervision.tooNarrow
    )
      return;
    from.overfull = true;
    void recycle(from, 'window');
  }, widenEveryMs);
  widen.unref();

  /** Everything that can be settled without an operator is; what the brake keeps is left. */
  async function drained(from: Loan): Promise<void> {
    while (!core.abort.signal.aborted && !from.gone.signal.aborted) {
      for (const writer of writers) writer.seal('drain');
      await Promise.all(writers.map((writer) => writer.quiet()));
      if (from.inHand === 0 || from.interrupted || brake.on !== undefined) return;
      await Promise.race([settlement.idle(from), delay(20, core.abort.signal)]);
    }
  }

  return {
    name,
    start() {
      running = supervision.run();
    },
    snapshot: () => ({
      lane: name,
      queue: parts.queue,
      ...core.status,
      consuming: core.consuming && !core.paused,
      paused: core.paused,
      window: supervision.window,
      batchSize: sealing.batchSize,
      pendingRecords: supervision.loan?.inHand ?? 0,
      pendingBytes: supervision.loan?.inHandBytes ?? 0,
      writers: writers.map((writer) => writer.accounting.snapshot()),
      totals: { ...core.totals },
      lastCommitAt,
    }),
    depth: () => source.depth(),
    async pause() {
      core.paused = true;
      await supervision.loan?.session?.pause();
      core.refresh();
    },
    async resume() {
      core.paused = false;
      supervision.hurry();
      await supervision.loan?.session?.resume();
      core.refresh();
    },
    releaseBrake: () => brake.disengage('operator'),
    async stop(signal) {
      const hard = (): void => core.abort.abort();
      if (signal.aborted) hard();
      signal.addEventListener('abort', hard, { once: true });
      const deadline = aborted(core.abort.signal);
      core.stopping.abort();
      clearInterval(widen);
      core.refresh();
      const from = supervision.loan;
      if (from?.session !== undefined) {
        await Promise.race([from.session.pause().then(() => drained(from)), deadline]);
      }
      const left = from?.inHand ?? 0;
      if (from?.session !== undefined) await supervision.end(from);
      await running;
      await Promise.race([Promise.all(writers.map((writer) => writer.quiet())), deadline]);
      await sink.close();
      signal.removeEventListener('abort', hard);
      core.status.state = 'stopped';
      core.status.since = Date.now();
      events.emit('lane.state', { lane: name, from: 'draining', to: 'stopped', reason: undefined });
      return left;
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
