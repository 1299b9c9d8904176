/** Waiting until the services have settled everything, and comparing what the stores then hold. */
import { recordTypes } from '@inator/discogs';
import { delay } from '@inator/runtime';
import { CliError } from '../exit.ts';
import { count } from '../io.ts';
import type { ServiceState } from '../servers/lanes.ts';
import { countGraph, countRows, type GraphCounts, type GraphStore, type TableStore } from '../servers/stores.ts';
import type { Expected } from './sample.ts';
import type { RunningService } from './services.ts';

export interface Drained {
  readonly deadLettered: number;
}

/** Without any progress for this long, something stands still that a person must look at. */
const stallMs = 180_000;
const askEveryMs = 250;
/** A service that lives and is busy may leave questions without an answer for so long. */
const silentMs = 60_000;

type Totals = ServiceState['lanes'][number]['totals'];

/** Deliveries that are done with: an ack of a record does not count its letter, and a letter no ack. */
const settledOf = ({ acked, deadLettered }: Totals): number => acked + deadLettered;

function settledIn(states: readonly ServiceState[]): number {
  return states.flatMap(({ lanes }) => lanes).reduce((sum, { totals }) => sum + settledOf(totals), 0);
}

function isDrained(states: readonly ServiceState[], perType: number): boolean {
  return states.every(
    ({ lanes }) =>
      lanes.length > 0 &&
      lanes.every(({ totals, pendingRecords }) => settledOf(totals) >= perType && pendingRecords === 0),
  );
}

/** Asks all services; undefined while one of them is silent. Rejects when one has ended, or was silent for too long. */
function createAsking(services: readonly RunningService[]): () => Promise<readonly ServiceState[] | undefined> {
  let answeredAt = performance.now();
  return async () => {
    try {
      const states = await Promise.all(services.map((service) => Promise.race([service.state(), service.died])));
      answeredAt = performance.now();
      return states;
    } catch (error) {
      // What has ended says so once more, and at once.
      await Promise.race([...services.map(({ died }) => died), Promise.resolve()]);
      if (performance.now() - answeredAt > silentMs) throw error;
      return undefined;
    }
  };
}

/**
 * Resolves when every lane has settled at least `perType` deliveries and has none in hand, and `isEmpty` says that no
 * queue holds any; undefined when interrupted. `progress` hears the deliveries settled so far, over all lanes.
 */
export async function untilDrained(
  services: readonly RunningService[],
  perType: number,
  isEmpty: () => Promise<boolean>,
  progress: (settled: number) => void,
  signal: AbortSignal,
): Promise<Drained | undefined> {
  let last = -1;
  let lastAt = performance.now();
  const ask = createAsking(services);
  while (!signal.aborted) {
    const states = await ask();
    if (states === undefined) {
      await delay(askEveryMs, signal);
      continue;
    }
    const settled = settledIn(states);
    progress(settled);
    if (isDrained(states, perType) && (await isEmpty())) {
      const deadLettered = states
        .flatMap(({ lanes }) => lanes)
        .reduce((sum, { totals }) => sum + totals.deadLettered, 0);
      return { deadLettered };
    }
    if (settled !== last) {
      last = settled;
      lastAt = performance.now();
    } else if (performance.now() - lastAt > stallMs) {
      const reasons = states.flatMap(({ lanes }) =>
        lanes.flatMap(({ lane, state, reason }) => (reason ? [`${lane} is ${state}: ${reason}`] : [])),
      );
      throw new CliError(
        `nothing was settled for ${stallMs / 1000} s, ${count(settled)} deliveries before; ${reasons.join('; ')}`,
        { next: `the logs: ${services.map(({ log }) => log).join(', ')}` },
      );
    }
    await delay(askEveryMs, signal);
  }
  return undefined;
}

export interface Held {
  readonly rows: Readonly<Record<string, number | null>>;
  readonly graph: GraphCounts;
}

export async function countStores(tables: TableStore, graph: GraphStore): Promise<Held> {
  const [rows, counts] = await Promise.all([countRows(tables, recordTypes), countGraph(graph)]);
  return { rows, graph: counts };
}

/** What differs, a sentence each; empty when the stores hold exactly what they should. */
export function differences(expected: Expected, held: Held): string[] {
  const compare = (
    kind: string,
    wanted: Readonly<Record<string, number>>,
    found: Readonly<Record<string, number | null>>,
  ): string[] =>
    [...new Set([...Object.keys(wanted), ...Object.keys(found)])]
      .filter((name) => (wanted[name] ?? 0) !== (found[name] ?? 0))
      .map((name) => `${kind} ${name}: ${count(found[name] ?? 0)}, expected ${count(wanted[name] ?? 0)}`);
  return [
    ...compare('rows in', expected.rows, held.rows),
    ...compare('nodes', expected.graph.nodes, held.graph.nodes),
    ...compare('relationships', expected.graph.relationships, held.graph.relationships),
  ];
}

export const total = (counts: Readonly<Record<string, number | null>>): number =>
  Object.values(counts).reduce<number>((sum, each) => sum + (each ?? 0), 0);
