/** Free ports on 127.0.0.1. */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { StackError } from '../server.ts';
import { readRecord, runningPid } from './record.ts';

/**
 * A port that nothing listens on, below the range that outgoing connections use. Inside that range a client that keeps
 * connecting to a stopped server can be given the server's own port: it then connects to itself, and the server cannot
 * come back.
 */
export async function freePort(taken: readonly number[] = []): Promise<number> {
  const [low, high] = range();
  for (let tries = 0; tries < 500; tries++) {
    const port = randomInt(low, high);
    if (!taken.includes(port) && (await isFree(port))) return port;
  }
  throw new StackError('start-failed', 'operator', `no free port on 127.0.0.1 between ${low} and ${high}`);
}

/**
 * The ports used with `dir` before, by purpose, so that addresses stay the same; free ones where there are none yet or
 * somebody else has taken them meanwhile. `main` is the one asked for, if one is.
 */
export async function rememberedPorts<P extends string>(
  dir: string,
  purposes: readonly P[],
  main?: number,
): Promise<Record<P, number>> {
  const record = readRecord(dir);
  const ours = runningPid(record) !== undefined;
  const found: Partial<Record<P, number>> = {};
  for (const purpose of purposes) {
    const before = purpose === 'main' && main !== undefined && !ours ? main : record?.ports[purpose];
    const keep = before !== undefined && (ours || before === main || (await isFree(before)));
    found[purpose] = keep ? before : await freePort(Object.values(found));
  }
  return found as Record<P, number>;
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function range(): [number, number] {
  try {
    const first = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/)[0]);
    if (first > 21_000) return [20_000, Math.min(first, 32_768)];
    if (first > 11_000) return [10_000, first];
  } catch {
    // Not Linux: the usual range there begins at 49,152.
  }
  return [20_000, 32_768];
}
