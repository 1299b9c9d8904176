/**
 * Keeps a lane consuming: opens the sink, then one session after the other, each with a whole set-up, for as long as the
 * lane runs. Nothing but `stop` ends it: what cannot be opened is tried again, slowly where only an operator can mend it.
 */
import { type BackoffOptions, backoffMs, delay } from './backoff.ts';
import type { Budget } from './budget.ts';
import type { Doubt, LaneCore } from './core.ts';
import { type Delivery, type Session, type Source, SourceError } from './delivery.ts';
import { type Fault, fault } from './fault.ts';
import { createLoan, type Loan } from './intake.ts';
import { asSinkError, type Sink } from './sink.ts';

export interface Supervision {
  run(): Promise<void>;
  /** The loan of the session that is open now, or was last. */
  readonly loan: Loan | undefined;
  readonly sessions: number;
  readonly window: number;
  /** Gives the session back: what is unsettled returns to the queue, and the set-up runs again. */
  end(from: Loan): Promise<void>;
  /** What waits for the time after a return of its own does not wait any longer. */
  hurry(): void;
  /** True when bodies have become small enough again for a window at least twice as large. */
  readonly tooNarrow: boolean;
}

export interface SupervisionParts<R> {
  readonly core: LaneCore;
  readonly source: Source;
  readonly sink: Sink<R>;
  readonly budget: Budget;
  readonly lanes: number;
  take(from: Loan, delivery: Delivery): void;
  /** The session has ended: forget everything that came from it. */
  ended(from: Loan): void;
}

/** A session that settled something, or lived this long, was a success; after another the back-off goes on growing. */
const steadyMs = 30_000;

/** Doublings at most: with holds of 7.5 minutes, 32 hours. */
const doublings = 8;

/**
 * How long what went back so often stays in the queue, in milliseconds: at first not at all, then as long as a batch is
 * held, then twice as long each time. So 20 returns, the broker's limit, last for two weeks where a hold lasts 7.5 minutes;
 * and what goes wrong for some time is taken up again after as long a time at most.
 */
export function afterReturnMs(returns: number, holdMs: number): number {
  return returns < 2 ? 0 : holdMs * 2 ** Math.min(returns - 2, doublings);
}

export function createSupervision<R>({
  core,
  source,
  sink,
  budget,
  lanes,
  take,
  ended,
}: SupervisionParts<R>): Supervision {
  const { settings, events, name } = core;
  const stop = core.stopping.signal;
  let loan: Loan | undefined;
  let sessions = 0;
  let failures = 0;
  let window = settings.window;
  let waiting = new AbortController();

  /** The window that keeps this lane inside its share of the byte budget, at the size that bodies have now. */
  const fit = (): number => {
    if (core.meanBytes === 0) return settings.window;
    const share = Math.floor(budget.limit / lanes / (core.meanBytes * 1.25));
    return Math.max(1, Math.min(settings.window, share));
  };

  const failed = async (
    what: 'sink' | 'source',
    found: Fault,
    attempt: number,
    backoff: BackoffOptions,
  ): Promise<void> => {
    const delayMs = backoffMs(attempt, backoff);
    core.obstacle = found.reason;
    events.emit('open.failed', { lane: name, what, fault: found, attempt, delayMs });
    core.refresh();
    await delay(delayMs, stop);
  };

  const untilItResolves = async (step: () => Promise<void>): Promise<void> => {
    for (let attempt = 1; !stop.aborted; attempt += 1) {
      try {
        return await step();
      } catch (error) {
        if (stop.aborted) return;
        const failure = asSinkError(error);
        await failed(
          'sink',
          failure.fault,
          attempt,
          failure.is === 'misconfigured' ? settings.hold.misconfigured : settings.reopen,
        );
      }
    }
  };

  /**
   * A canary that failed and passes again has seen the end of it. One that never failed does not see what ails the store,
   * and only a batch can tell. To take one costs each of its records a return, of which the broker allows few: so this is
   * waited for twice as long each time, by the count at the broker, which other processes and lives have part in.
   */
  const untilItWrites = async ({ fault: found, returns }: Doubt): Promise<void> => {
    let asked = 0;
    const pass = async (): Promise<void> => {
      asked += 1;
      await sink.check(stop);
    };
    await untilItResolves(pass);
    const delayMs = afterReturnMs(returns, settings.hold.limitMs);
    if (asked > 1 || delayMs === 0 || stop.aborted) return;
    core.obstacle = `after ${returns} returns in vain: ${found.reason}`;
    events.emit('open.failed', { lane: name, what: 'sink', fault: found, attempt: returns, delayMs });
    core.refresh();
    waiting = new AbortController();
    await delay(delayMs, AbortSignal.any([stop, waiting.signal]));
    await untilItResolves(pass);
  };

  const open = async (from: Loan): Promise<Session | undefined> => {
    try {
      const session = await source.open((delivery) => take(from, delivery), { window: from.window, signal: stop });
      from.opened(session);
      return session;
    } catch (error) {
      from.opened(undefined);
      ended(from);
      if (stop.aborted) return undefined;
      const failure =
        error instanceof SourceError
          ? error
          : new SourceError(
              'unavailable',
              fault('broker-unreachable', 'receive', `the source could not be opened: ${String(error)}`),
            );
      failures += 1;
      await failed(
        'source',
        failure.fault,
        failures,
        failure.is === 'misconfigured' ? settings.hold.misconfigured : settings.reopen,
      );
      return undefined;
    }
  };

  const supervision: Supervision = {
    get loan() {
      return loan;
    },
    get sessions() {
      return sessions;
    },
    get window() {
      return window;
    },
    get tooNarrow() {
      return window < settings.window && fit() >= Math.min(settings.window, window * 2);
    },
    hurry: () => waiting.abort(),
    async end(from) {
      const session = from.session ?? (await from.ready);
      await session?.close();
    },
    async run() {
      await untilItResolves(() => sink.open(stop));
      while (!stop.aborted) {
        const { doubt } = core;
        core.doubt = undefined;
        if (doubt !== undefined) await untilItWrites(doubt);
        await budget.below(stop);
        if (stop.aborted) break;
        window = fit();
        const from = createLoan(window);
        loan = from;
        const session = await open(from);
        if (session === undefined) continue;
        const openedAt = performance.now();
        const settledBefore = core.totals.acked;
        sessions += 1;
        core.consuming = true;
        core.obstacle = undefined;
        events.emit('session.opened', { lane: name, window });
        if (core.paused || stop.aborted) await session.pause();
        core.refresh();
        const end = await session.ended;
        core.consuming = false;
        const unsettled = from.inHand + from.skipped;
        ended(from);
        if (core.totals.acked > settledBefore || performance.now() - openedAt > steadyMs) failures = 0;
        if (end.is === 'lost') {
          core.totals.sessionsLost += 1;
          events.emit('session.lost', { lane: name, fault: end.fault, unsettled });
          failures += 1;
          if (!stop.aborted) await failed('source', end.fault, failures, settings.reopen);
        } else {
          events.emit('session.closed', { lane: name, unsettled });
          core.refresh();
        }
      }
    },
  };
  return supervision;
}
