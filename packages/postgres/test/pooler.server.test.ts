/** Needs the program `pgbouncer` (or its path in TEST_PGBOUNCER); where there is none the tests are skipped. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@inator/testkit';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { describeTableSinks } from './support/contract.ts';
import { newPlace, serverUrl } from './support/place.ts';

const program = process.env.TEST_PGBOUNCER ?? 'pgbouncer';
const installed = spawnSync(program, ['--version']).status === 0;
if (!installed) console.warn('skipped: there is no pgbouncer on this machine (Debian: apt-get install pgbouncer)');

(installed ? describe : describe.skip)('behind a pooler in transaction mode with two server connections', () => {
  let dir: string;
  let port: number;
  let pooler: ChildProcess;

  beforeAll(async () => {
    port = await new Promise<number>((resolve) => {
      const probe = createServer().listen(0, '127.0.0.1', () => {
        const free = (probe.address() as AddressInfo).port;
        probe.close(() => resolve(free));
      });
    });
    dir = mkdtempSync(join(tmpdir(), 'pooler-'));
    chmodSync(dir, 0o755);
    const url = new URL(serverUrl);
    const password = url.password === '' ? '' : `password=${decodeURIComponent(url.password)}`;
    const server = `host=${url.hostname} port=${url.port || 5432} user=${url.username} ${password}`;
    writeFileSync(
      join(dir, 'pooler.ini'),
      `[databases]\n${url.pathname.slice(1)} = ${server}\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port=${port}\n` +
        'auth_type=any\nunix_socket_dir=\n' +
        'pool_mode=transaction\ndefault_pool_size=2\n',
    );
    const asUser = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    pooler = spawn(program, ['-q', ...asUser, join(dir, 'pooler.ini')], { stdio: 'ignore' });
    const answers = (): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1', () => resolve(true));
        socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
      });
    await until(answers, 'the pooler listens');
  });
  afterAll(() => {
    pooler.kill();
    rmSync(dir, { recursive: true, force: true });
  });

  describeTableSinks('the table sink', () => newPlace({ host: '127.0.0.1', port }));
});
