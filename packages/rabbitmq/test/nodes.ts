/** Three brokers in one cluster on this machine: one port mapper, one cookie, and a node name and ports each. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Server, startRabbitmq } from '@inator/stack';

export interface Nodes {
  readonly all: readonly [Server, Server, Server];
  remove(): Promise<void>;
}

export async function startNodes(): Promise<Nodes> {
  const root = mkdtempSync(join(tmpdir(), 'inator-nodes-'));
  const started: Server[] = [];
  const remove = async (): Promise<void> => {
    // The first has the port mapper: it goes last.
    for (const server of started.reverse()) await server.remove();
    rmSync(root, { recursive: true, force: true });
  };
  const start = async (name: string, env: Record<string, string>, settings = {}): Promise<Server> => {
    const dir = join(root, name);
    mkdirSync(dir);
    writeFileSync(join(dir, '.erlang.cookie'), 'ONLYFORTESTS');
    chmodSync(join(dir, '.erlang.cookie'), 0o400);
    const server = await startRabbitmq({ dir, name, env, settings, ownedByParent: true, ephemeral: true });
    started.push(server);
    return server;
  };
  try {
    const first = await start('one', {});
    const { ports } = JSON.parse(readFileSync(join(root, 'one', 'server.json'), 'utf8')) as { ports: { epmd: number } };
    const shared = { ERL_EPMD_PORT: String(ports.epmd) };
    // An empty node joins whom it finds: the first, which is there already, and not each other.
    const joining = { 'cluster_formation.classic_config.nodes.1': 'one@localhost' };
    const [second, third] = await Promise.all([start('two', shared, joining), start('three', shared, joining)]);
    const { stdout } = await first.run('rabbitmqctl', ['-q', 'eval', 'length(rabbit_nodes:all_running()).']);
    if (stdout.trim() !== '3') throw new Error(`${stdout.trim()} of three nodes are one cluster`);
    return { all: [first, second, third], remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
