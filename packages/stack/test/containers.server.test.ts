// Containers, where an engine answers and has the image; elsewhere only that their absence is said clearly.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { startContainer } from '../src/containers/container-server.ts';
import { engine, ensureImage } from '../src/containers/engine.ts';
import { images } from '../src/containers/recipes.ts';
import { postgresLogin, resolveServers } from '../src/index.ts';
import { accepts, answersPostgres } from '../src/local/probe.ts';
import { until } from '../src/wait.ts';
import { scratchFolder } from './scratch.ts';

const reached = await engine().catch(() => undefined);
const usable =
  reached !== undefined &&
  (await reached.client.image.exists(reached.testcontainers.ImageName.fromString(images.postgres)).catch(() => false));
const scratch = scratchFolder();
afterAll(() => scratch.remove());

(usable ? describe : describe.skip)('a PostgreSQL in a container', () => {
  it('keeps its data and address through SIGKILL, freezes, and leaves nothing', async () => {
    const server = await startContainer('postgres', { dir: join(scratch.path, 'postgres'), ephemeral: true });
    const answers = (): Promise<boolean> => answersPostgres(server.port, postgresLogin.user, postgresLogin.database);
    const psql = async (sql: string): Promise<string> =>
      (await server.run('psql', ['-U', postgresLogin.user, '-Atc', sql])).stdout.trim();
    await psql('CREATE TABLE kept AS SELECT 1 AS n');
    const { url } = server;

    await server.kill();
    expect(server.pid()).toBeUndefined();
    expect(await answers()).toBe(false);
    await server.start();
    expect(server.url).toBe(url);
    expect(await psql('SELECT count(*) FROM kept')).toBe('1');

    await server.pause();
    expect(await answers()).toBe(false);
    await server.resume();
    expect(await until(answers, { timeoutMs: 20_000 })).toBe(true);

    expect(readFileSync(join(scratch.path, 'postgres', 'postgres.log'), 'utf8')).toMatch(
      /ready to accept connections[\s\S]+was interrupted[\s\S]+ready to accept connections/,
    );
    await server.remove();
    expect(await accepts(server.port)).toBe(false);
  }, 300_000);

  it('comes from the image that is named, although everything else is to be local', async () => {
    const dir = join(scratch.path, 'named');
    const options = { postgres: { image: images.postgres } };
    const env = { INATOR_STACK: 'local' };
    const resolved = await resolveServers({ env, want: ['postgres'], dir, options, ephemeral: true });
    try {
      expect(resolved.servers.postgres?.runs).toBe('container');
    } finally {
      await resolved.remove();
    }
  }, 300_000);

  it('is not replaced by a local one when the image that is named cannot be had', async () => {
    const dir = join(scratch.path, 'absent');
    const options = { postgres: { image: 'inator/no-such-image:0' } };
    await expect(resolveServers({ env: {}, want: ['postgres'], dir, options, ephemeral: true })).rejects.toMatchObject({
      code: 'no-containers',
    });
  }, 60_000);
});

(reached === undefined ? describe.skip : describe)('an image that cannot be had', () => {
  it('is refused with its name', async () => {
    if (reached === undefined) return;
    await expect(ensureImage(reached, 'inator/no-such-image:0', () => {})).rejects.toMatchObject({
      code: 'no-containers',
      message: expect.stringContaining('inator/no-such-image:0'),
    });
  }, 60_000);
});

(usable ? describe.skip : describe)('a machine without containers', () => {
  it('is told so when containers are forced', async () => {
    const env = { INATOR_STACK: 'containers' };
    await expect(resolveServers({ env, want: ['postgres'], dir: scratch.path })).rejects.toMatchObject({
      code: 'no-containers',
    });
  }, 60_000);
});
