import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { listeningInodes, listeningOwner, serverPid } from '../src/measure/owner.ts';
import { descendants, treeUsage, usageOf } from '../src/measure/usage.ts';

const linux = process.platform === 'linux' ? describe : describe.skip;

/** A made-up /proc: process 10 listens, 11 is its child and shares the socket, 20 is somebody else. */
let proc: string;

const header = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const line = (port: string, state: string, inode: number): string =>
  `   0: 0100007F:${port} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 0 100 0`;

function addProcess(
  pid: number,
  parent: number,
  inodes: readonly number[],
  ticks = [0, 0, 0, 0],
  name = 'postgres',
): void {
  const folder = join(proc, String(pid));
  mkdirSync(join(folder, 'fd'), { recursive: true });
  for (const [i, inode] of inodes.entries()) symlinkSync(`socket:[${inode}]`, join(folder, 'fd', String(i)));
  writeFileSync(join(folder, 'comm'), `${name}\n`);
  writeFileSync(
    join(folder, 'stat'),
    `${pid} (a (strange) name) S ${parent} 0 0 0 0 0 0 0 0 0 ${ticks.join(' ')} 0 0\n`,
  );
  writeFileSync(
    join(folder, 'status'),
    'VmHWM:\t  40960 kB\nRssAnon:\t   2048 kB\nRssFile:\t   9999 kB\nRssShmem:\t   4096 kB\n',
  );
}

beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'bench-proc-'));
  mkdirSync(join(proc, 'net'));
  // 5432 is 1538 in hexadecimal, 5433 is 1539; 0A listens, 01 is an established connection.
  writeFileSync(join(proc, 'net/tcp'), [header, line('1538', '0A', 111), line('1538', '01', 222), ''].join('\n'));
  writeFileSync(join(proc, 'net/tcp6'), [header, line('1539', '0A', 333), ''].join('\n'));
  addProcess(10, 1, [999, 111], [100, 50, 30, 20]);
  addProcess(11, 10, [111], [10, 5, 0, 0]);
  addProcess(12, 11, [], [1, 1, 1, 1]);
  addProcess(20, 1, [222], [7, 7, 7, 7]);
  addProcess(30, 1, [333], [0, 0, 0, 0], 'docker-proxy');
});
afterEach(() => rmSync(proc, { recursive: true, force: true }));

describe('the owner of a port', () => {
  it('is read from the sockets that listen, not from those that are connected', () => {
    expect(listeningInodes([header, line('1538', '0A', 111), line('1538', '01', 222)].join('\n'), 5432)).toEqual([
      '111',
    ]);
    expect(listeningInodes('', 5432)).toEqual([]);
  });

  it('is the process above the others that share the socket', () => {
    expect(listeningOwner(5432, proc)).toBe(10);
    expect(serverPid('postgresql://u:p@127.0.0.1:5432/db', proc)).toBe(10);
    expect(serverPid('bolt://localhost:5432', proc)).toBe(10);
  });

  it('is unknown on another machine, behind a forwarder of containers, and where nothing listens', () => {
    expect(serverPid('postgresql://db.example.org:5432/db', proc)).toBeUndefined();
    expect(listeningOwner(5433, proc)).toBeUndefined();
    expect(listeningOwner(5434, proc)).toBeUndefined();
    expect(listeningOwner(5432, join(proc, 'nothing'))).toBeUndefined();
    expect(serverPid('no url', proc)).toBeUndefined();
  });
});

describe('what processes use', () => {
  it('counts children that live and children that have ended', () => {
    expect(descendants(10, proc)).toEqual([11, 12]);
    // 100 + 50 and 30 + 20 of ended children, 10 + 5, 1 + 1 + 1 + 1: 219 ticks of 10 ms.
    expect(treeUsage(10, proc)?.cpuSeconds).toBeCloseTo(2.19);
  });

  it('counts private memory of all, shared memory once, and no mapped files', () => {
    expect(treeUsage(10, proc)?.memoryMiB).toBeCloseTo((3 * 2048 + 4096) / 1024);
    expect(usageOf(10, proc)).toEqual({ cpuSeconds: 1.5, memoryMiB: 6, peakMiB: 40 });
  });

  it('is undefined for a process that is gone', () => {
    expect(usageOf(99, proc)).toBeUndefined();
    expect(treeUsage(99, proc)).toBeUndefined();
  });
});

linux('on this machine', () => {
  it('finds this very process by the port it listens on', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    expect(listeningOwner(port)).toBe(process.pid);
    await new Promise((resolve) => server.close(resolve));
    expect(listeningOwner(port)).toBeUndefined();
  });

  it('keeps the processor time of a child after the child has ended', async () => {
    const script =
      'const { spawnSync } = require("child_process"); spawnSync(process.execPath, ["-e", "const end = Date.now() + 400; while (Date.now() < end);"]); console.log("done"); setInterval(() => {}, 1000)';
    const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await new Promise((resolve) => parent.stdout.once('data', resolve));
      const pid = parent.pid ?? 0;
      const alone = usageOf(pid)?.cpuSeconds ?? 0;
      expect(descendants(pid)).toEqual([]);
      // How much of its 400 ms the child was given depends on the machine; none of it is in the parent's own time.
      expect(treeUsage(pid)?.cpuSeconds ?? 0).toBeGreaterThan(alone + 0.02);
    } finally {
      parent.kill('SIGKILL');
      await new Promise((resolve) => parent.once('exit', resolve));
    }
  });
});
