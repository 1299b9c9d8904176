/**
 * When a record can first be read in the store.
 *
 * In PostgreSQL a trigger notifies of every new row: the server delivers it when the transaction has committed, so nothing
 * is asked again and again and nothing rounds the times. It costs the write path one notification a record, which at the
 * rates of a trickle is nothing. Neo4j tells nobody: there a loop asks for the keys that are still missing, and its pause,
 * 5 ms, is how exact those figures are.
 */
import pg from 'pg';
import { openGraph } from '../stores/graph.ts';
import { createTable, dropSchema, sql } from '../stores/table.ts';
import type { Environment, World } from '../world.ts';
import { graphHolding } from './graph-runs.ts';

export interface Sightings {
  /** A record is on its way. */
  sent(key: string): void;
  /** When each key was seen first, `performance.now()`. */
  readonly seen: ReadonlyMap<string, number>;
  /** Resolves when so many were seen; rejects when none more is for a minute. */
  until(count: number): Promise<void>;
  /** What the service needs to write where we look. */
  readonly env: Environment;
  close(): Promise<void>;
}

export const type = 'releases';
const pauseMs = 5;
const stallMs = 60_000;

export async function watchTable({ env }: World, prefix: string): Promise<Sightings> {
  await createTable(env, prefix, type, { indices: 'all' });
  await sql(
    env,
    `CREATE FUNCTION "${prefix}".tell() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN PERFORM pg_notify('${prefix}', new.data_id); RETURN NULL; END $$;
     CREATE TRIGGER tell AFTER INSERT ON "${prefix}"."${type}" FOR EACH ROW EXECUTE FUNCTION "${prefix}".tell()`,
  );
  const seen = new Map<string, number>();
  const client = new pg.Client(env.POSTGRES_URL);
  let failed: unknown;
  client.on('error', (error) => {
    failed = error;
  });
  client.on('notification', ({ payload }) => {
    if (payload !== undefined && !seen.has(payload)) seen.set(payload, performance.now());
  });
  await client.connect();
  await client.query(`LISTEN ${prefix}`);
  return {
    env: { POSTGRES_SCHEMA: prefix },
    sent: () => {},
    seen,
    until: (count) => reached(seen, count, () => failed),
    async close() {
      await client.end();
      await dropSchema(env, prefix);
    },
  };
}

export async function watchGraph(world: World): Promise<Sightings> {
  await graphHolding(world, 0, undefined);
  const neo4j = openGraph(world.env);
  const seen = new Map<string, number>();
  const missing = new Set<string>();
  let failed: unknown;
  let isOver = false;
  const look = async (): Promise<void> => {
    while (!isOver) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      if (missing.size === 0) continue;
      const transaction = await neo4j.begin();
      const { rows } = await transaction.run(
        'UNWIND $p.keys AS key MATCH (n:Release {id: key}) WHERE n.sha256 IS NOT NULL RETURN collect(key) AS keys',
        { p: { keys: [...missing] } },
      );
      const now = performance.now();
      await transaction.rollback();
      for (const key of (rows[0]?.keys ?? []) as readonly string[]) if (missing.delete(key)) seen.set(key, now);
    }
  };
  const looking = look().catch((error: unknown) => {
    failed = error;
  });
  return {
    env: {},
    sent: (key) => void missing.add(key),
    seen,
    until: (count) => reached(seen, count, () => failed),
    async close() {
      isOver = true;
      await looking;
      await neo4j.close();
    },
  };
}

/** Looking at a map in memory costs nothing, and decides no figure: the times are in it. */
async function reached(seen: ReadonlyMap<string, number>, count: number, failure: () => unknown): Promise<void> {
  let last = { size: seen.size, at: performance.now() };
  while (seen.size < count) {
    if (failure() !== undefined) throw failure();
    if (seen.size > last.size) last = { size: seen.size, at: performance.now() };
    if (performance.now() - last.at > stallMs)
      throw new Error(`only ${seen.size} of ${count} records were to be read, and none more for ${stallMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
