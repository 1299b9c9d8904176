/** What every run needs: servers, whose processes they are, and what was set for the run. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { graphinator, keysOf, readConfig, tableinator } from '@inator/config';
import { resolveServers, type ServerKind } from '@inator/stack';
import { serverPid } from './measure/owner.ts';
import { leaveEmpty, refuseFilledGraph } from './stores/graph.ts';

export type Environment = Readonly<Record<string, string>>;
export type ServiceName = 'tableinator' | 'graphinator';
/** `batches`: from the end of a consumer's first batch to the end of its last. `queue`: from the start of consuming. */
export type ClockName = 'batches' | 'queue';

export interface World {
  /** How to reach the servers, under the product's names. */
  readonly env: Environment;
  readonly say: (line: string) => void;
  readonly clock: ClockName;
  /** Records at the start of every run that the clock does not count; undefined: a share of them, see `leadInRecords`. */
  readonly leadIn: number | undefined;
  /** The consumers keep a profile of their processor time; that slows them a little. */
  readonly profiled: boolean;
  /** Main processes of the servers, where they can be told. */
  readonly pids: Readonly<Partial<Record<ServerKind, number>>>;
  /** Aborts when the run is interrupted. */
  readonly signal: AbortSignal;
}

export interface WorldOptions extends Pick<World, 'say' | 'clock' | 'leadIn' | 'profiled' | 'signal'> {
  readonly want: readonly ServerKind[];
  /** Delete the domain's nodes from a graph that the environment names, even when it is not empty. */
  readonly emptyGraph: boolean;
}

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The servers that the environment names, or private ones for this run. */
export async function withServers<T>(options: WorldOptions, run: (world: World) => Promise<T>): Promise<T> {
  const { want, say, clock, leadIn, profiled, signal } = options;
  const dir = mkdtempSync(join(tmpdir(), 'inator-bench-'));
  chmodSync(dir, 0o711);
  const { servers, env, remove } = await resolveServers({
    env: process.env,
    want,
    dir,
    ownedByParent: true,
    ephemeral: true,
    report: say,
  });
  try {
    const pids: Partial<Record<ServerKind, number>> = {};
    for (const server of Object.values(servers)) {
      const pid = server.runs === 'container' ? undefined : (server.pid() ?? serverPid(server.url));
      if (pid !== undefined) pids[server.kind] = pid;
      else
        say(`${server.kind}: its process is not on this machine or not ours to see; its CPU and memory are left out`);
    }
    const world: World = { env, say, clock, leadIn, profiled, pids, signal };
    if (servers.neo4j?.runs !== 'given') return await run(world);
    if (!options.emptyGraph) await refuseFilledGraph(env);
    try {
      return await run(world);
    } finally {
      await leaveEmpty(env);
    }
  } finally {
    await remove();
    rmSync(dir, { recursive: true, force: true });
  }
}

export type Machine = Readonly<Record<string, string | number>>;

/** What a figure was measured on. */
export function machine(): Machine {
  return {
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
    commit: commit(),
  };
}

function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '-uno') === '' ? '' : ' and changes');
  } catch {
    return 'unknown';
  }
}

export const uniquePrefix = (): string => `bench${randomBytes(3).toString('hex')}`;

/** Settings of the services that say how they work, not where: these pass from our environment to theirs. */
const tunable =
  /^(POSTGRES_(BATCH|WRITE|POOL|GIN|STATEMENT|LOCK)|NEO4J_(BATCH|WRITERS)|BATCH_|RABBITMQ_PREFETCH$|MAX_RECORD_|BRAKE_|SEQ_|PURGE_)/;
const specs = { tableinator, graphinator } as const;

export function knownSettings(service: ServiceName): readonly string[] {
  return keysOf(specs[service].groups).map(({ name }) => name);
}

/** `POSTGRES_WRITERS=1 npm run bench -- tableinator`: what was set for this run. */
export function handedThrough(service: ServiceName): Record<string, string> {
  return Object.fromEntries(
    knownSettings(service).flatMap((name) => {
      const value = process.env[name];
      return tunable.test(name) && value !== undefined && value !== '' ? [[name, value]] : [];
    }),
  );
}

/** The value in force of a numeric setting: as handed through, else the service's default. */
export function settingOf(service: ServiceName, name: string): number {
  // Of one type, as the runs are: what is worked out depends on how many there are.
  const given = { DATA_TYPES: 'releases', ...handedThrough(service) };
  const result = service === 'tableinator' ? readConfig(tableinator, given) : readConfig(graphinator, given);
  const setting = 'ok' in result ? result.ok.settings.find((one) => one.name === name) : undefined;
  const value = Number(setting?.value);
  if (Number.isFinite(value) && setting !== undefined) return value;
  throw new Error(`${name} is no numeric setting of ${service}, or one of the settings given is wrong`);
}
