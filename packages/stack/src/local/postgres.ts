/** A private PostgreSQL: TCP on 127.0.0.1 only, passwords on, durability as it comes (fsync and synchronous_commit on). */
import { chownSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Server, ServerOptions } from '../server.ts';
import { type Account, dataFolder, unprivilegedAccount } from './account.ts';
import { startLocalServer } from './local-server.ts';
import { rememberedPorts } from './ports.ts';
import { answersPostgres } from './probe.ts';
import { postgresPrograms } from './programs.ts';
import { runTool } from './tool.ts';

/** As guarded as RabbitMQ's guest: known to everybody, and reachable from this machine only. */
export const postgresLogin = { user: 'inator', password: 'inator', database: 'inator' } as const;

/** Two services with pools of 50 each, what an operator connects besides, and room. */
const defaultSettings = { max_connections: '200' };

export async function startPostgres(options: ServerOptions): Promise<Server> {
  const { report = () => {}, name = 'postgres' } = options;
  const { bin } = await postgresPrograms(report);
  const dir = resolve(options.dir);
  const account = unprivilegedAccount();
  const folder = dataFolder(dir, account);
  const data = join(folder, 'data');
  const { main: port } = await rememberedPorts(dir, ['main'], options.port);
  const { user, password, database } = postgresLogin;
  const url = `postgresql://${user}:${password}@127.0.0.1:${port}/${database}`;
  const env = cleanEnvironment(options.env);

  return startLocalServer(
    {
      kind: 'postgres',
      name,
      dir,
      dataDirs: folder === dir ? [dir] : [folder, dir],
      ports: { main: port },
      url,
      env: { POSTGRES_URL: url },
      prepare: () => makeCluster({ bin, folder, data, account, env, ephemeral: options.ephemeral ?? false }),
      launch: () => ({
        command: join(bin, 'postgres'),
        args: [
          ...['-D', data, '-p', String(port)],
          ...settingsAsArguments({
            listen_addresses: '127.0.0.1',
            // No socket in the file system: its path may not be longer than 107 bytes.
            unix_socket_directories: '',
            ...defaultSettings,
            ...options.settings,
          }),
        ],
        env,
        cwd: folder,
        ...account,
      }),
      answers: () => answersPostgres(port, user, database),
      runTool: (tool, args) =>
        runTool(join(bin, tool), args, {
          env: {
            ...env,
            PGHOST: '127.0.0.1',
            PGPORT: String(port),
            PGUSER: user,
            PGPASSWORD: password,
            PGDATABASE: database,
          },
        }),
    },
    options,
  );
}

interface Cluster {
  readonly bin: string;
  readonly folder: string;
  readonly data: string;
  readonly account: Account | undefined;
  readonly env: Record<string, string>;
  readonly ephemeral: boolean;
}

/** Makes the cluster and its database under another name and renames it: a half-made one is never used. */
async function makeCluster({ bin, folder, data, account, env, ephemeral }: Cluster): Promise<void> {
  if (existsSync(data)) return;
  const { user, password, database } = postgresLogin;
  const making = `${data}.making`;
  const passwordFile = join(folder, 'password');
  rmSync(making, { recursive: true, force: true });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (account !== undefined) chownSync(passwordFile, account.uid, account.gid);
  await runTool(
    join(bin, 'initdb'),
    [
      ...['-D', making, '-U', user, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
      ...['--encoding=UTF8', '--locale=C', ...(ephemeral ? ['--no-sync'] : [])],
    ],
    { env, cwd: folder, ...account },
  );
  rmSync(passwordFile);
  await runTool(join(bin, 'postgres'), ['--single', '-D', making, '-c', 'exit_on_error=true', 'postgres'], {
    env,
    cwd: folder,
    input: `CREATE DATABASE ${database} OWNER ${user}\n`,
    ...account,
  });
  renameSync(making, data);
}

function settingsAsArguments(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
}

/** Without the PG* variables of whoever calls: they would lead the server and its tools elsewhere. */
function cleanEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter(([key]) => !/^(PG|LC_|LANG)/.test(key)) as [string, string][];
  return { ...Object.fromEntries(kept), LC_ALL: 'C', ...extra };
}
