/**
 * The compose file on a real engine. Without an engine that answers, or without the images, the tests are skipped and say so.
 * What takes minutes (the whole stack) also needs INATOR_TEST_COMPOSE=1. INATOR_TEST_COMPOSE_FILE names a further compose
 * file that is laid over ours, for images from elsewhere.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectedGraph, generateSample, recordTypes } from '@inator/discogs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { interpolatedNames, readCompose, readText, root } from './compose-file.ts';

const project = `inator-test-${randomBytes(4).toString('hex')}`;
const extra = process.env.INATOR_TEST_COMPOSE_FILE;
const files = ['-f', join(root, 'docker-compose.yml'), ...(extra ? ['-f', extra] : [])];
const published = interpolatedNames().filter((name) => name.startsWith('PUBLISH_'));
const minutes = 60_000;

/** Nothing of the tester's own settings, and a free port of loopback for everything that is published. */
const env: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  ...(process.env.DOCKER_HOST === undefined ? {} : { DOCKER_HOST: process.env.DOCKER_HOST }),
  COMPOSE_DISABLE_ENV_FILE: '1',
  ...Object.fromEntries(published.map((name) => [name, '127.0.0.1:'])),
};

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly output: string;
}

function docker(args: readonly string[], timeoutMs: number): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn('docker', args, { env, cwd: root, timeout: timeoutMs });
    let stdout = '';
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.once('error', (error) => resolve({ code: null, stdout, output: String(error) }));
    child.once('close', (code) => resolve({ code, stdout, output }));
  });
}

/** Fails with everything that docker said. */
async function ok(args: readonly string[], timeoutMs = 2 * minutes): Promise<string> {
  const { code, stdout, output } = await docker(args, timeoutMs);
  if (code !== 0) throw new Error(`docker ${args.join(' ')} ended with ${code}:\n${output.slice(-4_000)}`);
  return stdout.trim();
}

const compose = (...args: string[]): string[] => ['compose', '-p', project, ...files, ...args];

/** Undefined when the tests can run, else what is missing. Asked before the tests are declared, hence synchronous. */
function missing(): string | undefined {
  const ask = (...args: string[]) => spawnSync('docker', args, { env, encoding: 'utf8', timeout: 30_000 });
  if (ask('version', '--format', '{{.Server.Version}}').status !== 0) return 'no Docker engine answers';
  if (ask('compose', 'version').status !== 0) return 'docker has no compose';
  const config = ask(...compose('config', '--images'));
  if (config.status !== 0) return undefined; // That is a test's business.
  const base = /^ARG NODE_IMAGE=(\S+)$/m.exec(readText('Dockerfile'))?.[1] ?? '';
  const wanted = [...new Set(config.stdout.trim().split('\n')), base].filter((image) => !image.startsWith('inator:'));
  const absent = wanted.filter((image) => ask('image', 'inspect', image).status !== 0);
  return absent.length === 0 ? undefined : `images are missing: ${absent.join(', ')}`;
}

const lacking = missing();
if (lacking !== undefined) console.warn(`test/compose: SKIPPED, ${lacking}`);
const wanted = process.env.INATOR_TEST_COMPOSE === '1';
if (lacking === undefined && !wanted) {
  console.warn('test/compose: the whole stack is SKIPPED, because it takes minutes; INATOR_TEST_COMPOSE=1 runs it');
}

