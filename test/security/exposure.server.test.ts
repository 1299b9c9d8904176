/**
 * What must not be seen: secrets anywhere, and values of records in logs, metrics, states and the reasons of letters. Both
 * services go through good and bad times with canaries in their passwords and in what they are sent.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNeo4j } from '@inator/neo4j';
import { type Proxy as Switch, until } from '@inator/testkit/hurt';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RunningService, ServiceName } from '../support/service.ts';
import { openWorld, sharedServers, type Type, type World } from '../support/world.ts';
import {
  type Account,
  addressOf,
  brokerAccount,
  graphAccount,
  postgresAccount,
  uniqueName,
} from './support/accounts.ts';
import { sideBySide } from './support/side-by-side.ts';
import { openStage, type Stage } from './support/stage.ts';

/** What is looked for; around it stand characters that urls and JSON write otherwise. */
const secret = 'zq4711qz';
const value = 'payload8812qx';
const password = `Pa/55 ${secret}%"\\@:#`;
const other = `other-${secret}`;
const all = { configure: '.*', write: '.*', read: '.*' };

let world: World;
let stage: Stage;
let dir: string;

beforeAll(async () => {
  world = await openWorld();
  stage = openStage();
  dir = mkdtempSync(join(tmpdir(), 'inator-exposure-'));
});
afterAll(async () => {
  await world.close();
  await stage.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Bodies that are refused, each with the canary where a careless message would quote it. */
const poisons: readonly (string | Buffer)[] = [
  `{"type":"data","id":"1","name":"${value}"`,
  `${value} is no JSON`,
  `["${value}"]`,
  `{"type":"data","id":{"${value}":"${value}"}}`,
  `{"type":"data","id":"2","name":"${value}\\u0000"}`,
  `{"type":"data","id":"3","name":"${value}\\ud800"}`,
  `{"type":"data","id":"4","${value}":1e131072}`,
  `{"type":"data","id":"5","${value}":${'['.repeat(150)}"${value}"${']'.repeat(150)}}`,
  Buffer.concat([Buffer.from(`{"type":"data","id":"6","name":"${value}`), Buffer.from([0xff, 0x22, 0x7d])]),
];
const good = (id: string, name = value): string => `{"type":"data","id":"${world.prefix}-${id}","name":"${name}"}`;

/** Everything that can be seen of a service from outside, now. */
async function look(service: RunningService): Promise<string[]> {
  const paths = ['/metrics', '/lanes', '/health', '/readyz', '/livez', '/startupz', '/version', `/${value}`];
  return Promise.all(paths.map(async (path) => (await fetch(service.url + path)).text()));
}

/** Why letters were written, and the seen headers of them. */
async function reasons(name: ServiceName, type: Type): Promise<{ readonly codes: unknown[]; readonly text: string }> {
  const letters = await world.broker.letters(`${world.queue(name, type)}.dlq`);
  const ours = letters.map(({ headers }) =>
    Object.entries(headers).filter(([header]) => header.startsWith('x-inator-')),
  );
  const all = JSON.stringify(letters.map(({ headers, messageId }) => [headers, messageId]));
  expect(all).not.toContain(secret);
  return { codes: letters.map(({ headers }) => headers['x-inator-code']).sort(), text: JSON.stringify(ours) };
}

const said = (service: RunningService, what: RegExp): boolean => service.lines.some((line) => what.test(line));

/** Goes through an outage and a changed password of store and broker, looking around in each. */
async function badTimes(
  service: RunningService,
  type: Type,
  ways: { readonly broker: Switch; readonly store: Switch },
  logins: { readonly broker: Account; readonly store: Account },
  refused: { readonly store: RegExp; readonly broker: RegExp },
): Promise<string[]> {
  const seen: string[] = [];
  await ways.store.refuse();
  await world.broker.publish(world.exchange(type), [good('held')]);
  await until(() => said(service, /ECONNREFUSED|Neo4j does not answer/), 'the store is away');
  seen.push(...(await look(service)));
  await ways.broker.refuse();
  await until(() => said(service, /broker-unreachable/), 'the broker is away');
  seen.push(...(await look(service)));

  await Promise.all([logins.store.setPassword(other), logins.broker.setPassword(other)]);
  await ways.store.open();
  await until(async () => {
    seen.push(...(await look(service)));
    return seen.some((text) => refused.store.test(text)) || said(service, refused.store);
  }, 'the store refuses the password');
  await ways.broker.open();
  await until(() => said(service, refused.broker), 'the broker refuses the password', 60_000);
  seen.push(...(await look(service)));

  await Promise.all([logins.store.setPassword(password), logins.broker.setPassword(password)]);
  await until(async () => (await service.get('/readyz')).status === 200, 'ready again', 60_000);
  await world.drained(service);
  return seen;
}

const label = uniqueName('Exposed');

/** tableinator, its log as JSON, its secrets in files. */
async function tables(): Promise<void> {
  const servers = sharedServers();
  const store = await stage.owned(postgresAccount(password));
  const broker = await stage.owned(brokerAccount(all, password));
  const ways = {
    broker: await stage.wayTo(servers.rabbitmq, 5672),
    store: await stage.wayTo(servers.postgres ?? '', 5432),
  };
  await world.tables.query(`create schema "${world.schema}" authorization ${store.username}`);
  const service = await world.start('tableinator', {
    RABBITMQ_URL: '',
    RABBITMQ_URL_FILE: stage.files.put(
      'rabbitmq',
      addressOf(servers.rabbitmq, { username: broker.username, password, port: ways.broker.port }),
    ),
    POSTGRES_URL: addressOf(servers.postgres ?? '', { username: store.username, port: ways.store.port }),
    POSTGRES_PASSWORD_FILE: stage.files.put('postgres', password),
    DATA_TYPES: 'labels',
    LOG_LEVEL: 'debug',
    POSTGRES_BATCH_FLUSH_INTERVAL: '0.2',
  });
  await world.drained(service);
  await world.tables.query(
    `alter table "${world.schema}".labels add constraint no_ninth check (data->>'name' <> 'ninth ${value}')`,
  );
  await world.broker.publish(world.exchange('labels'), [
    good('first'),
    ...poisons,
    good('ninth', `ninth ${value}`),
    good('last'),
  ]);
  await world.broker.publish(world.exchange('labels'), [good('seq')], () => ({ 'x-seq': value }));
  await world.drained(service);
  const seen = await look(service);
  const { codes, text } = await reasons('tableinator', 'labels');
  expect(codes).toHaveLength(poisons.length + 2);
  expect(codes).toEqual(expect.arrayContaining(['constraint-refused', 'json-invalid', 'key-invalid', 'seq-invalid']));
  expect(text).toContain('no_ninth');
  expect(text).not.toContain(value);

  // A trigger chooses its own words and its own SQLSTATE, here one whose message is usually the server's.
  await world.tables.query(
    `create function "${world.schema}".talk() returns trigger language plpgsql as
     $$ begin raise exception 'no right for %', new.data->>'name' using errcode = '42501'; end $$`,
  );
  await world.tables.query(
    `create trigger talk before insert on "${world.schema}".labels for each row execute function "${world.schema}".talk()`,
  );
  await world.broker.publish(world.exchange('labels'), [good('triggered')]);
  await until(() => said(service, /"event":"batch\.held".*42501/), 'the trigger holds the batch');
  seen.push(...(await look(service)));
  await world.tables.query(`drop trigger talk on "${world.schema}".labels`);
  await world.drained(service);

  seen.push(
    ...(await badTimes(service, 'labels', ways, { store, broker }, { store: /28P01/, broker: /ACCESS.REFUSED/ })),
  );
  expect(await world.rows('labels')).toBe(4);
  expect(await service.stop()).toBe(0);
  expect(said(service, /23514/)).toBe(true);
  const everything = [...seen, ...service.lines].join('\n');
  expect(everything).not.toContain(secret);
  expect(everything).not.toContain(value);
}

/** graphinator, its log as text, its secrets in variables. */
async function graphs(): Promise<void> {
  const servers = sharedServers();
  const store = await stage.owned(graphAccount(password));
  const broker = await stage.owned(brokerAccount(all, password));
  const ways = {
    broker: await stage.wayTo(servers.rabbitmq, 5672),
    store: await stage.wayTo(servers.neo4j?.uri ?? '', 7687),
  };
  const model = join(dir, 'exposed.yaml');
  writeFileSync(
    model,
    `name: exposed\ntypes:\n  artists:\n    key: id\n    graph: { label: ${label}, properties: { name: text } }\n`,
  );
  const service = await world.start('graphinator', {
    DOMAIN: model,
    RABBITMQ_URL: addressOf(servers.rabbitmq, { username: broker.username, password, port: ways.broker.port }),
    NEO4J_URI: `bolt://127.0.0.1:${ways.store.port}`,
    NEO4J_USERNAME: store.username,
    NEO4J_PASSWORD: password,
    LOG_LEVEL: 'debug',
    LOG_FORMAT: 'text',
    NEO4J_BATCH_FLUSH_INTERVAL: '0.2',
  });
  await world.drained(service);
  await world.graph.query(`create constraint ${label}_name for (n:${label}) require n.name is unique`);
  await world.broker.publish(world.exchange('artists'), [
    good('first', `one ${value}`),
    ...poisons,
    // The server's message about the first quotes the name, about the second the whole text.
    good('ninth', `one ${value}`),
    good('long', `${value} `.repeat(5_000)),
    good('last', `two ${value}`),
  ]);
  await world.drained(service);
  const seen = await look(service);
  const { codes, text } = await reasons('graphinator', 'artists');
  expect(codes).toHaveLength(poisons.length + 2);
  expect(codes).toEqual(expect.arrayContaining(['constraint-refused', 'limit-refused']));
  expect(text).not.toContain(value);

  seen.push(
    ...(await badTimes(
      service,
      'artists',
      ways,
      { store, broker },
      { store: /refuses user name or password|Security\./, broker: /ACCESS.REFUSED/ },
    )),
  );
  expect(await service.stop()).toBe(0);
  expect(said(service, /Batch held .*code=store-/)).toBe(true);
  const everything = [...seen, ...service.lines].join('\n');
  expect(everything).not.toContain(secret);
  expect(everything).not.toContain(value);
}

describe('in good and bad times', () => {
  const services = sideBySide({ tables, graphs });
  beforeAll(() => services.start());
  afterAll(async () => {
    await world.graph.query(`drop constraint ${label}_name if exists`);
    await world.graph.query(`match (n:${label}) detach delete n`);
    const constraints = await world.graph.query<{ name: string }>(
      'show constraints yield name, labelsOrTypes where $label in labelsOrTypes return name',
      { label },
    );
    for (const { name } of constraints) await world.graph.query(`drop constraint \`${name}\``);
  });

  it('tableinator shows no secret anywhere, and no value of a record but in rows and letters', () =>
    services.end('tables'));

  it('graphinator shows no secret anywhere, and no value of a record but in nodes and letters', () =>
    services.end('graphs'));
});

it('a type error of Neo4j, whose message quotes the value, is told without it', async () => {
  const { neo4j: server } = sharedServers();
  const neo4j = createNeo4j({
    uri: server?.uri ?? '',
    username: server?.username,
    password: () => server?.password ?? '',
  });
  const transaction = await neo4j.begin();
  const thrown: unknown = await transaction
    .run(`create (n:${label} {v: $v})`, { v: { [value]: value } })
    .catch((error: unknown) => error);
  await transaction.rollback();
  await neo4j.close();
  const { fault, cause } = thrown as { readonly fault: object; readonly cause: Error };
  expect(cause.message).toContain(value);
  expect(fault).toMatchObject({ code: 'value-refused', native: 'Neo.ClientError.Statement.TypeError' });
  expect(JSON.stringify(fault)).not.toContain(value);
});
