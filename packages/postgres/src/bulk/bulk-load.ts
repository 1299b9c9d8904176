/**
 * The mode of an initial load: a table without its secondary indices, which are made again afterwards exactly as they
 * were. Entered and left on an operator's word only.
 *
 *     in use ──begin()──▶ loading ──end()──▶ restoring ──▶ in use
 *
 * What must stay true: a definition is committed no later than its drop; it is forgotten no sooner than the index is
 * back; whoever begins, loads or ends has the table's advisory lock, so that only one of them is at work.
 */
import { delay, failpoint, failpointsArmed } from '@inator/runtime';
import { classify } from '../faults/classify.ts';
import type { Lease } from '../pool/lease.ts';
import type { LeaseOptions, Postgres } from '../pool/pool.ts';
import { qualified } from '../table/names.ts';
import { type IndexDefinition, readIndexes, searchPath } from './indexes.ts';
import { createLoadMemory, type Load } from './memory.ts';
import { BulkLoadRefused } from './refused.ts';
import { restoreIndex } from './restore.ts';

export interface BulkLoadOptions {
  /** Told of every index by name, as it is dropped, restored or found in the way. */
  readonly say?: ((note: BulkNote) => void) | undefined;
  /** Consumers attached to the queue that feeds the table; any at all refuses `begin`. */
  readonly consumers?: ((table: string) => Promise<number>) | undefined;
  /** How long `begin` watches the tables for traffic, in milliseconds. Default 2,000: sessions report once a second. */
  readonly watchMs?: number | undefined;
}

export interface BulkNote {
  readonly is: 'dropped' | 'kept' | 'not-dropped' | 'restored' | 'repaired' | 'not-restored';
  readonly table: string;
  readonly index: string;
  /** Why, for what was not done. */
  readonly reason?: string;
}

export interface BulkLoad {
  /**
   * Drops the secondary indices of the tables; resolves with the names that are dropped, by table, those of a load that
   * was begun before included. Rejects with `BulkLoadRefused`, and then the table named in it is as it was.
   */
  begin(tables: readonly string[]): Promise<Readonly<Record<string, readonly string[]>>>;
  /** Makes dropped indices again: of these tables, or of all. Resolves with the names that are back and those that are not. */
  end(tables?: readonly string[]): Promise<readonly Ended[]>;
  status(): Promise<readonly (Load & { readonly missing: readonly string[] })[]>;
}

export interface Ended {
  readonly table: string;
  readonly restored: readonly string[];
  readonly failed: readonly { readonly index: string; readonly reason: string }[];
}

/** A table in use keeps us waiting; so does a maintenance job, and nobody shall queue behind us for long. */
const lockTimeoutMs = 2_000;
/** Building an index of the largest table took well under this. */
const building: LeaseOptions = { statementTimeoutMs: 12 * 3_600_000 };

/** Text whose hash is the advisory lock of a table's load. */
export function loadLock(schema: string, table: string): string {
  return `inator bulk-load ${schema} ${table}`;
}