async function until(what: string, timeoutMs: number, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1_000} s`);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

(lacking === undefined ? describe : describe.skip)('with an engine', () => {
  it('the compose file is valid', async () => {
    expect((await docker(compose('config', '--quiet'), minutes)).output).toBe('');
  });

  it('Prometheus takes its configuration, and every alert fires when it should and only then', async () => {
    const image = readCompose().services.prometheus?.image ?? '';
    const promtool = (...args: string[]): Promise<string> =>
      ok([
        ...['run', '--rm', '--network', 'none', '--entrypoint', 'promtool'],
        ...['-v', `${join(root, 'deploy/prometheus')}:/etc/prometheus:ro`, image],
        ...args,
      ]);
    expect(await promtool('check', 'config', '/etc/prometheus/prometheus.yml')).toContain('SUCCESS');
    expect(await promtool('test', 'rules', '/etc/prometheus/alerts.test.yml')).toContain('SUCCESS');
  });
});

(lacking === undefined && wanted ? describe : describe.skip)('the whole stack', () => {
  const count = 2_500;
  const dir = mkdtempSync(join(tmpdir(), 'inator-compose-'));
  const services = ['tableinator', 'graphinator'] as const;

  const port = (service: string, inside: number): Promise<string> => ok(compose('port', service, String(inside)));

  /** Ids from `first` on, one file a type, published by the command through the port on this machine. */
  async function publish(first: number): Promise<void> {
    const paths = recordTypes.map((type) => {
      const path = join(dir, `${type}.${first}.jsonl`);
      const lines = [...generateSample({ type, count, from: first })].map((body) => `${body.toString('utf8')}\n`);
      writeFileSync(path, lines.join(''));
      return { type, path };
    });
    const url = `amqp://guest:guest@${await port('rabbitmq', 5672)}`;
    for (const { type, path } of paths) {
      const args = [
        join(root, 'packages/cli/bin/inator.js'),
        'publish',
        '--no-resume',
        '--strict',
        '--type',
        type,
        path,
      ];
      const child = spawn(process.execPath, args, { env: { ...env, RABBITMQ_URL: url }, timeout: 5 * minutes });
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      const code = await new Promise((resolve) => child.once('close', resolve));
      expect({ type, code, said: code === 0 ? '' : said }).toEqual({ type, code: 0, said: '' });
    }
  }

  async function rows(): Promise<Record<string, number>> {
    const sql = recordTypes.map((type) => `select '${type}', count(*) from ${type}`).join(' union all ');
    const out = await ok(compose('exec', '-T', 'postgres', 'psql', '-U', 'inator', '-At', '-c', sql));
    return Object.fromEntries(
      out
        .split('\n')
        .map((line) => line.split('|'))
        .map(([type, n]) => [type, Number(n)]),
    );
  }

  async function graph(): Promise<{ nodes: number; relationships: number }> {
    const statements = ['MATCH (n) RETURN count(n)', 'MATCH ()-[r]->() RETURN count(r)'].map((statement) => ({
      statement,
    }));
    const response = await fetch(`http://${await port('neo4j', 7474)}/db/neo4j/tx/commit`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${Buffer.from('neo4j:inatorinator').toString('base64')}`,
      },
      body: JSON.stringify({ statements }),
      signal: AbortSignal.timeout(minutes),
    });
    const { results } = (await response.json()) as { results: { data: { row: number[] }[] }[] };
    const [nodes = -1, relationships = -1] = results.map((result) => result.data[0]?.row[0] ?? -1);
    return { nodes, relationships };
  }

  /** What must stand in the stores after ids 1 to `last` of every type. */
  function expected(last: number) {
    const bodies = Object.fromEntries(recordTypes.map((type) => [type, [...generateSample({ type, count: last })]]));
    const { totalNodes, totalRelationships } = expectedGraph(bodies);
    return {
      rows: Object.fromEntries(recordTypes.map((type) => [type, last])),
      graph: { nodes: totalNodes, relationships: totalRelationships },
    };
  }

  async function drained(): Promise<void> {
    await until('the queues drain', 10 * minutes, async () => {
      const listed = await ok(
        compose(
          'exec',
          '-T',
          'rabbitmq',
          'gosu',
          'rabbitmq',
          'rabbitmqctl',
          '-q',
          'list_queues',
          '--no-table-headers',
          'messages',
        ),
      );
      return listed.split('\n').every((line) => line.trim() === '0');
    });
  }

  async function batches(service: string): Promise<number[]> {
    const log = await ok(compose('logs', '--no-log-prefix', '--no-color', service));
    return log
      .split('\n')
      .filter((line) => line.includes('"Batch processed"'))
      .map((line) => (JSON.parse(line) as { batch_size: number }).batch_size);
  }

  beforeAll(async () => {
    await ok(compose('up', '--build', '--wait', '--detach'), 20 * minutes);
  }, 21 * minutes);

  afterAll(async () => {
    await docker(compose('--profile', 'tools', 'down', '--volumes', '--remove-orphans'), 3 * minutes);
    rmSync(dir, { recursive: true, force: true });
  }, 4 * minutes);

  it(
    'ends the services with exit code 0 within the grace, and what is published meanwhile comes in batches of 500',
    async () => {
      await ok(compose('stop', ...services));
      for (const service of services) {
        const id = await ok(compose('ps', '--all', '--quiet', service));
        expect([service, await ok(['inspect', '--format', '{{.State.ExitCode}}', id])]).toEqual([service, '0']);
      }
      await publish(1);
      await ok(compose('up', '--wait', '--detach', '--no-build', ...services), 15 * minutes);
      await drained();
      expect({ rows: await rows(), graph: await graph() }).toEqual(expected(count));
      for (const service of services) expect(await batches(service)).toContain(500);
    },
    40 * minutes,
  );

  it(
    'answers on the same two ports when the services were made anew',
    async () => {
      const inside = { tableinator: 8002, graphinator: 8001 } as const;
      const found = await Promise.all(services.map((service) => port('front', inside[service])));
      const answering = async (): Promise<readonly string[]> =>
        Promise.all(
          found.map(async (address) => {
            const response = await fetch(`http://${address}/version`);
            return ((await response.json()) as { service: string }).service;
          }),
        );
      expect(await answering()).toEqual(services);
      await ok(
        compose('up', '--wait', '--detach', '--no-build', '--force-recreate', '--no-deps', ...services),
        15 * minutes,
      );
      await until('both answer where they did', minutes, async () => {
        const now = await answering().catch(() => []);
        return now.join() === services.join();
      });
    },
    20 * minutes,
  );

  it(
    'counts exactly with three replicas of tableinator, and Prometheus finds them all',
    async () => {
      const scaled = compose('up', '--wait', '--detach', '--no-build', '--no-recreate', '--scale', 'tableinator=3');
      await ok(scaled, 15 * minutes);
      await publish(count + 1);
      await drained();
      expect({ rows: await rows(), graph: await graph() }).toEqual(expected(2 * count));

      const prometheus = await port('prometheus', 9090);
      const query = async (
        expr: string,
      ): Promise<{ status: string; data: { result: { value: [number, string] }[] } }> => {
        const response = await fetch(`http://${prometheus}/api/v1/query?query=${encodeURIComponent(expr)}`);
        return (await response.json()) as { status: string; data: { result: { value: [number, string] }[] } };
      };
      await until('three replicas are scraped', 2 * minutes, async () => {
        const { data } = await query('sum(up{job="tableinator"})');
        return data.result[0]?.value[1] === '3';
      });

      // Every panel asks something that Prometheus understands; those that only show trouble may be empty.
      const quiet = /dead-lettered|Retries|Drained/;
      const { panels } = JSON.parse(readText('deploy/grafana/dashboards/overview.json')) as {
        panels: { title: string; targets: { expr: string }[] }[];
      };
      for (const { title, targets } of panels) {
        for (const { expr } of targets) {
          const filled = expr
            .replaceAll('$__rate_interval', '5m')
            .replaceAll('$service', 'tableinator|graphinator')
            .replaceAll('$data_type', '.+');
          const { status, data } = await query(filled);
          expect({ title, status, empty: data.result.length === 0 && !quiet.test(title) }).toEqual({
            title,
            status: 'success',
            empty: false,
          });
        }
      }
    },
    40 * minutes,
  );
});
