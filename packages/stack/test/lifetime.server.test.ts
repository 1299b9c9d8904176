// Who starts a server and who ends it: the owner's death, a stack that stays up, records of servers that are gone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { resolveServers, stackDown, stackStatus, stackUp, startPostgres } from '../src/index.ts';
import { isAlive } from '../src/local/processes.ts';
import { readRecord, writeRecord } from '../src/local/record.ts';
import { until } from '../src/wait.ts';
import { type Scratch, scratchFolder } from './scratch.ts';

const built = new URL('../dist/index.js', import.meta.url).href;
const local = { INATOR_STACK: 'local' };
let scratch: Scratch;

beforeAll(() => {
  scratch = scratchFolder();
});
afterAll(() => scratch.remove());

describe('a server that its parent owns', () => {
  it('ends when the parent is killed, frozen or not, and its data with it', async () => {
    const dir = join(scratch.path, 'owned', 'postgres');
    const parent = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { startPostgres } from ${JSON.stringify(built)};
         const server = await startPostgres({ dir: ${JSON.stringify(dir)}, ownedByParent: true, ephemeral: true });
         await server.pause();
         console.log(server.pid());
         setInterval(() => {}, 1000);`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [printed] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(printed.toString());
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    expect(await until(() => !isAlive(pid) && !existsSync(dir), { timeoutMs: 20_000 })).toBe(true);
  }, 120_000);
});

describe('a stack that stays up', () => {
  it('is found, not started twice, by the next one, and stopped by whoever asks', async () => {
    const dir = join(scratch.path, 'stack');
    const options = { env: local, want: ['postgres'] as const, dir };
    const first = await stackUp(options);
    const second = await stackUp(options);
    expect(first.servers.postgres?.attached).toBe(false);
    expect(second.servers.postgres?.attached).toBe(true);
    expect(second.env).toEqual(first.env);
    expect(second.servers.postgres?.pid()).toBe(first.servers.postgres?.pid());
    expect(await stackStatus({ dir })).toMatchObject([{ kind: 'postgres', runs: 'local', up: true }]);

    // What it attached to is not the second one's to stop.
    await second.stop();
    const pid = first.servers.postgres?.pid() as number;
    expect(isAlive(pid)).toBe(true);

    expect(await stackDown({ dir })).toEqual(['postgres']);
    expect(isAlive(pid)).toBe(false);
    expect(await stackDown({ dir })).toEqual([]);
    expect(await stackStatus({ dir })).toEqual([]);

    const again = await stackUp(options);
    expect(again.env).toEqual(first.env);
    await stackDown({ dir, purge: true });
    expect(existsSync(join(dir, 'postgres'))).toBe(false);
  }, 180_000);

  it('is started once when two processes ask at the same moment', async () => {
    const options = { env: local, want: ['postgres'] as const, dir: join(scratch.path, 'both') };
    const [one, other] = await Promise.all([resolveServers(options), resolveServers(options)]);
    expect(one.servers.postgres?.pid()).toBe(other.servers.postgres?.pid());
    expect([one, other].filter((it) => it.servers.postgres?.attached === true)).toHaveLength(1);
    await stackDown({ dir: options.dir, purge: true });
  }, 180_000);
});

describe('a record of a server that is gone', () => {
  it('is not mistaken for one that runs, even when another process has its id', async () => {
    const dir = join(scratch.path, 'stale');
    const server = await startPostgres({ dir, ownedByParent: true });
    const { port } = server;
    await server.kill();
    writeRecord(dir, { ...readRecord(dir), ports: { main: port }, pid: process.pid, token: 'another time' });
    const next = await startPostgres({ dir, ownedByParent: true });
    expect(next.attached).toBe(false);
    expect(next.port).toBe(port);
    expect(next.pid()).not.toBe(process.pid);
    await next.remove();
    await server.remove();
  }, 120_000);
});
