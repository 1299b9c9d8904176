import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { resolveServers, StackError, stackStatus, stackUp } from '../src/index.ts';
import { scratchFolder } from './scratch.ts';

const scratch = scratchFolder();
afterAll(() => scratch.remove());
const dir = scratch.path;

describe('servers named by the environment', () => {
  it('are used as they are, with everything that belongs to reaching them', async () => {
    const env = {
      RABBITMQ_HOST: 'broker',
      RABBITMQ_PORT: '5673',
      RABBITMQ_PASSWORD_FILE: '/run/secrets/rabbitmq',
      POSTGRES_URL: 'postgresql://u:p@db:5433/x',
      NEO4J_URI: 'bolt://graph:7688',
      NEO4J_PASSWORD: 'secret',
      UNRELATED: 'x',
    };
    const { servers, env: found } = await resolveServers({ env, want: ['rabbitmq', 'postgres', 'neo4j'], dir });
    expect(Object.values(servers).map(({ runs, port }) => [runs, port])).toEqual([
      ['given', 5673],
      ['given', 5433],
      ['given', 7688],
    ]);
    const { UNRELATED: _, ...named } = env;
    expect(found).toEqual(named);
  });

  it.each(['local', 'containers', 'env'])(
    'are taken as they are, whatever INATOR_STACK=%s says of others',
    async (forced) => {
      const env = { INATOR_STACK: forced, POSTGRES_URL: 'postgresql://db:5433/x' };
      const { servers } = await resolveServers({ env, want: ['postgres'], dir });
      expect(servers.postgres).toMatchObject({ runs: 'given', port: 5433 });
    },
  );

  it('are never stopped: all together are left alone, each alone refuses', async () => {
    const env = { POSTGRES_URL: 'postgresql://db/x' };
    const resolved = await resolveServers({ env, want: ['postgres'], dir });
    await resolved.stop();
    await resolved.remove();
    for (const hurt of ['start', 'stop', 'kill', 'restart', 'pause', 'resume', 'remove'] as const) {
      await expect(resolved.servers.postgres?.[hurt]()).rejects.toMatchObject({ code: 'not-ours' });
    }
  });

  it('have no image: who asks for a version is not given another', async () => {
    const env = { POSTGRES_URL: 'postgresql://db/x' };
    const options = { postgres: { image: 'postgres:18' } };
    await expect(resolveServers({ env, want: ['postgres'], dir, options })).rejects.toMatchObject({
      code: 'bad-option',
      message: expect.stringContaining('postgres:18'),
    });
  });

  it('must all be named when INATOR_STACK is env', async () => {
    const env = { INATOR_STACK: 'env', POSTGRES_URL: 'postgresql://db/x', RABBITMQ_URL: '' };
    await expect(resolveServers({ env, want: ['rabbitmq', 'postgres'], dir })).rejects.toThrow(/rabbitmq/);
  });
});

describe('the status of servers named by the environment', () => {
  const listening = async (where: number | string): Promise<Server> => {
    const server = createServer((socket) => socket.destroy()).listen(
      typeof where === 'number' ? { port: where, host: '127.0.0.1' } : { path: where },
    );
    await once(server, 'listening');
    return server;
  };
  const close = async (server: Server): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    await closed;
  };
  const portOf = (server: Server): number => (server.address() as { readonly port: number }).port;

  it.each([
    ['a url', (port: number) => ({ POSTGRES_URL: `postgresql://u:p@localhost:${port}/x` })],
    [
      'a url completed by a port',
      (port: number) => ({ POSTGRES_URL: 'postgresql://127.0.0.1/x', POSTGRES_PORT: `${port}` }),
    ],
    ['a host and a port', (port: number) => ({ POSTGRES_HOST: '127.0.0.1', POSTGRES_PORT: `${port}` })],
    [
      'a url in a file',
      (port: number) => {
        const file = join(dir, 'url');
        mkdirSync(dir, { recursive: true });
        writeFileSync(file, `postgresql://u:p@127.0.0.1:${port}/x\n`);
        return { POSTGRES_URL_FILE: file };
      },
    ],
  ])('is up while the port accepts, and down when it does not: %s', async (_, env) => {
    const at = join(dir, 'given');
    const server = await listening(0);
    await stackUp({ env: env(portOf(server)), want: ['postgres'], dir: at });
    expect(await stackStatus({ dir: at })).toMatchObject([{ kind: 'postgres', runs: 'given', up: true }]);
    await close(server);
    expect(await stackStatus({ dir: at })).toMatchObject([{ kind: 'postgres', runs: 'given', up: false }]);
  });

  it('is told of a directory of sockets as well', async () => {
    const at = join(dir, 'sockets');
    mkdirSync(at, { recursive: true });
    for (const env of [{ POSTGRES_HOST: at }, { POSTGRES_URL: `postgresql://u@${encodeURIComponent(at)}/x` }]) {
      const server = await listening(join(at, '.s.PGSQL.5432'));
      await stackUp({ env, want: ['postgres'], dir: at });
      expect(await stackStatus({ dir: at })).toMatchObject([{ up: true }]);
      await close(server);
      expect(await stackStatus({ dir: at })).toMatchObject([{ up: false }]);
    }
  });

  it('is told of an address of the sixth version, in brackets or without', async () => {
    const at = join(dir, 'sixth');
    const server = createServer((socket) => socket.destroy()).listen({ port: 0, host: '::1' });
    const opened = await Promise.race([
      once(server, 'listening').then(() => true),
      once(server, 'error').then(() => false),
    ]);
    // A machine without it has nothing to be asked.
    if (!opened) return;
    const port = portOf(server);
    for (const env of [
      { POSTGRES_HOST: '::1', POSTGRES_PORT: `${port}` },
      { POSTGRES_HOST: '[::1]', POSTGRES_PORT: `${port}` },
      { POSTGRES_URL: `postgresql://[::1]:${port}/x` },
    ]) {
      await stackUp({ env, want: ['postgres'], dir: at });
      expect(await stackStatus({ dir: at })).toMatchObject([{ up: true }]);
    }
    await close(server);
  });

  it('looks where TLS is when no port is named', async () => {
    const { servers } = await resolveServers({ env: { RABBITMQ_URL: 'amqps://broker' }, want: ['rabbitmq'], dir });
    expect(servers.rabbitmq?.port).toBe(5671);
  });
});

describe('what cannot be understood', () => {
  it('is refused by name before anything is started', async () => {
    const wrong = [{ INATOR_STACK: 'docker' }, { INATOR_STACK: 'local', NEO4J_PASSWORD: 'short' }];
    for (const env of wrong) {
      const error: unknown = await resolveServers({ env, want: ['neo4j'], dir }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(StackError);
      expect(error).toMatchObject({ code: 'bad-option', blame: 'operator' });
    }
  });
});
