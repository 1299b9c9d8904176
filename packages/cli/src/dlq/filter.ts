/** Which letters a command is about. Conditions of one kind are alternatives; kinds are joined by "and". */
import type { LetterInfo } from './letter.ts';

export interface Filter {
  readonly codes: readonly string[];
  readonly stages: readonly string[];
  readonly keys: readonly string[];
  /** Epoch milliseconds: failed at this time or later. */
  readonly since: number | undefined;
  /** Epoch milliseconds: failed before this time. */
  readonly before: number | undefined;
}

/** A letter that does not tell when it failed matches no time. */
export function matches(filter: Filter, { code, stage, key, failedAt }: LetterInfo): boolean {
  const oneOf = (wanted: readonly string[], value: string | undefined): boolean =>
    wanted.length === 0 || (value !== undefined && wanted.includes(value));
  if (!oneOf(filter.codes, code) || !oneOf(filter.stages, stage) || !oneOf(filter.keys, key)) return false;
  if (filter.since !== undefined && !(failedAt !== undefined && failedAt >= filter.since)) return false;
  return filter.before === undefined || (failedAt !== undefined && failedAt < filter.before);
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const iso = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/** "2h" is two hours before `now`; else ISO 8601, a date alone being midnight UTC. Undefined when it is neither. */
export function timeOf(text: string, now: number): number | undefined {
  const [, amount, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined) return now - Number(amount) * (units[unit] ?? 0);
  const at = iso.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}
