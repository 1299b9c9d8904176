/** What a sink must know of bulk loads when it opens: whether its table is being loaded, and that nobody else loads it. */
import type { Postgres } from '../pool/pool.ts';
import { misconfigured } from '../pool/settings.ts';
import { createBulkLoad, loadLock } from './bulk-load.ts';
import { createLoadMemory } from './memory.ts';

export interface Loading {
  /** The table is loaded: its indices are missing on purpose. */
  readonly on: boolean;
  /** Gives the table's lock back. */
  release(): Promise<void>;
}

const notLoading: Loading = { on: false, release: async () => undefined };

/**
 * In a load, takes the table for this process alone until `release`. Where ending a load was interrupted, restores what
 * is missing first. Rejects with `SinkError`.
 */
export async function enterLoading(
  postgres: Postgres,
  table: string,
  warn: (sentence: string) => void,
  signal: AbortSignal,
): Promise<Loading> {
  const memory = createLoadMemory(postgres);
  const loads = await postgres.lease((lease) => memory.loads(lease), signal);
  const load = loads.find((each) => each.table === table);
  if (load === undefined) return notLoading;
  if (load.state === 'restoring') {
    const bulk = createBulkLoad(postgres, {
      say: ({ is, index, reason }) =>
        warn(
          `bulk load of table ${table} was interrupted: index ${index} is ${is}${reason === undefined ? '' : `: ${reason}`}`,
        ),
    });
    await bulk.end([table]);
    return notLoading;
  }
  const release = await holdLock(postgres, table, signal);
  const since = load.since.toISOString();
  warn(`table ${table} is in bulk load since ${since}, without its indices: inator bulk-load end makes them again`);
  return { on: true, release };
}

/** A session of its own has the lock for as long as it lives: when this process dies, the lock is free. */
async function holdLock(postgres: Postgres, table: string, signal: AbortSignal): Promise<() => Promise<void>> {
  const lock = loadLock(postgres.settings.schema, table);
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let held: () => void = () => undefined;
  const taken = new Promise<void>((resolve) => {
    held = resolve;
  });
  const session = postgres.lease(async (lease) => {
    const { rows } = await lease.query<{ ours: boolean }>(
      'SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 0)) AS ours',
      [lock],
    );
    if (rows[0]?.ours !== true) {
      throw misconfigured(`table ${table} is in bulk load and another process has it: a load is made by one alone`);
    }
    held();
    await released;
    await lease.query('SELECT pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended($1, 0))', [lock]);
  });
  // A session that was lost has lost its lock by itself.
  const over = session.catch(() => undefined);
  await Promise.race([taken, session]);
  if (signal.aborted) release();
  return async () => {
    release();
    await over;
  };
}
