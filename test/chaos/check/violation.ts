/** What must hold after every fault, and what a check says when it does not. */

export const invariants = {
  I1: 'every confirmed good record stands in the store, at its highest version, exact',
  I2: 'every bad record has its letter, with the reason, and no good one has',
  I3: 'nothing else is in the store',
  I4: 'nothing is left ready or unacked',
  I5: 'no transaction, temporary table or handle is left behind, and memory is flat',
  I6: 'the services got on within 30 s of the end of the fault',
  I7: 'no process ended by itself',
  I8: 'no secret and no payload is in a log',
} as const;

export type Invariant = keyof typeof invariants;

export interface Violation {
  readonly invariant: Invariant;
  readonly where: string;
  readonly what: string;
  /** The records, letters or processes concerned; at most `shown` of them. */
  readonly ids: readonly string[];
  /** How many there are. */
  readonly count: number;
  /** True for what may still be on its way: it counts only if it stays. */
  readonly mayHeal: boolean;
  /** What a summary counts it as, where it is one of these. */
  readonly as?: 'lost' | 'duplicated' | 'goodDeadLettered';
}

const shown = 20;

export function violation(
  invariant: Invariant,
  where: string,
  what: string,
  ids: readonly string[],
  more: { readonly mayHeal?: boolean; readonly as?: Violation['as']; readonly count?: number } = {},
): Violation {
  return {
    invariant,
    where,
    what,
    ids: ids.slice(0, shown),
    count: more.count ?? ids.length,
    mayHeal: more.mayHeal ?? false,
    ...(more.as === undefined ? {} : { as: more.as }),
  };
}

export function describeViolation({ invariant, where, what, ids, count }: Violation): string {
  const listed = ids.length === 0 ? '' : `: ${ids.join(', ')}${count > ids.length ? ', …' : ''}`;
  return `${invariant} (${invariants[invariant]}) is violated in ${where}: ${what} (${count})${listed}`;
}
