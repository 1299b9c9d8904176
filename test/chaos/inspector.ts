/** All invariants in one question, over both stores, the letters, the queues and the processes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Broker, openBroker } from '../support/stores.ts';
import type { Arena } from './arena.ts';
import { checkCounts, checkNodes, checkTransactions, type GraphTotals } from './check/graph.ts';
import { createProcessCheck } from './check/processes.ts';
import { checkEmpty, checkOwed, collectLetters, unfinished } from './check/queues.ts';
import { checkNoOtherRows, checkRows, checkSessions } from './check/tables.ts';
import type { Violation } from './check/violation.ts';
import type { Fleet } from './fleet.ts';
import type { Ledger } from './ledger.ts';
import type { ServiceTarget } from './plan.ts';
import type { Good, Workload } from './workload.ts';

export interface Inspector {
  /** What is still to be done, by these services or by all, in words; undefined when all is quiet. */
  unfinished(services?: readonly ServiceTarget[]): Promise<string | undefined>;
  collect(): Promise<Violation[]>;
  /**
   * Checks everything, these records one by one and the rest by number. What may still be on its way is looked at again
   * until `healMs` have passed.
   */
  inspect(goods: readonly Good[], healMs?: number): Promise<readonly Violation[]>;
  /** After the services have gone. */
  queuesEmpty(healMs?: number): Promise<readonly Violation[]>;
  readonly peakMemory: number;
  close(): Promise<void>;
}

export interface InspectorParts {
  readonly arena: Arena;
  readonly fleet: Fleet;
  readonly ledger: Ledger;
  readonly workload: Pick<Workload, 'bodyOf'>;
  readonly totals: GraphTotals;
}

/** Milliseconds in which what is on its way must arrive: the broker takes back from a dead consumer after three heartbeats. */
const defaultHealMs = 20_000;

export function createInspector({ arena, fleet, ledger, workload, totals }: InspectorParts): Inspector {
  const processes = createProcessCheck(arena.secrets);
  let broker: Broker | undefined;

  /** The broker may have been killed since the last question: asked again over a new connection. */
  const asking = async <T>(ask: (broker: Broker) => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        broker ??= await openBroker(arena.brokerUrl);
        return await ask(broker);
      } catch (error) {
        await broker?.close().catch(() => {});
        broker = undefined;
        if (attempt >= 20) throw error;
        await sleep(100 * attempt);
      }
    }
  };

  const collect = (): Promise<Violation[]> => asking((open) => collectLetters(open, arena.prefix, ledger));
  const { tables, graph, schema } = arena;

  const once = async (goods: readonly Good[]): Promise<Violation[]> => [
    ...processes.check(fleet.all, fleet.ever, fleet.deaths),
    ...(await collect()),
    ...checkOwed(ledger),
    ...(await Promise.all([
      checkRows({ tables, schema, workload }, goods),
      checkNoOtherRows({ tables, schema }, ledger),
      checkSessions(tables, arena.postgresUser),
      checkNodes({ graph, workload }, goods),
      checkCounts(graph, totals, ledger),
      checkTransactions(graph),
    ]).then((found) => found.flat())),
  ];

  const patiently = async (check: () => Promise<Violation[]>, healMs: number): Promise<readonly Violation[]> => {
    const deadline = performance.now() + healMs;
    for (;;) {
      const found = await check();
      if (found.length === 0 || found.some(({ mayHeal }) => !mayHeal) || performance.now() > deadline) return found;
      await sleep(300);
    }
  };

  return {
    unfinished: (services) => asking((open) => unfinished(open, fleet, arena.prefix, services)),
    collect,
    inspect: (goods, healMs = defaultHealMs) => patiently(() => once(goods), healMs),
    queuesEmpty: (healMs = defaultHealMs) => patiently(() => asking((open) => checkEmpty(open, arena.prefix)), healMs),
    get peakMemory() {
      return processes.peakMemory;
    },
    async close() {
      await broker?.close().catch(() => {});
    },
  };
}
