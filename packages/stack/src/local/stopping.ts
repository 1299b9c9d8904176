/** Ending a server in order, from the process that started it or from any other. */
import { rmSync } from 'node:fs';
import { type ServerKind, StackError } from '../server.ts';
import { portMapper } from './port-mapper.ts';
import { allGone, descendants, isAlive, killTree, signalTo, startToken, thawTree } from './processes.ts';
import { findRabbitmq } from './programs.ts';
import { readRecord, runningPid, writeRecord } from './record.ts';

/** What each takes as the request to end in order; for PostgreSQL it is the fast shutdown, which ends its sessions. */
const signals: Readonly<Record<ServerKind, NodeJS.Signals>> = {
  rabbitmq: 'SIGTERM',
  postgres: 'SIGINT',
  neo4j: 'SIGTERM',
};

/** Milliseconds they may take for it; a busy machine needs a tenth of that. */
const stopTimeoutMs = 60_000;
/** Milliseconds until processes that were killed must be gone. */
const killTimeoutMs = 10_000;

/** Asks the server to end and, when it does not, kills it; resolves with which it was when no process of it is left. */
export async function stopTree(kind: ServerKind, pid: number): Promise<'stopped' | 'killed'> {
  const all = [pid, ...descendants(pid)].map((one) => ({ one, token: startToken(one) }));
  const pids = all.map(({ one }) => one);
  thawTree(pid);
  signalTo(pid, signals[kind]);
  if (await allGone(pids, stopTimeoutMs)) return 'stopped';
  if (isAlive(pid)) await killServer(kind, pid);
  // Its children can outlive it, and nobody else would end them. The token keeps a stranger with the same id safe.
  for (const { one, token } of all) if (token !== undefined && startToken(one) === token) signalTo(one, 'SIGKILL');
  await allGone(pids, killTimeoutMs);
  return 'killed';
}

/** SIGKILL to everything of it; resolves when all of it is gone. */
export async function killServer(kind: ServerKind, pid: number): Promise<void> {
  if (await killTree(pid, killTimeoutMs)) return;
  throw new StackError(
    'stop-failed',
    'server',
    `${kind}: process ${pid} is still there ${killTimeoutMs} ms after SIGKILL`,
  );
}

/** Stops the server whose record is in `dir`; resolves with whether one was running. `purge` deletes its data too. */
export async function stopRecorded(kind: ServerKind, dir: string, purge: boolean): Promise<boolean> {
  const record = readRecord(dir);
  if (record === undefined) return false;
  const pid = runningPid(record);
  if (pid !== undefined) await stopTree(kind, pid);
  const { pid: _pid, token: _token, ...kept } = record;
  writeRecord(dir, kept);
  const epmd = findRabbitmq()?.epmd;
  const port = record.ports.epmd;
  if (epmd !== undefined && port !== undefined)
    await portMapper({ epmd, port, env: withoutErlang(), owned: false }).stop();
  if (purge) for (const folder of [...(record.dataDirs ?? []), dir]) rmSync(folder, { recursive: true, force: true });
  return pid !== undefined;
}

function withoutErlang(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([key]) => !key.startsWith('ERL_')) as [string, string][];
  return Object.fromEntries(kept);
}
