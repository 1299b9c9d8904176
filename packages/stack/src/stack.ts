/** The stack that stays up: started by one command, found and stopped by another. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stopContainer } from './containers/container-server.ts';
import { givenAccepts } from './given.ts';
import { accepts } from './local/probe.ts';
import { readRecord, runningPid } from './local/record.ts';
import { stopRecorded } from './local/stopping.ts';
import { type ResolvedServers, type ResolveOptions, resolveServers } from './resolve.ts';
import { type Report, type ServerKind, serverKinds } from './server.ts';

export interface StackState {
  readonly servers: readonly {
    readonly kind: ServerKind;
    readonly runs: 'local' | 'container' | 'given';
    readonly url: string;
    readonly port: number;
    readonly pid?: number;
    readonly dir?: string;
  }[];
  /** The variables to hand to the services. */
  readonly env: Readonly<Record<string, string>>;
}

export interface ServerStatus {
  readonly kind: ServerKind;
  readonly runs: 'local' | 'container' | 'given';
  readonly url: string;
  readonly port: number;
  readonly pid: number | undefined;
  /** Its process runs, as far as that can be told, and its port accepts connections. */
  readonly up: boolean;
}

const stateFile = 'state.json';

/** Brings up what `want` names and leaves it up when this process ends; what runs already is taken as it is. */
export async function stackUp(options: Omit<ResolveOptions, 'ownedByParent' | 'ephemeral'>): Promise<ResolvedServers> {
  const found = await resolveServers({ ...options, ownedByParent: false, ephemeral: false });
  writeState(options.dir, {
    servers: Object.values(found.servers).map((server) => {
      const pid = server.pid();
      return {
        kind: server.kind,
        runs: server.runs,
        url: server.url,
        port: server.port,
        ...(pid === undefined ? {} : { pid }),
        ...(server.dir === undefined ? {} : { dir: server.dir }),
      };
    }),
    env: found.env,
  });
  return found;
}

/** Stops what runs in `dir`, whoever started it, and resolves with the kinds stopped. The data stays, unless `purge`. */
export async function stackDown(options: {
  readonly dir: string;
  readonly purge?: boolean;
  readonly report?: Report;
}): Promise<ServerKind[]> {
  const { purge = false, report = () => {} } = options;
  const dir = resolve(options.dir);
  const stopped = await Promise.all(
    serverKinds.map(async (kind) => {
      const was = await Promise.all([
        stopRecorded(kind, join(dir, kind), purge),
        existsSync(join(dir, `${kind}-container`)) ? stopContainer(kind, join(dir, `${kind}-container`), purge) : false,
      ]);
      if (was.includes(true)) report(`${kind}: stopped${purge ? ', its data deleted' : ''}`);
      return was.includes(true);
    }),
  );
  rmSync(join(dir, stateFile), { force: true });
  return serverKinds.filter((_, index) => stopped[index]);
}

/** What `stackUp` has brought up in `dir`, and whether it is up now; empty when nothing was. */
export async function stackStatus({ dir }: { readonly dir: string }): Promise<ServerStatus[]> {
  const state = readState(dir);
  return Promise.all(
    (state?.servers ?? []).map(async (server) => {
      const pid = server.runs === 'local' ? runningPid(readRecord(server.dir ?? '')) : server.pid;
      const { kind, runs, url, port } = server;
      if (runs === 'given') return { kind, runs, url, port, pid, up: await givenAccepts(kind, state?.env ?? {}) };
      const lives = runs !== 'local' || pid !== undefined;
      return { kind, runs, url, port, pid, up: lives && (await accepts(port)) };
    }),
  );
}

/** The state that `stackUp` left in `dir`; undefined when there is none. */
export function readState(dir: string): StackState | undefined {
  try {
    return JSON.parse(readFileSync(join(dir, stateFile), 'utf8')) as StackState;
  } catch {
    return undefined;
  }
}

function writeState(dir: string, state: StackState): void {
  mkdirSync(dir, { recursive: true });
  const next = join(dir, `${stateFile}.${process.pid}`);
  // It holds passwords.
  writeFileSync(next, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(next, join(dir, stateFile));
}
