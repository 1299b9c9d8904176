/**
 * Health as checks: each with a status, since when, why, and what to do. Readiness is "every check is well". Liveness is
 * another question, and asks nobody: a process that waits for a store is alive, and killing it would mend nothing.
 *
 * - A lane that consumes, or that an operator paused, is well. One that starts, holds, brakes, drains or has stopped is
 *   not, and says why.
 * - A probe asks a server. It is asked when somebody asks us, at most once a second, with a deadline; one that hangs is
 *   not asked again until it has let go.
 * - Started means that the process has read its configuration and built its lanes. It does not wait for stores: an outage
 *   while starting must not make an orchestrator kill the process over and over.
 */
import { type LaneSnapshot, within } from '@inator/runtime';
import { laneAdvice } from './advice.ts';
import { createRedact, type Redact } from './redact.ts';

export interface CheckReport {
  readonly name: string;
  readonly status: 'ok' | 'failing';
  /** RFC 3339, when the status became what it is. */
  readonly since: string;
  readonly last_healthy_at?: string;
  readonly reason?: string;
  /** One sentence: what to do. */
  readonly advice?: string;
  readonly latency_ms?: number;
}

export interface HealthReport {
  readonly status: 'ready' | 'not_ready';
  readonly checks: readonly CheckReport[];
}

export interface Probe {
  readonly name: string;
  /** Resolves when all is well, rejects with a message for people when not. The deadline aborts the signal. */
  readonly check: (signal: AbortSignal) => Promise<void>;
  readonly advice: string;
}

export interface Health {
  probe(probe: Probe): void;
  lane(lane: { readonly name: string; snapshot(): LaneSnapshot }): void;
  /** Configuration read, lanes built. */
  markStarted(): void;
  /** From now on not ready: traffic and probes should know before the sockets close. */
  markStopping(): void;
  readonly started: boolean;
  /** Resolves within two seconds, whatever hangs; never rejects. */
  report(): Promise<HealthReport>;
}

export interface HealthOptions {
  readonly redact?: Redact;
  /** How long a probe may take. Default 1,500 ms: under the two seconds that callers are promised. */
  readonly deadlineMs?: number;
  /** How long an answer is good for. Default 1,000 ms. */
  readonly freshMs?: number;
}

interface ProbeState {
  readonly probe: Probe;
  status: 'ok' | 'failing' | undefined;
  since: number;
  lastHealthyAt: number | undefined;
  reason: string | undefined;
  latencyMs: number;
  askedAt: number;
  /** The question that is still out, its deadline included. */
  asking: Promise<void> | undefined;
  /** The check itself has not let go yet, though its deadline may have passed. */
  busy: boolean;
}

export function createHealth(options: HealthOptions = {}): Health {
  const redact = options.redact ?? createRedact();
  const deadlineMs = options.deadlineMs ?? 1_500;
  const freshMs = options.freshMs ?? 1_000;
  const begunAt = Date.now();
  const probes: ProbeState[] = [];
  const lanes: { readonly name: string; snapshot(): LaneSnapshot }[] = [];
  let startedAt: number | undefined;
  let stoppingAt: number | undefined;

  const settle = (state: ProbeState, status: 'ok' | 'failing', reason: string | undefined): void => {
    const now = Date.now();
    if (state.status !== status) state.since = now;
    if (status === 'ok') state.lastHealthyAt = now;
    state.status = status;
    state.reason = reason;
  };

  const ask = async (state: ProbeState): Promise<void> => {
    const began = performance.now();
    const abort = new AbortController();
    state.askedAt = began;
    state.busy = true;
    const check = Promise.resolve()
      .then(() => state.probe.check(abort.signal))
      .finally(() => {
        state.busy = false;
      });
    try {
      await within(check, deadlineMs, state.probe.name, () => abort.abort());
      settle(state, 'ok', undefined);
    } catch (error) {
      settle(state, 'failing', error instanceof Error ? error.message : String(error));
    }
    state.latencyMs = performance.now() - began;
    state.asking = undefined;
  };

  const probeReport = async (state: ProbeState): Promise<CheckReport> => {
    const stale = performance.now() - state.askedAt >= freshMs;
    if (state.asking === undefined && stale && !state.busy) state.asking = ask(state);
    await state.asking;
    return {
      name: state.probe.name,
      status: state.status ?? 'failing',
      since: time(state.since),
      ...(state.lastHealthyAt === undefined ? {} : { last_healthy_at: time(state.lastHealthyAt) }),
      ...(state.reason === undefined ? {} : { reason: redact(state.reason), advice: state.probe.advice }),
      latency_ms: Math.round(state.latencyMs),
    };
  };

  const serviceReport = (): CheckReport => {
    if (stoppingAt !== undefined) {
      return {
        name: 'service',
        status: 'failing',
        since: time(stoppingAt),
        reason: 'the service is stopping',
        advice: 'The service is stopping; nothing to do.',
      };
    }
    if (startedAt === undefined) {
      return {
        name: 'service',
        status: 'failing',
        since: time(begunAt),
        reason: 'the service is starting',
        advice: 'Wait; this takes a second or two.',
      };
    }
    return { name: 'service', status: 'ok', since: time(startedAt) };
  };

  return {
    probe(probe) {
      probes.push({
        probe,
        status: undefined,
        since: begunAt,
        lastHealthyAt: undefined,
        reason: undefined,
        latencyMs: 0,
        askedAt: Number.NEGATIVE_INFINITY,
        asking: undefined,
        busy: false,
      });
    },
    lane(lane) {
      lanes.push(lane);
    },
    markStarted() {
      startedAt ??= Date.now();
    },
    markStopping() {
      stoppingAt ??= Date.now();
    },
    get started() {
      return startedAt !== undefined;
    },
    async report() {
      const checks = [
        serviceReport(),
        ...lanes.map((lane) => laneReport(lane.snapshot(), redact)),
        ...(await Promise.all(probes.map(probeReport))),
      ];
      return { status: checks.every((check) => check.status === 'ok') ? 'ready' : 'not_ready', checks };
    },
  };
}

/**
 * A paused lane is well: it does what an operator told it, and a process that counts as not ready is replaced or taken out
 * by orchestrators, which would undo the pause or stop its other lanes being seen.
 */
function laneReport(snapshot: LaneSnapshot, redact: Redact): CheckReport {
  const { lane, state, since, reason, lastCommitAt } = snapshot;
  const well = state === 'consuming' || state === 'paused';
  const advice = laneAdvice(snapshot);
  return {
    name: `lane:${lane}`,
    status: well ? 'ok' : 'failing',
    since: time(since),
    ...(lastCommitAt === undefined ? {} : { last_healthy_at: time(lastCommitAt) }),
    ...(well && reason === undefined ? {} : { reason: redact(reason === undefined ? state : `${state}: ${reason}`) }),
    ...(well || advice === undefined ? {} : { advice }),
  };
}

const time = (epochMs: number): string => new Date(epochMs).toISOString();
