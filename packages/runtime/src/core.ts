/** What the parts of one lane share. Internal to the runtime. */
import type { Delivery } from './delivery.ts';
import type { Events, LaneState, LaneTotals } from './events.ts';
import type { Fault, FaultCode } from './fault.ts';
import type { LaneParts, LaneSettings } from './lane.ts';

export type Totals = { -readonly [K in keyof LaneTotals]: number };

/** Why a batch was given back, and how often one of its records has gone back by now. */
export interface Doubt {
  readonly fault: Fault;
  readonly returns: number;
}

export interface LaneCore {
  readonly name: string;
  readonly settings: LaneSettings;
  readonly events: Events;
  readonly totals: Totals;
  /** Aborts when the lane begins to drain. */
  readonly stopping: AbortController;
  /** Aborts at the drain deadline: end at once, settle nothing more. */
  readonly abort: AbortController;
  /** Batches that wait for the store, by writer; the signal being marked is writer -1. */
  readonly holding: Map<number, Fault>;
  /** Deliveries whose letter was not confirmed at the last try, with why. */
  readonly lettersFailing: Map<Delivery, Fault>;
  /** Moving mean of the bodies' bytes. */
  meanBytes: number;
  /** A session is open. */
  consuming: boolean;
  paused: boolean;
  /** Why the lane is still starting. */
  obstacle: string | undefined;
  /** A batch was given back for want of the store: what must be known before consuming again. */
  doubt: Doubt | undefined;
  braked: () => Fault | undefined;
  /** Tells the world when the state that follows from the above has changed. */
  refresh(): void;
  readonly status: { state: LaneState; since: number; reason: string | undefined; code: FaultCode | undefined };
}

export function createCore<R>(parts: LaneParts<R>): LaneCore {
  const status: LaneCore['status'] = { state: 'starting', since: Date.now(), reason: undefined, code: undefined };
  const core: LaneCore = {
    name: parts.name,
    settings: parts.settings,
    events: parts.events,
    totals: {
      consumed: 0,
      redelivered: 0,
      replayed: 0,
      acked: 0,
      deadLettered: 0,
      created: 0,
      updated: 0,
      unchanged: 0,
      stale: 0,
      collapsed: 0,
      signals: 0,
      batches: 0,
      retries: 0,
      sessionsLost: 0,
    },
    stopping: new AbortController(),
    abort: new AbortController(),
    holding: new Map(),
    lettersFailing: new Map(),
    meanBytes: 0,
    consuming: false,
    paused: false,
    obstacle: undefined,
    doubt: undefined,
    braked: () => undefined,
    status,
    refresh() {
      const [to, reason, code] = derive(core);
      status.reason = reason;
      status.code = code;
      if (to === status.state) return;
      const from = status.state;
      status.state = to;
      status.since = Date.now();
      core.events.emit('lane.state', { lane: core.name, from, to, reason });
    },
  };
  return core;
}

function derive(core: LaneCore): readonly [LaneState, string | undefined, FaultCode?] {
  if (core.status.state === 'stopped') return ['stopped', undefined];
  if (core.stopping.signal.aborted) return ['draining', undefined];
  const braked = core.braked();
  if (braked !== undefined) return ['braked', braked.reason];
  const [held] = core.holding.values();
  if (held !== undefined) return ['holding', held.reason, held.code];
  if (core.paused) return ['paused', 'an operator paused the lane'];
  if (!core.consuming) return ['starting', core.obstacle];
  // Good records go on: the lane consumes, and says all the same what keeps bad ones from being settled.
  const [letter] = core.lettersFailing.values();
  return ['consuming', letter && `dead letters wait: ${letter.reason}`];
}
