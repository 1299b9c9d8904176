/** Runs a scenario: a warm-up that does not count, then rounds, turn by turn. */
import type { Contestant, Plan, Run, Scenario } from './scenario.ts';
import type { World } from './world.ts';

export interface Measured {
  readonly records: number;
  readonly rounds: number;
  /** By contestant, in the plan's order; one run a round. */
  readonly runs: Readonly<Record<string, readonly Run[]>>;
}

/** A first run of this many records: enough for the store to compile what it will run, and for a Java machine too. */
const warmUp = { share: 0.1, least: 500, most: 5_000 } as const;

export function warmUpRecords(scenario: Pick<Scenario, 'warmUp'>, records: number): number {
  const wanted = scenario.warmUp ?? Math.min(warmUp.most, Math.max(warmUp.least, Math.round(records * warmUp.share)));
  return Math.min(records, wanted);
}

/** Order of a round: every other round is turned around, so that nobody always meets the warmer caches. */
export function orderOf<T>(contestants: readonly T[], round: number): readonly T[] {
  return round % 2 === 1 ? contestants : [...contestants].reverse();
}

export async function measure(
  world: World,
  plan: Plan,
  records: number,
  rounds: number,
  warmUpBy: number,
): Promise<Measured> {
  const { say } = world;
  if (warmUpBy > 0) {
    for (const contestant of plan.contestants) {
      say(`warm-up: ${contestant.id}, ${warmUpBy} records`);
      await once(contestant, world, warmUpBy);
    }
  }
  const runs: Record<string, Run[]> = Object.fromEntries(plan.contestants.map(({ id }) => [id, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const contestant of orderOf(plan.contestants, round)) {
      const run = await once(contestant, world, records);
      runs[contestant.id]?.push(run);
      say(`round ${round}: ${contestant.id} ${told(run)}`);
    }
  }
  return { records, rounds, runs };
}

async function once(contestant: Contestant, world: World, records: number): Promise<Run> {
  if (world.signal.aborted) throw new Error('interrupted');
  try {
    return await contestant.run(world, records);
  } catch (error) {
    throw error instanceof Error && error.name === 'UsageError'
      ? error
      : new Error(`${contestant.id}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function told({ recordsPerSecond, cpuSeconds, peakMemoryMiB, figures = {} }: Run): string {
  return [
    `${recordsPerSecond} records/s`,
    ...(cpuSeconds === undefined ? [] : [`${cpuSeconds.toFixed(1)} s of CPU`]),
    ...(peakMemoryMiB === undefined ? [] : [`${peakMemoryMiB} MiB at most`]),
    ...Object.entries(figures).map(([name, value]) => `${name} ${value}`),
  ].join(', ');
}
