/**
 * Passwords change while the services run: first at the server, then in the file. What is connected is cut off, what is
 * published meanwhile waits, and goes through as soon as the file says the new password; nobody restarts anything.
 */
import { type Proxy as Switch, until } from '@inator/testkit/hurt';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RunningService } from '../support/service.ts';
import { openWorld, sharedServers, type Type, type World } from '../support/world.ts';
import { type Account, addressOf, brokerAccount, graphAccount, postgresAccount } from './support/accounts.ts';
import { sideBySide } from './support/side-by-side.ts';
import { openStage, type Stage } from './support/stage.ts';

const all = { configure: '.*', write: '.*', read: '.*' };
const passwords = ['first-rot-9a1c', 'second-rot-9a1c', 'third-rot-9a1c'] as const;
const [first, second, third] = passwords;

let world: World;
let stage: Stage;

beforeAll(async () => {
  world = await openWorld();
  stage = openStage();
  graphinator.start();
});
afterAll(async () => {
  await world.close();
  await stage.close();
});

const artist = (id: string): string => `{"type":"data","id":"${id}","name":"n"}`;
let published = 0;
async function publish(type: Type, count: number): Promise<void> {
  await world.broker.publish(
    world.exchange(type),
    Array.from({ length: count }, () => {
      published += 1;
      return artist(`${world.prefix}-${published}`);
    }),
  );
}

/** The log line of a refused login. */
function refusal(service: RunningService, code: string, native: RegExp): boolean {
  return service.lines.some((line) => line.includes(`"code":"${code}"`) && native.test(line));
}

function staysItself(service: RunningService): void {
  expect(service.exitCode).toBeUndefined();
  expect(service.lines.filter((line) => line.includes('"event":"service.started"'))).toHaveLength(1);
  for (const password of passwords) expect(service.lines.filter((line) => line.includes(password))).toEqual([]);
}

async function nodes(): Promise<number> {
  const [row] = await world.graph.query<{ n: number }>(
    'match (a:Label) where a.id starts with $prefix and a.sha256 is not null return count(a) as n',
    { prefix: `${world.prefix}-` },
  );
  return row?.n ?? 0;
}

/** graphinator, its password in a file. */
async function rotateNeo4j(): Promise<void> {
  const { neo4j } = sharedServers();
  const user = await stage.owned(graphAccount(first));
  const path = await stage.wayTo(neo4j?.uri ?? '', 7687);
  const service = await world.start('graphinator', {
    NEO4J_URI: `bolt://127.0.0.1:${path.port}`,
    NEO4J_USERNAME: user.username,
    NEO4J_PASSWORD: '',
    NEO4J_PASSWORD_FILE: stage.files.put('neo4j', first),
    DATA_TYPES: 'labels',
    NEO4J_BATCH_FLUSH_INTERVAL: '0.2',
  });
  await world.drained(service);
  const before = await nodes();
  await publish('labels', 10);
  await until(async () => (await nodes()) === before + 10, 'nodes with the first password');

  await user.setPassword(second);
  path.cut();
  await publish('labels', 10);
  await until(() => refusal(service, 'store-misconfigured', /Security/), 'the old password is refused');
  expect((await service.get('/readyz')).status).toBe(503);
  stage.files.put('neo4j', second);
  await until(async () => (await nodes()) === before + 20, 'nodes with the second password', 60_000);
  await world.drained(service);
  expect(await world.broker.letters(`${world.queue('graphinator', 'labels')}.dlq`)).toEqual([]);
  staysItself(service);
}

const graphinator = sideBySide({ rotateNeo4j });

describe('tableinator, its passwords in files', () => {
  let service: RunningService;
  let role: Account;
  let user: Account;
  let broker: Switch;
  let rabbitmqUrl: (password: string) => string;

  beforeAll(async () => {
    const servers = sharedServers();
    role = await stage.owned(postgresAccount(first));
    user = await stage.owned(brokerAccount(all, first));
    broker = await stage.wayTo(servers.rabbitmq, 5672);
    rabbitmqUrl = (password) => addressOf(servers.rabbitmq, { username: user.username, password, port: broker.port });
    await world.tables.query(`create schema "${world.schema}" authorization ${role.username}`);
    service = await world.start('tableinator', {
      RABBITMQ_URL: '',
      RABBITMQ_URL_FILE: stage.files.put('rabbitmq-url', rabbitmqUrl(first)),
      POSTGRES_URL: addressOf(servers.postgres ?? '', { username: role.username }),
      POSTGRES_PASSWORD_FILE: stage.files.put('postgres', first),
      DATA_TYPES: 'artists',
      POSTGRES_BATCH_FLUSH_INTERVAL: '0.2',
    });
    await world.drained(service);
    await publish('artists', 10);
    await until(async () => (await world.rows('artists')) === 10, 'rows with the first password');
  });

  it("goes on when PostgreSQL's password changes, without a restart", async () => {
    await role.setPassword(second);
    await world.tables.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [
      role.username,
    ]);
    await publish('artists', 10);
    await until(() => refusal(service, 'store-misconfigured', /28P01/), 'the old password is refused');
    expect((await service.get('/readyz')).status).toBe(503);
    expect(await world.rows('artists')).toBe(10);
    stage.files.put('postgres', second);
    await until(async () => (await world.rows('artists')) === 20, 'rows with the second password', 60_000);
    await world.drained(service);
    staysItself(service);
  });

  it("goes on when RabbitMQ's password changes inside the url, without a restart", async () => {
    await user.setPassword(second);
    broker.cut();
    await publish('artists', 10);
    await until(() => refusal(service, 'broker-refused', /403|ACCESS.REFUSED/i), 'the old password is refused');
    expect((await service.get('/readyz')).status).toBe(503);
    stage.files.put('rabbitmq-url', rabbitmqUrl(second));
    await until(async () => (await world.rows('artists')) === 30, 'rows with the second password', 60_000);
    await world.drained(service);
    staysItself(service);
  });

  it('goes on when both change at the same time, and their files before their servers', async () => {
    stage.files.put('postgres', third);
    stage.files.put('rabbitmq-url', rabbitmqUrl(third));
    await Promise.all([role.setPassword(third), user.setPassword(third)]);
    broker.cut();
    await world.tables.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [
      role.username,
    ]);
    await publish('artists', 10);
    await until(async () => (await world.rows('artists')) === 40, 'rows with the third password', 60_000);
    await world.drained(service);
    expect(await world.broker.letters(`${world.queue('tableinator', 'artists')}.dlq`)).toEqual([]);
    staysItself(service);
  });
});

describe('graphinator, its password in a file', () => {
  afterAll(() =>
    world.graph.query('match (a:Label) where a.id starts with $prefix detach delete a', {
      prefix: `${world.prefix}-`,
    }),
  );

  it("goes on when Neo4j's password changes, without a restart", () => graphinator.end('rotateNeo4j'));
});
