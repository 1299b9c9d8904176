/** A private RabbitMQ with its management API, a node name and an Erlang port mapper of its own. Loopback only. */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { Server, ServerOptions } from '../server.ts';
import { startLocalServer } from './local-server.ts';
import { portMapper } from './port-mapper.ts';
import { rememberedPorts } from './ports.ts';
import { answersAmqp, answersManagement } from './probe.ts';
import { rabbitmqPrograms } from './programs.ts';
import { runTool } from './tool.ts';

const guest = { user: 'guest', password: 'guest' } as const;

export async function startRabbitmq(options: ServerOptions): Promise<Server> {
  const { report = () => {}, name = 'rabbit' } = options;
  const { bin, epmd } = await rabbitmqPrograms(report);
  const dir = resolve(options.dir);
  const ports = await rememberedPorts(dir, ['main', 'management', 'distribution', 'epmd'], options.port);
  const url = `amqp://${guest.user}:${guest.password}@127.0.0.1:${ports.main}`;
  const managementUrl = `http://${guest.user}:${guest.password}@127.0.0.1:${ports.management}`;
  const env = nodeEnvironment({ dir, name, bin, ports, privateEpmd: epmd !== undefined, extra: options.env });
  const mapper =
    epmd === undefined ? undefined : portMapper({ epmd, port: ports.epmd, env, owned: options.ownedByParent ?? false });

  return startLocalServer(
    {
      kind: 'rabbitmq',
      name,
      dir,
      dataDirs: [dir],
      ports,
      url,
      env: { RABBITMQ_URL: url, RABBITMQ_MANAGEMENT_URL: managementUrl },
      async prepare() {
        writeConfiguration(dir, ports, options);
        await mapper?.start();
      },
      launch: () => ({ command: join(bin, 'rabbitmq-server'), args: [], env, cwd: dir }),
      answers: async () => (await answersAmqp(ports.main)) && answersManagement(managementUrl),
      runTool: (tool, args) => runTool(join(bin, tool), args, { env, cwd: dir }),
      async cleanUp() {
        await mapper?.stop();
      },
    },
    options,
  );
}

interface Ports {
  readonly main: number;
  readonly management: number;
  readonly distribution: number;
  readonly epmd: number;
}

/** Everything that RabbitMQ's scripts would else look up in /etc and /var, for the server and its tools alike. */
function nodeEnvironment(node: {
  readonly dir: string;
  readonly name: string;
  readonly bin: string;
  readonly ports: Ports;
  readonly privateEpmd: boolean;
  readonly extra: Readonly<Record<string, string>> | undefined;
}): Record<string, string> {
  const { dir, name, bin, ports } = node;
  const inherited = Object.entries(process.env).filter(
    ([key, value]) => value !== undefined && !/^(RABBITMQ_|ERL_|NOTIFY_SOCKET$)/.test(key),
  ) as [string, string][];
  // Erlang's schedulers spin while idle unless told not to, which starves the others on a small machine.
  const quiet = '+sbwt none +sbwtdcpu none +sbwtdio none';
  const loopback = '-kernel inet_dist_use_interface {127,0,0,1}';
  return {
    ...Object.fromEntries(inherited),
    PATH: [bin, process.env.PATH ?? '/usr/bin:/bin', '/usr/sbin', '/sbin'].join(delimiter),
    // The Erlang cookie is read from here.
    HOME: dir,
    // `localhost` works without a network and without a host name that resolves.
    RABBITMQ_NODENAME: `${name}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(ports.main),
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_CONF_ENV_FILE: join(dir, 'rabbitmq-env.conf'),
    RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(dir, 'advanced.config'),
    RABBITMQ_CONFIG_FILES: join(dir, 'conf.d'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(dir, 'data'),
    RABBITMQ_LOG_BASE: join(dir, 'log'),
    RABBITMQ_PID_FILE: join(dir, 'rabbitmq.pid'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(dir, 'generated'),
    RABBITMQ_SCHEMA_DIR: join(dir, 'schema'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `${quiet} ${loopback}`,
    RABBITMQ_CTL_ERL_ARGS: loopback,
    ...(node.privateEpmd ? { ERL_EPMD_PORT: String(ports.epmd) } : {}),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    // Makes the start script replace itself with the Erlang machine, as under systemd: the process we start is the one
    // that signals must reach.
    RUNNING_UNDER_SYSTEMD: 'true',
    ...node.extra,
  };
}

function writeConfiguration(dir: string, ports: Ports, { settings = {}, plugins = [] }: ServerOptions): void {
  for (const folder of ['data', 'log', 'generated', 'schema', 'conf.d']) {
    mkdirSync(join(dir, folder), { recursive: true });
  }
  const cookie = join(dir, '.erlang.cookie');
  if (!existsSync(cookie)) {
    writeFileSync(cookie, randomBytes(16).toString('hex').toUpperCase());
    chmodSync(cookie, 0o400);
  }
  const lines = {
    'listeners.tcp.local': `127.0.0.1:${ports.main}`,
    'management.tcp.ip': '127.0.0.1',
    'management.tcp.port': String(ports.management),
    ...settings,
  };
  const text = Object.entries(lines).map(([key, value]) => `${key} = ${value}\n`);
  writeFileSync(join(dir, 'rabbitmq.conf'), text.join(''));
  writeFileSync(join(dir, 'enabled_plugins'), `[${['rabbitmq_management', ...plugins].join(',')}].\n`);
}