export function createBulkLoad(postgres: Postgres, options: BulkLoadOptions = {}): BulkLoad {
  const { schema } = postgres.settings;
  const memory = createLoadMemory(postgres);
  const say = options.say ?? (() => undefined);

  const transact = async <T>(work: (lease: Lease) => Promise<T>, limits?: LeaseOptions): Promise<T> => {
    const inside = async (lease: Lease): Promise<T> => {
      await lease.query(
        [
          postgres.begin,
          `SET LOCAL lock_timeout = ${lockTimeoutMs}`,
          `SET LOCAL search_path = ${searchPath}`,
          ...(limits?.statementTimeoutMs === undefined
            ? []
            : [`SET LOCAL statement_timeout = ${limits.statementTimeoutMs}`]),
        ].join('; '),
      );
      const result = await work(lease);
      await lease.query('COMMIT');
      return result;
    };
    return postgres.lease(inside, undefined, limits).catch((error: unknown) => {
      throw error instanceof BulkLoadRefused ? error : classify(error);
    });
  };

  const alone = async (lease: Lease, table: string): Promise<void> => {
    const { rows } = await lease.query<{ ours: boolean }>(
      'SELECT pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended($1, 0)) AS ours',
      [loadLock(schema, table)],
    );
    if (rows[0]?.ours !== true) {
      throw new BulkLoadRefused(table, 'a tableinator loads it, or another command is at work: stop it first');
    }
  };

  /** Sessions that have the table in hand at this moment, besides ours. */
  const refuseInUse = async (lease: Lease, table: string, oid: number): Promise<void> => {
    const { rows } = await lease.query<{ who: string }>(
      `SELECT DISTINCT 'session ' || a.pid || coalesce(' (' || nullif(a.application_name, '') || ')', '') AS who
       FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
       WHERE l.relation = $1 AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
         AND l.pid <> pg_catalog.pg_backend_pid() AND a.backend_type IS DISTINCT FROM 'autovacuum worker'`,
      [oid],
    );
    if (rows.length > 0) throw new BulkLoadRefused(table, `${rows.map(({ who }) => who).join(', ')} has it in use`);
  };

  /** Between two batches nobody holds a lock, but the server's counters of the table move. */
  const refuseTraffic = async (tables: readonly string[]): Promise<void> => {
    const count = async (): Promise<ReadonlyMap<string, string>> => {
      const { rows } = await postgres.query<{ table: string; work: string }>(
        `SELECT relname AS "table", (n_tup_ins + n_tup_upd + n_tup_del + coalesce(idx_scan, 0))::text AS work
         FROM pg_catalog.pg_stat_all_tables WHERE schemaname = $1 AND relname = ANY ($2)`,
        [schema, tables],
      );
      return new Map(rows.map(({ table, work }) => [table, work]));
    };
    const before = await count();
    await delay(options.watchMs ?? 2_000);
    const after = await count();
    const busy = tables.find((table) => before.get(table) !== after.get(table));
    if (busy !== undefined) throw new BulkLoadRefused(busy, 'somebody reads or writes it right now');
  };

  const dropOne = async (lease: Lease, table: string, index: IndexDefinition): Promise<boolean> => {
    await lease.query('SAVEPOINT one');
    try {
      await memory.keep(lease, table, index);
      await lease.query(`DROP INDEX ${qualified(schema, index.name)}`);
      await lease.query('RELEASE SAVEPOINT one');
      return true;
    } catch (error) {
      await lease.query('ROLLBACK TO SAVEPOINT one');
      say({ is: 'not-dropped', table, index: index.name, reason: classify(error).message });
      return false;
    }
  };

  /** The table's oid, when it may be loaded: a plain one, our role's, and in nobody's hand. */
  const check = async (lease: Lease, table: string): Promise<number> => {
    const { rows } = await lease.query<{ oid: string; kind: string; owned: boolean }>(
      `SELECT c.oid, c.relkind AS kind, pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owned
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = $1 AND c.relname = $2`,
      [schema, table],
    );
    const [found] = rows;
    if (found === undefined) {
      throw new BulkLoadRefused(table, `there is none in schema "${schema}": start tableinator once, it creates it`);
    }
    if (found.kind !== 'r') throw new BulkLoadRefused(table, 'it is no plain table');
    if (!found.owned) throw new BulkLoadRefused(table, 'it belongs to another role, which alone may drop its indices');
    const oid = Number(found.oid);
    await refuseInUse(lease, table, oid);
    return oid;
  };

  const beginOne = (table: string): Promise<readonly string[]> =>
    transact(async (lease) => {
      await alone(lease, table);
      const load = (await memory.loads(lease)).find((each) => each.table === table);
      if (load !== undefined) return (await memory.dropped(lease, table)).map(({ name }) => name);
      const oid = await check(lease, table);
      try {
        await lease.query(`LOCK TABLE ${qualified(schema, table)} IN ACCESS EXCLUSIVE MODE`);
      } catch (error) {
        throw new BulkLoadRefused(
          table,
          `it could not be locked within ${lockTimeoutMs} ms: ${classify(error).message}`,
        );
      }
      const dropped: string[] = [];
      for (const { valid: _, kept, ...index } of await readIndexes(lease, oid)) {
        if (kept !== null) say({ is: 'kept', table, index: index.name, reason: kept });
        else if (await dropOne(lease, table, index)) dropped.push(index.name);
        if (failpointsArmed) await failpoint('drop-index');
      }
      await memory.begin(lease, table);
      return dropped;
    });

  const endOne = async (table: string): Promise<Ended> => {
    const missing = await transact(async (lease) => {
      await alone(lease, table);
      await memory.restoring(lease, table);
      return memory.dropped(lease, table);
    });
    const restored: string[] = [];
    const failed: { readonly index: string; readonly reason: string }[] = [];
    for (const index of missing) {
      try {
        const was = await transact(async (lease) => {
          await alone(lease, table);
          const how = await restoreIndex(lease, schema, table, index);
          await memory.forget(lease, table, index.name);
          return how;
        }, building);
        restored.push(index.name);
        say({ is: was, table, index: index.name });
        if (failpointsArmed) await failpoint('restore-index');
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        failed.push({ index: index.name, reason });
        say({ is: 'not-restored', table, index: index.name, reason });
      }
    }
    if (failed.length === 0) await transact((lease) => memory.end(lease, table));
    return { table, restored, failed };
  };

  const status: BulkLoad['status'] = () =>
    transact(async (lease) => {
      const loads = await memory.loads(lease);
      const all = [];
      for (const load of loads) {
        all.push({ ...load, missing: (await memory.dropped(lease, load.table)).map(({ name }) => name) });
      }
      return all;
    });

  return {
    status,
    async begin(tables) {
      for (const table of tables) {
        const consumers = (await options.consumers?.(table)) ?? 0;
        if (consumers > 0) {
          throw new BulkLoadRefused(table, `${consumers} consumers are attached to its queue: stop them first`);
        }
      }
      // All are looked at before the first loses anything.
      await transact(async (lease) => {
        for (const table of tables) await check(lease, table);
      });
      await postgres.lease((lease) => memory.prepare(lease));
      await refuseTraffic(tables);
      const dropped: Record<string, readonly string[]> = {};
      for (const table of tables) {
        const names = await beginOne(table);
        dropped[table] = names;
        for (const index of names) say({ is: 'dropped', table, index });
      }
      return dropped;
    },
    async end(tables) {
      const begun = (await status()).map(({ table }) => table);
      const ended: Ended[] = [];
      for (const table of begun) if (tables?.includes(table) ?? true) ended.push(await endOne(table));
      return ended;
    },
  };
}
