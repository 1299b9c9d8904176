/**
 * Which faults a round brings: a pure function of the seed and the round's number, so that what was found can be looked
 * at again. What a fault does is in faults.ts; here is only what chance decides about it.
 */
import { type Chance, createChance } from './random.ts';

export const serviceNames = ['tableinator', 'graphinator'] as const;
export type ServiceTarget = (typeof serviceNames)[number];
export const serverNames = ['rabbitmq', 'postgres', 'neo4j'] as const;
export type ServerTarget = (typeof serverNames)[number];
/** From a service to a server: each runs through a proxy of its own. */
export const linkNames = [
  'tableinator-rabbitmq',
  'graphinator-rabbitmq',
  'tableinator-postgres',
  'graphinator-neo4j',
] as const;
export type LinkTarget = (typeof linkNames)[number];
export type Target = ServiceTarget | ServerTarget | LinkTarget;

/** Where a service ends itself, in the words of `INATOR_FAILPOINTS`. */
export const failpointTargets = ['before-copy', 'mid-copy', 'before-commit', 'commit-sent', 'after-commit'] as const;

/**
 * How often each comes, relative to the others. A restarted Java machine costs as much time as two other rounds, so it
 * comes seldom; in 200 rounds it still comes about ten times.
 */
export const faultWeights = {
  'service-kill': 10,
  'service-stop': 6,
  'service-freeze': 6,
  'service-failpoint': 12,
  'service-replica': 5,
  'server-kill': 5,
  'server-restart': 4,
  'server-pause': 5,
  'postgres-terminate': 6,
  'postgres-lock': 5,
  'neo4j-terminate': 5,
  'broker-close-connections': 6,
  'broker-alarm': 3,
  'letters-delete': 4,
  'link-cut': 8,
  'link-freeze': 6,
  'link-slow': 4,
  'link-refuse': 4,
} as const satisfies Record<string, number>;

export type FaultKind = keyof typeof faultWeights;
export const faultKinds = Object.keys(faultWeights) as readonly FaultKind[];

export interface PlannedFault {
  readonly kind: FaultKind;
  readonly target: Target;
  /** Begins when this share of the round's messages is published, 0 to 1. */
  readonly at: number;
  /** How long it lasts, in milliseconds, where it lasts. */
  readonly forMs: number;
  /** Which replica, which batch: what the kind makes of it. */
  readonly number: number;
  readonly failpoint: (typeof failpointTargets)[number];
}

export interface RoundPlan {
  readonly round: number;
  readonly faults: readonly PlannedFault[];
}

/** Of a hundred rounds so many bring two faults at once. */
const twiceShare = 20;
/** Of the killed and restarted servers; the broker and the Java machine take long. */
const serverWeights: Readonly<Record<ServerTarget, number>> = { postgres: 6, rabbitmq: 3, neo4j: 1.5 };

export function planRound(seed: number, round: number, kinds: readonly FaultKind[] = faultKinds): RoundPlan {
  const chance = createChance(seed, `plan ${round}`);
  const first = draw(chance, kinds);
  if (!chance.percent(twiceShare)) return { round, faults: [first] };
  const second = draw(chance, kinds);
  return { round, faults: together(first, second) ? [first, second] : [first] };
}

function draw(chance: Chance, kinds: readonly FaultKind[]): PlannedFault {
  const kind = weighted(
    chance,
    kinds.map((each) => [each, faultWeights[each]] as const),
  );
  return {
    kind,
    target: targetOf(chance, kind),
    at: chance.between(10, 80) / 100,
    forMs: chance.between(300, 3_000),
    number: chance.between(1, 6),
    failpoint: chance.pick(failpointTargets),
  };
}

function targetOf(chance: Chance, kind: FaultKind): Target {
  if (kind.startsWith('service-')) return chance.pick(serviceNames);
  if (kind.startsWith('link-')) return chance.pick(linkNames);
  if (kind === 'server-pause') return chance.pick(serverNames);
  if (kind.startsWith('server-')) return weighted(chance, Object.entries(serverWeights) as [ServerTarget, number][]);
  if (kind.startsWith('postgres-')) return 'postgres';
  if (kind.startsWith('neo4j-')) return 'neo4j';
  return 'rabbitmq';
}

function weighted<T>(chance: Chance, items: readonly (readonly [T, number])[]): T {
  let left = (chance.below(1_000_000) / 1_000_000) * items.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [item, weight] of items) {
    left -= weight;
    if (left < 0) return item;
  }
  throw new RangeError('nothing to choose from');
}

/** Two faults of one place get in each other's way; deleting a queue of letters must know where all letters are. */
function together(a: PlannedFault, b: PlannedFault): boolean {
  if (a.kind === 'letters-delete' || b.kind === 'letters-delete') return false;
  return !touched(a).some((place) => touched(b).includes(place));
}

/** The places that a fault needs for itself. */
function touched({ kind, target }: PlannedFault): readonly string[] {
  return kind.startsWith('link-') ? [target, target.split('-')[1] ?? ''] : [target];
}

export function describeFault({ kind, target, at, forMs, number, failpoint }: PlannedFault): string {
  const lasting = [
    'service-freeze',
    'server-pause',
    'postgres-lock',
    'broker-alarm',
    'link-freeze',
    'link-slow',
    'link-refuse',
  ];
  const more = kind === 'service-failpoint' ? ` ${failpoint}@${number}` : lasting.includes(kind) ? ` ${forMs} ms` : '';
  return `${kind} ${target}${more} at ${Math.round(at * 100)} %`;
}
