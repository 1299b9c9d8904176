/** A real Prometheus, where this machine has one, scraping what a test tells it to. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { until } from '@inator/testkit';

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
}

export interface Job {
  readonly name: string;
  /** `host:port`. */
  readonly target: string;
  readonly path?: string;
  readonly families?: readonly string[];
}

export interface Prometheus {
  /** Rejects when the query is not understood. */
  query(expr: string): Promise<readonly Sample[]>;
  alerts(): Promise<readonly Alert[]>;
  /** Names of the alerts that it evaluates without an error. */
  healthyRules(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** The program's path, or undefined, loudly, where it is not installed. */
export function findTool(name: 'prometheus' | 'promtool'): string | undefined {
  try {
    return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
  } catch {
    console.warn(`test/watching: SKIPPED, there is no ${name} on this machine (Debian: apt-get install prometheus)`);
    return undefined;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** `rules` is the text of a file of rules. Everything is scraped every two seconds and evaluated every second. */
export async function startPrometheus(
  program: string,
  dir: string,
  jobs: readonly Job[],
  rules: string,
): Promise<Prometheus> {
  const config = {
    // A service promises an answer within two seconds, also while a server hangs that it asks.
    global: { scrape_interval: '2s', scrape_timeout: '2s', evaluation_interval: '1s' },
    rule_files: ['rules.yml'],
    scrape_configs: jobs.map(({ name, target, path = '/metrics', families }) => ({
      job_name: name,
      metrics_path: path,
      ...(families === undefined ? {} : { params: { family: families } }),
      static_configs: [{ targets: [target] }],
    })),
  };
  // YAML holds JSON.
  writeFileSync(join(dir, 'prometheus.yml'), JSON.stringify(config));
  writeFileSync(join(dir, 'rules.yml'), rules);
  const address = `127.0.0.1:${await freePort()}`;
  const child: ChildProcess = spawn(
    program,
    [
      `--config.file=${join(dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  const exited = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);

  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(10_000) });
    const body = (await response.json()) as { readonly status: string; readonly error?: string; readonly data: T };
    if (body.status !== 'success') throw new Error(`${decodeURIComponent(path)}: ${body.error ?? response.status}`);
    return body.data;
  };
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`Prometheus ended with ${child.exitCode}: ${said}`);
      return fetch(`http://${address}/-/ready`, { signal: AbortSignal.timeout(2_000) }).then(
        (response) => response.ok,
        () => false,
      );
    },
    () => `Prometheus is ready; it said: ${said}`,
    60_000,
  );
  return {
    async query(expr) {
      type Answer = { result: { metric: Record<string, string>; value: [number, string] }[] };
      const { result } = await get<Answer>(`/api/v1/query?query=${encodeURIComponent(expr)}`);
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    alerts: async () => (await get<{ alerts: Alert[] }>('/api/v1/alerts')).alerts,
    async healthyRules() {
      const { groups } = await get<{ groups: { rules: { name: string; health: string }[] }[] }>('/api/v1/rules');
      return groups.flatMap((group) => group.rules.filter(({ health }) => health === 'ok').map(({ name }) => name));
    },
    async stop() {
      process.off('exit', end);
      child.kill('SIGKILL');
      await exited;
    },
  };
}
