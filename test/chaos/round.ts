/** One round: traffic, its faults in the middle of it, the wait until all is quiet, and the check. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Violation, violation } from './check/violation.ts';
import { runFault, type Scene } from './faults.ts';
import type { Fleet } from './fleet.ts';
import type { Inspector } from './inspector.ts';
import type { Ledger } from './ledger.ts';
import { type PlannedFault, type RoundPlan, type ServiceTarget, serviceNames } from './plan.ts';
import type { Traffic } from './traffic.ts';
import type { Message } from './workload.ts';

export interface RoundParts {
  readonly scene: Omit<Scene, 'quiet' | 'loud'>;
  readonly traffic: Traffic;
  readonly inspector: Inspector;
  readonly ledger: Ledger;
  /** I6. Default 30,000. */
  readonly recoveryMs?: number;
}

export interface RoundResult {
  readonly plan: RoundPlan;
  readonly messages: number;
  readonly seconds: number;
  /** From the end of the last fault until every lane got on. */
  readonly recoverySeconds: number;
  /** Of which the check took so many. */
  readonly checkSeconds: number;
  readonly violations: readonly Violation[];
}

/** I6. */
const recoveryMs = 30_000;
/** Everything published must be settled so long after the last fault ended; a round's load takes a few seconds. */
const quietMs = 120_000;

/** `published` is told when everything is confirmed and before anything is checked. */
export async function runRound(
  parts: RoundParts,
  plan: RoundPlan,
  messages: readonly Message[],
  published: () => void,
): Promise<RoundResult> {
  const { traffic, inspector, ledger } = parts;
  const began = performance.now();
  const publishing = traffic.run(messages);
  const strays: Violation[] = [];
  const scene: Scene = {
    ...parts.scene,
    async quiet(service) {
      await traffic.pause();
      strays.push(...(await lettersComplete(inspector, ledger, service)));
    },
    loud: () => traffic.resume(),
  };
  const recoveries = Promise.all(plan.faults.map((fault) => hurt(scene, traffic, fault)));
  await Promise.all([publishing, recoveries]);
  // The later fault may have ended while the other was still on: only from the last end on must everything get on.
  const ended = Math.max(...(await recoveries));
  published();
  const late = await resumed(parts, ended, parts.recoveryMs);
  const recoverySeconds = (performance.now() - ended) / 1000;
  const found: Violation[] = [...strays];
  if (late !== undefined) found.push(violation('I6', 'the services', late, []));
  const busy = await quiet(inspector);
  if (busy !== undefined) found.push(violation('I4', 'the services', busy, []));
  const checking = performance.now();
  // What is still under way would only make everything else look wrong, too.
  if (busy === undefined) found.push(...(await inspector.inspect(ledger.touched())));
  return {
    plan,
    messages: messages.length,
    seconds: (performance.now() - began) / 1000,
    recoverySeconds,
    checkSeconds: (performance.now() - checking) / 1000,
    violations: found,
  };
}

/** Runs the fault at its time; resolves with when it had ended. */
async function hurt(scene: Scene, traffic: Traffic, fault: PlannedFault): Promise<number> {
  await traffic.reached(fault.at);
  await runFault(scene, fault);
  return performance.now();
}

/**
 * Waits until every lane consumes and every service has settled something since, or has nothing to do. Resolves with
 * what does not get on within `withinMs`, in words.
 */
export async function resumed(
  { scene: { fleet }, inspector }: Pick<RoundParts, 'scene' | 'inspector'>,
  ended: number,
  withinMs = recoveryMs,
): Promise<string | undefined> {
  const before = new Map<ServiceTarget, number>();
  const waiting = new Set<ServiceTarget>(serviceNames);
  for (;;) {
    let slow: string | undefined;
    for (const service of waiting) {
      const state = await stateOf(fleet, service);
      if (typeof state === 'number' && state !== (before.get(service) ?? state)) waiting.delete(service);
      else if (typeof state === 'number' && (await inspector.unfinished([service])) === undefined)
        waiting.delete(service);
      else slow ??= typeof state === 'string' ? state : `${service} has settled nothing since`;
      // A replica that comes or goes changes the sum: what counts is that it moves after the last end.
      if (typeof state === 'number') before.set(service, state);
    }
    if (slow === undefined) return undefined;
    if (performance.now() - ended > withinMs) return `${slow}, ${withinMs / 1000} s after the fault ended`;
    await sleep(50);
  }
}

/** What the service has settled in sum, or why it does not get on. */
async function stateOf(fleet: Fleet, service: ServiceTarget): Promise<number | string> {
  let settled = 0;
  for (const replica of fleet.replicas(service)) {
    const lanes = await fleet.lanes(replica).catch(() => undefined);
    if (lanes === undefined) return `${service} ${replica.pid} does not answer`;
    for (const { lane, state, consuming, totals } of lanes) {
      if (!consuming || state !== 'consuming') return `${service} ${replica.pid} ${lane} is ${state}`;
      settled += totals.acked + totals.deadLettered;
    }
  }
  return settled;
}

/** Waits until nothing is ready and nothing in hand; what is not after all this time is said. */
async function quiet(inspector: Inspector): Promise<string | undefined> {
  const deadline = performance.now() + quietMs;
  for (;;) {
    const left = await inspector.unfinished();
    if (left === undefined) return undefined;
    if (performance.now() > deadline) return `${left}, ${quietMs / 1000} s after the services got on`;
    await sleep(50);
  }
}

async function lettersComplete(inspector: Inspector, ledger: Ledger, service: ServiceTarget): Promise<Violation[]> {
  const deadline = performance.now() + quietMs;
  const found: Violation[] = [];
  for (;;) {
    found.push(...(await inspector.collect()));
    if (ledger.owed(service).length === 0 || performance.now() > deadline) return found;
    await sleep(100);
  }
}
