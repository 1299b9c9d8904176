/** The command itself, on the test run's servers: what it prints, and that it leaves nothing behind. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Result } from '../src/report/result.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function bench(...args: string[]) {
  const {
    TEST_RABBITMQ_URL,
    TEST_POSTGRES_URL,
    INATOR_BENCH_RECORDS: _,
    INATOR_BENCH_ROUNDS: __,
    ...env
  } = process.env;
  return spawnSync(process.execPath, ['bench/dist/main.js', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...env, RABBITMQ_URL: TEST_RABBITMQ_URL, POSTGRES_URL: TEST_POSTGRES_URL, NODE_OPTIONS: '' },
    timeout: 100_000,
  });
}

async function schemas(): Promise<string[]> {
  const client = new pg.Client(process.env.TEST_POSTGRES_URL);
  await client.connect();
  const { rows } = await client.query<{ nspname: string }>(
    "select nspname from pg_namespace where nspname like 'bench%'",
  );
  await client.end();
  return rows.map(({ nspname }) => nspname);
}

describe('npm run bench', () => {
  it('runs tableinator against the naive loop and against PostgreSQL alone, and prints one object', async () => {
    const file = join(folder, 'result.json');
    const before = await schemas();
    const { status, stdout, stderr } = bench(
      ...[
        'tableinator',
        '--records',
        '500',
        '--rounds',
        '1',
        '--warm-up',
        '0',
        '--clock',
        'queue',
        '--json',
        '--save',
        file,
      ],
    );
    expect([status, status === 0 ? '' : stderr]).toEqual([0, '']);
    const result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
    const rate = { min: expect.any(Number), median: expect.any(Number), max: expect.any(Number) };
    const positive = expect.any(Number);
    expect(result).toMatchObject({
      name: 'tableinator',
      machine: { cores: positive, cpu: expect.any(String), node: process.version },
      servers: { rabbitmq: expect.any(String), postgres: expect.any(String) },
      clock: 'queue',
      records: 500,
      rounds: 1,
      rate: positive,
      naive: positive,
      floor: positive,
      ratio: positive,
      contestants: {
        tableinator: { recordsPerSecond: rate },
        naive: { recordsPerSecond: rate },
        floor: { recordsPerSecond: rate },
      },
      runs: { tableinator: [{ records: 500 }], naive: [{ records: 500 }], floor: [{ records: 500 }] },
    });
    for (const key of ['rate', 'naive', 'floor', 'ratio']) expect(result[key]).toBeGreaterThan(0);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(result);

    const more = (await schemas()).filter((name) => !before.includes(name));
    expect(more).toEqual([]);
  });

  it('profiles a real service and a program of ours, and keeps plots, flame graphs, data and a dated page', () => {
    const into = join(folder, 'docs');
    const args = ['--records', '3000', '--rounds', '1', '--warm-up', '0', '--only', 'tableinator,naive'];
    const { status, stderr } = bench('tableinator', ...args, '--flame', '--into', into);
    expect([status, status === 0 ? '' : stderr]).toEqual([0, '']);
    expect(stderr).toMatch(/target tableinator \/ naive, at least 1\.2: not judged \(/);

    const [name = ''] = readdirSync(join(into, 'data'));
    const { contestants, runs } = JSON.parse(readFileSync(join(into, 'data', name), 'utf8')) as Result;
    for (const id of ['tableinator', 'naive']) {
      const packages = contestants[id]?.packages?.map((one) => one.package) ?? [];
      expect(packages).toContain('node');
      expect(packages).toContain(id === 'naive' ? 'bench' : 'inator/postgres');
      // What the window holds is a part of the time that the clock counted.
      const sum = contestants[id]?.packages?.reduce((all, { micros }) => all + micros, 0) ?? 0;
      const [run] = runs[id] ?? [];
      expect(sum).toBeGreaterThan(0);
      expect(sum).toBeLessThanOrEqual((((run?.seconds ?? 0) * 1e6) / (run?.records ?? 1)) * 1.05);
    }
    const flames = readdirSync(join(into, 'flames'));
    expect(flames).toHaveLength(2);
    for (const file of flames)
      expect(readFileSync(join(into, 'flames', file), 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    const page = readdirSync(into).find((one) => one.endsWith('-tableinator.md')) ?? '';
    expect(readFileSync(join(into, page), 'utf8')).toContain(
      '| frame, time in itself | package | µs a record | share |',
    );
  });

  it('compares two logs without any server', () => {
    const before = join(folder, 'before.log');
    const after = join(folder, 'after.log');
    writeFileSync(before, 'Batch processed data_type=releases batch_size=100 duration_ms=523 records_per_sec=191\n');
    writeFileSync(after, 'Batch processed data_type=releases batch_size=500 duration_ms=487 records_per_sec=1026\n');
    const { stdout } = bench('before-after', '--before', before, '--after', after, '--rounds', '1', '--json');
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ name: 'before-after', ratio: 5.37 });
  });

  it('times a consumer that is given as a command, and says when one stays short', () => {
    const file = join(folder, 'psql.json');
    const psql = bench(
      'external',
      '--peer',
      'psql',
      '--records',
      '500',
      '--rounds',
      '1',
      '--warm-up',
      '0',
      '--save',
      file,
    );
    if (psql.stderr.includes('psql is not on the path')) process.emitWarning('skipped: psql is not installed');
    else expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ runs: { psql: [{ records: 500 }] } });

    const short = bench('external', '--command', 'exit 3', '--records', '20', '--rounds', '1', '--warm-up', '0');
    expect([short.status, short.stderr]).toEqual([
      1,
      expect.stringContaining('the command ended with status 3 at 0 of 20 records'),
    ]);
  });

  it('refuses what it does not know, by name', () => {
    expect(bench('no-such-benchmark')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('usage: npm run bench'),
    });
    expect(bench('tableinator', '--records', 'many')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--records is many'),
    });
    expect(bench('--list')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('graphinator, queue to commit'),
    });
  });
});
