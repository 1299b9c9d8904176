/** status, top, pause and doctor over running services: two replicas, a model file, a queue declared otherwise. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@inator/testkit/hurt';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RunningService } from '../../../test/support/service.ts';
import { openWorld, sharedServers, type World } from '../../../test/support/world.ts';
import type { Finding } from '../src/doctor/finding.ts';
import { run } from '../src/program.ts';
import type { LaneSum } from '../src/status/sum.ts';
import { inator, lastJson, type Ran, spawnInator } from './support/command.ts';

const token = 'a-token-for-the-tests-0123456789';
let world: World;
let replicas: readonly RunningService[];
let env: Record<string, string>;

beforeAll(async () => {
  const { rabbitmq, postgres = '' } = sharedServers();
  world = await openWorld({ rabbitmq, postgres });
  replicas = await Promise.all(
    ['a', 'b'].map((INSTANCE) =>
      world.start('tableinator', {
        INSTANCE,
        ADMIN_TOKEN: token,
        DATA_TYPES: 'artists,labels',
        POSTGRES_POOL_MAX: '5',
        POSTGRES_BATCH_FLUSH_INTERVAL: '0.1',
      }),
    ),
  );
  for (const each of replicas) await until(async () => (await each.get('/readyz')).status === 200, 'ready');
  env = { INATOR_URLS: replicas.map(({ url }) => url).join(','), ADMIN_TOKEN: token };
}, 90_000);

afterAll(async () => {
  await world.close();
}, 60_000);

const lanesOf = async (): Promise<readonly LaneSum[]> =>
  lastJson(await inator(['status', '--json'], { env })).lanes as LaneSum[];
const artists = async (): Promise<LaneSum | undefined> => (await lanesOf()).find(({ lane }) => lane === 'artists');

describe('inator status', () => {
  it('adds replicas up, a line a queue, and tells letters by queue with the next command', async () => {
    const bodies = Array.from({ length: 400 }, (_, id) => `{"type":"data","id":"${id}","name":"x"}`);
    await world.broker.publish(world.exchange('artists'), [...bodies, '{"broken', '{"also broken']);
    await until(async () => (await world.rows('artists')) === 400, 'the rows');
    const letters = `${world.queue('tableinator', 'artists')}.dlq`;
    await until(async () => (await world.broker.ready(letters)) === 2, 'the letters');
    await until(async () => (await artists())?.lettersWaiting === 2, 'the letters in status', 15_000);
    const sum = await artists();
    expect(sum).toMatchObject({
      replicas: 2,
      states: { consuming: 2 },
      acked: 400,
      deadLettered: 2,
      depth: 0,
      inHand: 0,
    });
    expect(sum?.deadLettersBy).toEqual({ 'json-invalid': 2 });
    expect(await lanesOf()).toHaveLength(2);
    const ran = await inator(['status'], { env });
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/^tableinator +artists +2 consuming /m);
    expect(ran.stdout).toContain(`dead letters: 2 in ${letters} (since the start: json-invalid 2)`);
    expect(ran.stdout).toContain('next: inator dlq list --service tableinator --type artists');
  }, 60_000);

  it('says which service does not answer, and ends with 1, while it shows the others', async () => {
    const ran = await inator(['status', '--url', replicas[0]?.url ?? '', 'http://127.0.0.1:1']);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain('consuming');
    expect(ran.stderr).toContain('http://127.0.0.1:1 does not answer');
  });
});

describe('inator pause', () => {
  it('pauses every replica, status says why and what ends it, and resume does', async () => {
    const paused = await inator(['pause', 'artists'], { env });
    expect(paused.code).toBe(0);
    expect(paused.stdout.trim().split('\n').sort()).toEqual([
      'tableinator artists (a): paused',
      'tableinator artists (b): paused',
    ]);
    const shown = await inator(['status'], { env });
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/artists +2 paused/);
    expect(shown.stdout).toContain('next: It goes on after inator resume artists');
    await world.broker.publish(world.exchange('artists'), ['{"type":"data","id":"late","name":"x"}']);
    await until(async () => ((await artists())?.depth ?? 0) === 1, 'it waits in the queue', 15_000);
    expect(await world.rows('artists')).toBe(400);
    expect(await artists()).toMatchObject({ paused: 2, drainSeconds: null });

    expect((await inator(['resume', 'artists', '--json'], { env })).code).toBe(0);
    await until(async () => (await world.rows('artists')) === 401, 'it is written');
  }, 60_000);

  it('with another token changes nothing, ends with 1 and names the variable; the service has logged it', async () => {
    const ran = await inator(['pause', 'labels'], { env: { ...env, ADMIN_TOKEN: 'another' } });
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('ADMIN_TOKEN') });
    expect((await lanesOf()).every(({ paused }) => paused === 0)).toBe(true);
    for (const { lines } of replicas) {
      await until(
        () => lines.some((line) => line.includes('admin.refused') && line.includes('labels/pause')),
        'a line',
      );
      expect(lines.join('\n')).not.toContain('another');
    }
  });

  it('of a lane that nobody has says which there are; the token may come from a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'inator-token-'));
    writeFileSync(join(folder, 'token'), `${token}\n`);
    const { ADMIN_TOKEN, ...rest } = env;
    const fromFile = { ...rest, ADMIN_TOKEN_FILE: join(folder, 'token') };
    expect(await inator(['pause', 'artist'], { env: fromFile })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Did you mean artists?'),
    });
    expect((await inator(['resume', 'labels'], { env: fromFile })).code).toBe(0);
    const released = await inator(['release-brake', 'labels'], { env: fromFile });
    expect(released).toMatchObject({ code: 1, stdout: expect.stringContaining('the lane is not braked') });
    rmSync(folder, { recursive: true });
  });
});

describe('inator top', () => {
  it('in a pipe writes a line a lane and look', async () => {
    const { ended } = spawnInator(['top', '--times', '2', '--interval', '0.2'], env);
    const ran = await ended;
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const lines = ran.stdout.trim().split('\n');
    expect(lines).toHaveLength(4);
    for (const line of lines) {
      expect(line).toMatch(
        /^\S+Z tableinator (artists|labels) state="2 consuming" records_per_sec=[\d.]+ backlog=\d+ in_hand=\d+/,
      );
    }
  }, 30_000);

  it('in a pipe ends with 0 at a signal', async () => {
    const { process: child, ended } = spawnInator(['top', '--json', '--interval', '0.2'], env);
    const objects: unknown[] = [];
    child.stdout?.on('data', (chunk) => objects.push(chunk));
    await until(() => objects.length >= 2, 'two looks');
    child.kill('SIGINT');
    const ran = await ended;
    expect(ran.code).toBe(0);
    const [first] = ran.stdout.split('\n');
    expect(JSON.parse(first ?? '')).toMatchObject({ lanes: [{ replicas: 2 }, { replicas: 2 }] });
  }, 30_000);

  it('at a terminal redraws in place, fits it, and gives it back as it was', async () => {
    let out = '';
    let interrupt = (): void => {};
    const running = run(['top', '--interval', '0.1'], {
      stdin: process.stdin,
      stdout: { write: (text) => (out += text), isTTY: true, columns: 60, rows: 10 },
      stderr: { write: () => true },
      env: { ...env, NO_COLOR: '1' },
      cwd: '.',
      onInterrupt(listener) {
        interrupt = listener;
        return () => {};
      },
    });
    await until(() => out.split('\x1b[H').length > 3, 'three pictures');
    interrupt();
    expect(await running).toBe(0);
    expect(out.startsWith('\x1b[?1049h\x1b[?25l')).toBe(true);
    const [pictures = '', after = ''] = out.split('\x1b[?25h\x1b[?1049l');
    for (const picture of pictures.split('\x1b[H').slice(1)) {
      const lines = picture.split('\n');
      expect(lines.length).toBeLessThanOrEqual(10);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one.
      for (const line of lines) expect(line.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').length).toBeLessThanOrEqual(60);
    }
    expect(after).toContain('tableinator  artists');
  }, 30_000);
});

describe('inator doctor', () => {
  const reach = (): Record<string, string> => ({
    RABBITMQ_URL: sharedServers().rabbitmq,
    RABBITMQ_MANAGEMENT_URL: process.env.TEST_RABBITMQ_MANAGEMENT_URL ?? '',
    RABBITMQ_EXCHANGE_PREFIX: world.prefix,
    POSTGRES_URL: sharedServers().postgres ?? '',
    POSTGRES_SCHEMA: world.schema,
    NEO4J_URI: sharedServers().neo4j?.uri ?? '',
    NEO4J_USERNAME: sharedServers().neo4j?.username ?? '',
    NEO4J_PASSWORD: sharedServers().neo4j?.password ?? '',
  });
  const examine = async (
    more: Record<string, string> = {},
    ...flags: string[]
  ): Promise<Ran & { found: Finding[] }> => {
    const ran = await inator(['doctor', '--json', ...flags], { env: { ...reach(), ...more } });
    return { ...ran, found: JSON.parse(ran.stdout) as Finding[] };
  };
  const about = (found: readonly Finding[], what: string | RegExp): Finding | undefined =>
    found.find((finding) => (typeof what === 'string' ? finding.what === what : what.test(finding.what)));

  it('finds healthy servers healthy: nothing fails, and every warning says what to do', async () => {
    const { code, found } = await examine();
    expect(found.filter(({ is }) => is === 'fail')).toEqual([]);
    expect(code).toBe(0);
    for (const finding of found)
      if (finding.is === 'warn') expect([finding.what, finding.next]).not.toContain(undefined);
    for (const what of ['Node.js version', 'PostgreSQL version', 'Neo4j version', 'RabbitMQ version', 'pool']) {
      expect([what, about(found, what)?.is]).not.toContain(undefined);
    }
    for (const what of [
      'clock of PostgreSQL',
      'clock of Neo4j',
      'right to stage',
      'Neo4j writes',
      'PostgreSQL writes',
    ]) {
      expect([what, about(found, what)?.is]).toEqual([what, 'ok']);
    }
    expect(about(found, `table ${world.schema}.artists`)).toMatchObject({ is: 'ok', says: 'data_id is unique' });
    expect(about(found, `queue ${world.queue('tableinator', 'artists')}`)).toMatchObject({ is: 'ok' });
    expect(about(found, `queue ${world.queue('tableinator', 'artists')}.dlq`)).toMatchObject({
      is: 'warn',
      says: '2 dead letters waiting',
      next: 'inator dlq stats --service tableinator --type artists',
    });
    expect((await examine({}, '--strict')).code).toBe(1);
  }, 60_000);

  it('finds too many connections, a table whose key is not unique, and queues declared otherwise', async () => {
    const table = `"${world.schema}"."labels"`;
    await world.tables.query(`alter table ${table} drop constraint labels_pkey`);
    try {
      const { code, found } = await examine({ RABBITMQ_QUEUE_TYPE: 'classic' }, '--replicas', '1000');
      expect(code).toBe(1);
      expect(about(found, 'pool')).toMatchObject({ is: 'fail', says: expect.stringContaining('1,000 replicas × ') });
      expect(about(found, `table ${world.schema}.labels`)).toMatchObject({
        is: 'fail',
        next: expect.stringContaining('PRIMARY KEY'),
      });
      if (process.env.TEST_RABBITMQ_MANAGEMENT_URL !== undefined) {
        expect(about(found, `queue ${world.queue('tableinator', 'labels')}`)).toMatchObject({
          is: 'fail',
          says: 'x-queue-type is quorum, the service declares classic',
        });
      }
    } finally {
      await world.tables.query(`alter table ${table} add primary key (data_id)`);
    }
  }, 60_000);

  it('finds a role that may not use the schema nor its tables, and says the statement that mends it', async () => {
    const role = `doctor_${world.schema}`;
    await world.tables.query(`create role ${role} login password 'sesame'`);
    try {
      const url = new URL(sharedServers().postgres ?? '');
      url.username = role;
      url.password = 'sesame';
      const { found, stdout } = await examine({ POSTGRES_URL: url.href });
      expect(about(found, 'right to the schema')).toMatchObject({
        is: 'fail',
        next: `GRANT USAGE, CREATE ON SCHEMA "${world.schema}" TO "${role}"`,
      });
      expect(about(found, `table ${world.schema}.artists`)).toMatchObject({ is: 'fail' });
      expect(stdout).not.toContain('sesame');
    } finally {
      await world.tables.query(`drop role ${role}`);
    }
  }, 60_000);

  it('and dlq know the types of a model file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'inator-model-'));
    const model = join(folder, 'my-model.yaml');
    writeFileSync(
      model,
      'name: shop\ntypes:\n  orders:\n    key: id\n    table: { columns: { total: numeric } }\n    graph: { label: Order, as: id, properties: { total: double } }\n',
    );
    const { found } = await examine({ DOMAIN: model });
    expect(about(found, `queue tableinator-${world.prefix}-orders`)).toMatchObject({ is: 'warn' });
    expect(about(found, `table ${world.schema}.orders`)).toMatchObject({ is: 'warn' });
    expect(about(found, 'constraint Order.id')).toMatchObject({ is: 'warn' });
    expect(about(found, /artists/)).toBeUndefined();
    const listed = await inator(['dlq', 'list', '--json'], { env: { ...reach(), DOMAIN: model } });
    expect(listed.stdout).toContain('orders');
    expect(listed.stdout).not.toContain('artists');
    expect(await inator(['dlq', 'list', '--type', 'order'], { env: { ...reach(), DOMAIN: model } })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean orders?'),
    });
    rmSync(folder, { recursive: true });
  }, 60_000);
});
