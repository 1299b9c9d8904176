/** Letters counted by what they have in common: code, stage, model, and the queue they lie in. */
import { count } from '../io.ts';
import { table } from '../table.ts';
import { isoTime, type LetterInfo } from './letter.ts';
import type { Place } from './places.ts';
import { visible } from './text.ts';

export interface Group {
  readonly service: string;
  readonly type: string;
  readonly code: string;
  readonly stage: string;
  readonly model: string;
  readonly letters: number;
  /** ISO 8601; null where no letter of the group tells when it failed. */
  readonly oldest: string | null;
  readonly newest: string | null;
  /** Letters that were replayed at least once and came back. */
  readonly replayed: number;
}

export interface Groups {
  add(place: Place, info: LetterInfo): void;
  /** The largest first. */
  list(): Group[];
}

interface Growing {
  readonly of: Pick<Group, 'service' | 'type' | 'code' | 'stage' | 'model'>;
  letters: number;
  replayed: number;
  oldest: number | undefined;
  newest: number | undefined;
}

export function createGroups(): Groups {
  const groups = new Map<string, Growing>();
  return {
    add({ service, type }, { code, stage, model, failedAt, replays }) {
      const id = JSON.stringify([service, type, code, stage, model]);
      const empty = { letters: 0, replayed: 0, oldest: undefined, newest: undefined };
      const group: Growing = groups.get(id) ?? { of: { service, type, code, stage, model }, ...empty };
      groups.set(id, group);
      group.letters += 1;
      if (replays > 0) group.replayed += 1;
      if (failedAt === undefined) return;
      group.oldest = Math.min(failedAt, group.oldest ?? failedAt);
      group.newest = Math.max(failedAt, group.newest ?? failedAt);
    },
    list: () =>
      [...groups.values()]
        .sort((a, b) => b.letters - a.letters)
        .map(({ of, letters, replayed, oldest, newest }) => ({
          ...of,
          letters,
          oldest: isoTime(oldest),
          newest: isoTime(newest),
          replayed,
        })),
  };
}

export function groupsTable(groups: readonly Group[]): string {
  const head = ['service', 'type', 'code', 'stage', 'model', 'letters', 'replayed', 'oldest', 'newest'];
  const rows = groups.map((group) => [
    group.service,
    group.type,
    // Headers of a letter that the broker put there are the sender's own words.
    visible(group.code),
    visible(group.stage),
    visible(group.model),
    count(group.letters),
    count(group.replayed),
    group.oldest ?? '-',
    group.newest ?? '-',
  ]);
  return table(head, rows);
}
