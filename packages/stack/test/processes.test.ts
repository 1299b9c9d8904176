import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { withLock } from '../src/local/lock.ts';
import { freePort, rememberedPorts } from '../src/local/ports.ts';
import { descendants, freezeTree, isAlive, isStopped, killTree, startToken, thawTree } from '../src/local/processes.ts';
import { runTool } from '../src/local/tool.ts';
import { until } from '../src/wait.ts';
import { scratchFolder } from './scratch.ts';

const scratch = scratchFolder();
afterAll(() => scratch.remove());

/** A shell with two children, one of which has a child of its own. */
async function family(): Promise<{ pid: number; all: number[] }> {
  const pid = spawn('sh', ['-c', 'sleep 60 & sh -c "sleep 60; true" & wait'], { stdio: 'ignore' }).pid as number;
  await until(() => descendants(pid).length === 3, { timeoutMs: 10_000 });
  return { pid, all: [pid, ...descendants(pid)] };
}

describe('a tree of processes', () => {
  it('is frozen, let go on and killed as a whole', async () => {
    const { pid, all } = await family();
    expect(all).toHaveLength(4);
    await freezeTree(pid);
    expect(all.map(isStopped)).toEqual([true, true, true, true]);
    thawTree(pid);
    expect(await until(() => !all.some(isStopped), { timeoutMs: 5_000 })).toBe(true);
    expect(await killTree(pid, 5_000)).toBe(true);
    expect(all.filter(isAlive)).toEqual([]);
    expect(startToken(pid)).toBeUndefined();
  });
});

describe('a tool', () => {
  it('has a deadline, though a child that it left behind holds its outputs open', async () => {
    const began = performance.now();
    const running = runTool('sh', ['-c', 'echo started; sleep 6 & exec sleep 6'], { timeoutMs: 300 });
    await expect(running).rejects.toThrow(/did not end within 300 ms:\nstarted$/);
    expect(performance.now() - began).toBeLessThan(4_000);
  });
});

describe('a lock', () => {
  it('lets one in at a time', async () => {
    const file = join(scratch.path, 'one');
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      inside++;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    };
    await Promise.all([1, 2, 3].map(() => withLock(file, { timeoutMs: 10_000 }, work)));
    expect(most).toBe(1);
    expect(existsSync(file)).toBe(false);
  });

  it('is taken over from a holder that has died, and not from one that lives', async () => {
    const file = join(scratch.path, 'dead');
    writeFileSync(file, '999999999 0');
    expect(await withLock(file, { timeoutMs: 1_000 }, async () => readFileSync(file, 'utf8'))).toMatch(
      new RegExp(`^${process.pid} `),
    );
    writeFileSync(file, `${process.pid} ${startToken(process.pid)}`);
    await expect(withLock(file, { timeoutMs: 300 }, async () => {})).rejects.toThrow(/held/);
  });
});

describe('ports', () => {
  it('lie below those of outgoing connections, where a client could be given the port of a server that is down', async () => {
    const first = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/)[0]);
    const port = await freePort();
    if (first > 11_000) expect(port).toBeLessThan(first);
    expect(port).toBeGreaterThan(1_023);
  });

  it('are all different, and the one asked for is kept', async () => {
    const ports = await rememberedPorts(scratch.path, ['main', 'a', 'b', 'c'], 23_456);
    expect(ports.main).toBe(23_456);
    expect(new Set(Object.values(ports)).size).toBe(4);
  });
});

describe('a tool', () => {
  it('that fails is reported with its words, and one that hangs is ended', async () => {
    await expect(runTool('sh', ['-c', 'echo no such table >&2; exit 3'])).rejects.toThrow(
      /ended with 3:\nno such table/,
    );
    await expect(runTool('sleep', ['60'], { timeoutMs: 100 })).rejects.toThrow(/did not end within 100 ms/);
    await expect(runTool('no-such-program', [])).rejects.toMatchObject({ code: 'tool-failed' });
  });
});
