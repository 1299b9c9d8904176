/** Every shell block of the README is run, as it stands. A block says after ` ```sh ` how: `run=start`, `run=stack`, … */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { until } from '@inator/testkit';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openWorld, sharedServers, type World } from './support/world.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const blocks = [...readFileSync(`${root}README.md`, 'utf8').matchAll(/^```sh(?: run=(\w+))?\n([\s\S]*?)^```$/gm)].map(
  ([, how, text]) => ({ how, text: text ?? '' }),
);
const of = (how: string) => blocks.filter((block) => block.how === how);

let world: World;
let env: NodeJS.ProcessEnv;
let started: ChildProcess | undefined;

beforeAll(async () => {
  world = await openWorld();
  await world.emptyGraph();
  const { rabbitmq, postgres, neo4j } = sharedServers();
  env = {
    ...process.env,
    RABBITMQ_URL: rabbitmq,
    POSTGRES_URL: postgres,
    NEO4J_URI: neo4j?.uri,
    NEO4J_USERNAME: neo4j?.username,
    NEO4J_PASSWORD: neo4j?.password,
    // The blocks speak of the defaults; here they must not meet what other tests leave.
    RABBITMQ_EXCHANGE_PREFIX: world.prefix,
    POSTGRES_SCHEMA: world.schema,
    PGOPTIONS: `-c search_path=${world.schema}`,
    NODE_OPTIONS: '',
  };
});
afterAll(async () => {
  await interrupt();
  await world.close();
}, 60_000);

/** Ctrl-C as a terminal gives it: to the whole group, because npm itself passes nothing on. */
async function interrupt(): Promise<void> {
  const child = started;
  if (child?.pid === undefined || child.exitCode !== null) return;
  process.kill(-child.pid, 'SIGINT');
  await until(() => child.exitCode !== null || child.signalCode !== null, 'npm start ends after Ctrl-C', 40_000);
}

function shell(text: string, more: NodeJS.ProcessEnv = {}): string {
  const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', text], {
    cwd: root,
    env: { ...env, ...more },
    encoding: 'utf8',
  });
  expect([text, status, status === 0 ? '' : stdout + stderr]).toEqual([text, 0, '']);
  return stdout;
}

describe('the shell blocks of the README', () => {
  it('all say how they are run', () => {
    expect(
      blocks.filter(({ how }) => !['start', 'self', 'compose', 'stack', 'here', 'bench'].includes(how ?? '')),
    ).toEqual([]);
    expect(of('self').map(({ text }) => text)).toEqual(['npm test\n']);
    // What needs a container engine is run by test/compose, where there is one.
    expect(of('compose').map(({ text }) => text)).toEqual(['docker compose up --build --wait\n']);
  });

  it('start everything, and go on until Ctrl-C', async () => {
    const [block] = of('start');
    let output = '';
    started = spawn('bash', ['-c', `exec ${block?.text ?? ''}`], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [started.stdout, started.stderr])
      stream?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    await until(
      () => {
        if (started?.exitCode !== null) throw new Error(`it ended with ${started?.exitCode}:\n${output}`);
        return output.includes('running until Ctrl-C');
      },
      () => output,
      110_000,
    );
    expect(await world.rows('releases')).toBe(2_000);
  });

  it('show and break things beside it', () => {
    const output = of('stack')
      .map(({ text }) => shell(text))
      .join('\n');
    expect(output).toContain('The Persuader');
    expect(output).toContain('json-invalid');
  });

  it('work by themselves', () => {
    for (const { text } of of('here')) shell(text);
  });

  it('run a benchmark', () => {
    for (const { text } of of('bench')) {
      const last =
        shell(text, { INATOR_BENCH_RECORDS: '3000', INATOR_BENCH_ROUNDS: '1' }).trim().split('\n').at(-1) ?? '';
      expect(JSON.parse(last)).toMatchObject({ name: 'tableinator', ratio: expect.any(Number) });
    }
  });
});
