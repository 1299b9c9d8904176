/**
 * What is published: a small world that every later record can point to, then rounds of new records, versions in
 * shuffled order, late old versions, repeats, and about one bad record in a hundred.
 *
 * The world comes first and whole, so that which of a key's versions were ever written (which the order of arrival
 * decides) leaves no trace in the graph beyond the version that stands.
 */
import { generateSample, type RecordType, recordBody, recordTypes } from '@inator/discogs';
import type { Outgoing } from '../support/publisher.ts';
import { type BadKind, badKinds, makeBad } from './bad.ts';
import { type Chance, createChance } from './random.ts';

/** A record that must end in both stores. Version 0 has no `x-seq`: there is only one content of it. */
export interface Good {
  readonly type: RecordType;
  readonly id: number;
  readonly version: number;
}

export interface Bad {
  readonly type: RecordType;
  readonly kind: BadKind;
}

export interface Message extends Outgoing {
  readonly good?: Good;
  readonly bad?: Bad;
}

export interface WorldSize {
  readonly artists: number;
  readonly labels: number;
  readonly masters: number;
}

/** Enough masters that every genre, every style and every pair of them is named by one, whatever the seed. */
export const worldSize: WorldSize = { artists: 400, labels: 100, masters: 800 };

/** New records of a type begin here: a multiple of ten above the world, as the sample's relations go by the last digit. */
export const firstNewId = 10_000;

export interface Workload {
  /** The world, and some releases of it. */
  prologue(): Message[];
  /** Must be asked for each round once, in order: later rounds bring new versions of earlier records. */
  round(round: number, records: number): Message[];
  bodyOf(good: Good): Buffer;
}

export interface WorkloadOptions {
  readonly seed: number;
  /** Exchanges are `{prefix}-{type}`. */
  readonly prefix: string;
  /** Stands in every body. */
  readonly canary: string;
  readonly world?: WorldSize;
  /** What a round is made of, where it differs from `defaultMix`. */
  readonly mix?: Partial<Mix>;
  /** Mean bytes of a release. Default 0: as short as they come. */
  readonly targetBytes?: number;
}

/** Shares of a hundred draws; what is left are new records without a version. */
export interface Mix {
  readonly versioned: number;
  /** Each draw brings one to three new versions of a known record. */
  readonly updates: number;
  /** Old versions of a known record. */
  readonly late: number;
  /** The same message again, within the round. */
  readonly repeats: number;
  readonly bad: number;
}

export const defaultMix: Mix = { versioned: 60, updates: 15, late: 3, repeats: 7, bad: 1 };

export function createWorkload(options: WorkloadOptions): Workload {
  const { seed, prefix, canary, world = worldSize, targetBytes = 0 } = options;
  const share: Mix = { ...defaultMix, ...options.mix };
  const nextId: Record<RecordType, number> = {
    artists: firstNewId,
    labels: firstNewId,
    masters: firstNewId,
    releases: firstNewId,
  };
  /** The highest version that was ever published of each key; only versioned ones can be published anew. */
  const highest = new Map<string, Good>();
  const versioned: string[] = [];

  const bodyOf = ({ type, id, version }: Good): Buffer => {
    const [sample] = generateSample({
      type,
      count: 1,
      from: id,
      seed,
      version: Math.max(1, version),
      targetBytes,
      world: { ...world },
    });
    const text = String(sample);
    // The envelope of the sample ends with the hash; what follows is the record, without its opening brace.
    const record = `{${text.slice(text.indexOf(',"', text.indexOf('"sha256"')) + 1, -1)},"zz_notes":"${canary}"}`;
    return recordBody(String(id), record);
  };

  const good = (what: Good, messageId: string): Message => ({
    exchange: `${prefix}-${what.type}`,
    body: bodyOf(what),
    messageId,
    ...(what.version > 0 ? { headers: { 'x-seq': what.version } } : {}),
    good: what,
  });
  const bad = (type: RecordType, kind: BadKind, messageId: string): Message => ({
    exchange: `${prefix}-${type}`,
    messageId,
    ...makeBad(kind, `bad-${messageId}`, canary),
    bad: { type, kind },
  });
  const remember = (what: Good): void => {
    const key = `${what.type} ${what.id}`;
    const before = highest.get(key);
    if (before === undefined && what.version > 0) versioned.push(key);
    if (before === undefined || before.version < what.version) highest.set(key, what);
  };
  const fresh = (type: RecordType, version: number): Good => {
    const id = nextId[type];
    nextId[type] += 1;
    return { type, id, version };
  };
  const typeOf = (chance: Chance): RecordType => {
    const n = chance.below(10);
    return n < 7 ? 'releases' : n < 8 ? 'masters' : n < 9 ? 'artists' : 'labels';
  };

  return {
    prologue() {
      const sizes: Record<RecordType, number> = { ...world, releases: 200 };
      const all = recordTypes.flatMap((type) =>
        Array.from({ length: sizes[type] }, (_, i): Good => ({ type, id: i + 1, version: 1 })),
      );
      for (const what of all) remember(what);
      return all.map((what) => good(what, `world-${what.type}-${what.id}`));
    },
    round(round, records) {
      const chance = createChance(seed, `workload ${round}`);
      const chosen: (Good | Bad)[] = [];
      while (chosen.length < records) {
        const draw = chance.below(100);
        const known = highest.get(versioned.length === 0 ? '' : chance.pick(versioned));
        if (draw < share.bad)
          chosen.push({ type: typeOf(chance), kind: chance.pick(Object.keys(badKinds) as BadKind[]) });
        else if (draw < share.bad + share.repeats && chosen.length > 0) chosen.push(chance.pick(chosen));
        else if (draw < share.bad + share.repeats + share.late && known !== undefined && known.version > 1)
          chosen.push({ ...known, version: chance.between(1, known.version - 1) });
        else if (draw < share.bad + share.repeats + share.late + share.updates && known !== undefined) {
          // Several versions of one record, all in this round: the order of arrival must not matter.
          for (let n = chance.between(1, 3); n > 0; n -= 1) {
            const next = { ...known, version: (highest.get(`${known.type} ${known.id}`)?.version ?? 0) + 1 };
            remember(next);
            chosen.push(next);
          }
        } else {
          const what = fresh(typeOf(chance), draw < 100 - share.versioned ? 0 : 1);
          remember(what);
          chosen.push(what);
        }
      }
      const order = chance.shuffle(chosen);
      return order.map((what, i) =>
        'kind' in what ? bad(what.type, what.kind, `r${round}-${i}`) : good(what, `r${round}-${i}`),
      );
    },
    bodyOf,
  };
}
