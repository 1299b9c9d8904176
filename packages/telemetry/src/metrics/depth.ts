/** How many messages wait in each queue: asked for when somebody scrapes, seldom, and never waited for long. */
import { within } from '@inator/runtime';

export interface DepthSource {
  readonly name: string;
  depth(): Promise<number | undefined>;
}

export interface Depths {
  add(source: DepthSource): void;
  /** Asks again where the answers are old; resolves within the deadline with what is known. */
  read(): Promise<ReadonlyMap<string, number>>;
}

interface Asked {
  readonly source: DepthSource;
  at: number;
  busy: boolean;
  depth: number | undefined;
}

export interface DepthOptions {
  /** At most so often. Default 5,000 ms. */
  readonly everyMs?: number;
  /** How long a scrape waits. Default 1,000 ms: a scrape as a whole is promised within two seconds. */
  readonly waitMs?: number;
}

export function createDepths({ everyMs = 5_000, waitMs = 1_000 }: DepthOptions = {}): Depths {
  const all: Asked[] = [];
  const ask = async (asked: Asked): Promise<void> => {
    asked.at = performance.now();
    asked.busy = true;
    const answer = Promise.resolve()
      .then(() => asked.source.depth())
      .finally(() => {
        asked.busy = false;
      });
    try {
      asked.depth = await within(answer, waitMs, `depth of ${asked.source.name}`);
    } catch {
      // No value is better than one that may be hours old.
      asked.depth = undefined;
    }
  };
  return {
    add(source) {
      all.push({ source, at: Number.NEGATIVE_INFINITY, busy: false, depth: undefined });
    },
    async read() {
      const due = all.filter((asked) => !asked.busy && performance.now() - asked.at >= everyMs);
      await Promise.all(due.map(ask));
      return new Map(all.flatMap(({ source, depth }) => (depth === undefined ? [] : [[source.name, depth] as const])));
    },
  };
}
