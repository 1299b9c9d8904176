/** A run: the arena, the world, the rounds, the last look at everything, and the sum. */

import { recordTypes } from '@inator/discogs';
import { type Arena, openArena } from './arena.ts';
import { createGraphTotals, type GraphTotals } from './check/graph.ts';
import { describeViolation, type Violation } from './check/violation.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { createInspector, type Inspector } from './inspector.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { type FaultKind, faultKinds, planRound, serviceNames } from './plan.ts';
import { type RoundResult, runRound } from './round.ts';
import { createTraffic, type Traffic } from './traffic.ts';
import { createWorkload, type Workload, type WorkloadOptions } from './workload.ts';

export interface Run {
  readonly arena: Arena;
  readonly fleet: Fleet;
  readonly ledger: Ledger;
  readonly inspector: Inspector;
  readonly workload: Workload;
  /** Takes what was confirmed since the last time into the sums that the whole is counted against. Before `finish`. */
  keepBooks(): void;
  /** The next round of the seed. */
  next(records: number): Promise<RoundResult>;
  /** Everything ever published, one by one; then the services stop, and the queues must be empty. */
  finish(): Promise<readonly Violation[]>;
  summary(): Summary;
  close(): Promise<void>;
}

export interface Summary {
  readonly seed: number;
  readonly rounds: number;
  /** Messages that the broker has confirmed, repeats and versions included. */
  readonly records: number;
  readonly keys: number;
  readonly bad: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly lost: number;
  readonly duplicated: number;
  readonly goodDeadLettered: number;
  /** Letters that came more than once, which is allowed. */
  readonly repeatedLetters: number;
  readonly violations: number;
  readonly worstRecoverySeconds: number;
  readonly peakMemoryMiB: number;
  readonly seconds: number;
}

export interface RunOptions {
  readonly seed: number;
  readonly report: (line: string) => void;
  /** Only faults of these kinds. */
  readonly kinds?: readonly FaultKind[];
  /** What I6 allows, in milliseconds. Default 30,000. */
  readonly recoveryMs?: number;
  /** Of the messages, where they are not to be as in `npm run chaos`. */
  readonly load?: Pick<WorkloadOptions, 'mix' | 'targetBytes'>;
}

export async function startRun(options: RunOptions): Promise<Run> {
  const { seed, report, kinds = faultKinds, recoveryMs = 30_000, load = {} } = options;
  const began = performance.now();
  const arena = await openArena(report);
  const fleet = createFleet(arena);
  const ledger = createLedger([arena.canary]);
  const workload = createWorkload({ seed, prefix: arena.prefix, canary: arena.canary, ...load });
  const results: RoundResult[] = [];
  const last: Violation[] = [];
  const faults: Record<string, number> = {};
  let traffic: Traffic | undefined;
  let inspector: Inspector | undefined;

  const close = async (): Promise<void> => {
    await fleet.close();
    await traffic?.close();
    await inspector?.close();
    await arena.close();
  };

  try {
    // Without its queues an exchange drops what is published: the services declare them before anything is.
    for (const service of serviceNames) await fleet.start(service);
    const prologue = workload.prologue();
    const totals: GraphTotals = createGraphTotals(prologue, workload.bodyOf);
    const look = createInspector({ arena, fleet, ledger, workload, totals });
    inspector = look;
    await untilQuiet(look);
    const publish = createTraffic(arena.brokerUrl, ledger);
    traffic = publish;
    report(`publishing a world of ${prologue.length} records`);
    await publish.run(prologue);
    await untilQuiet(look);
    const initial = await look.inspect(ledger.touched());
    if (initial.length > 0) throw new Error(`before any fault:\n${initial.map(describeViolation).join('\n')}`);
    ledger.closeRound();

    const count = (as: Violation['as']): number =>
      [...results.flatMap(({ violations }) => violations), ...last]
        .filter((each) => each.as === as)
        .reduce((sum, each) => sum + each.count, 0);
    const parts = { scene: { arena, fleet }, traffic: publish, inspector: look, ledger, recoveryMs };

    return {
      arena,
      fleet,
      ledger,
      inspector: look,
      workload,
      keepBooks() {
        totals.advance(ledger);
        ledger.closeRound();
      },
      async next(records) {
        const round = results.length + 1;
        const plan = planRound(seed, round, kinds);
        const messages = workload.round(round, records);
        for (const { kind } of plan.faults) faults[kind] = (faults[kind] ?? 0) + 1;
        const result = await runRound(parts, plan, messages, () => totals.advance(ledger));
        ledger.closeRound();
        results.push(result);
        return result;
      },
      async finish() {
        for (const type of recordTypes) last.push(...(await look.inspect(ledger.all(type))));
        for (const replica of [...fleet.all]) await fleet.stop(replica);
        last.push(...(await look.queuesEmpty()), ...(await look.inspect([])));
        return last;
      },
      summary: () => ({
        seed,
        rounds: results.length,
        records: ledger.messages,
        keys: ledger.goodKeys,
        bad: ledger.bad,
        faults,
        lost: count('lost'),
        duplicated: count('duplicated'),
        goodDeadLettered: count('goodDeadLettered'),
        repeatedLetters: ledger.repeatedLetters,
        violations: results.reduce((sum, { violations }) => sum + violations.length, last.length),
        worstRecoverySeconds: Math.max(
          0,
          ...results.map(({ recoverySeconds }) => Math.round(recoverySeconds * 10) / 10),
        ),
        peakMemoryMiB: look.peakMemory,
        seconds: Math.round((performance.now() - began) / 1000),
      }),
      close,
    };
  } catch (error) {
    arena.keepLogs();
    await close();
    throw error;
  }
}

/** Longest that the first start and the world may take. */
const startMs = 300_000;

async function untilQuiet(inspector: Inspector): Promise<void> {
  const deadline = performance.now() + startMs;
  for (;;) {
    const left = await inspector.unfinished();
    if (left === undefined) return;
    if (performance.now() > deadline) throw new Error(`not quiet ${startMs} ms after the start: ${left}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
