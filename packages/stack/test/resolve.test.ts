import { afterAll, describe, expect, it } from '@jest/globals';
import { resolveServers, StackError } from '../src/index.ts';
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
