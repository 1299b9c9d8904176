/** doctor looks at what graphinator's constraints stand on, and at those types alone that the service consumes. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Graph, openGraph } from '../../../test/support/stores.ts';
import type { Finding } from '../src/doctor/finding.ts';
import { inator } from './support/command.ts';

const [uri, username, password] = ['URI', 'USERNAME', 'PASSWORD'].map(
  (name) => process.env[`TEST_NEO4J_${name}`] ?? '',
);
const server = { uri: uri ?? '', username: username ?? '', password: password ?? '' };
const own = `D${randomBytes(4).toString('hex')}`;
const [band, place] = [`${own}Band`, `${own}Place`];
let folder: string;
let graph: Graph;

beforeAll(() => {
  graph = openGraph(server.uri, server.username, server.password);
  folder = mkdtempSync(join(tmpdir(), 'inator-doctor-'));
  writeFileSync(
    join(folder, 'model.yaml'),
    `name: ${own.toLowerCase()}
types:
  bands: { key: id, graph: { label: ${band} } }
  places: { key: id, graph: { label: ${place} } }
`,
  );
});
afterAll(async () => {
  await graph.query(`match (n) where n:\`${band}\` or n:\`${place}\` detach delete n`);
  await graph.close();
  rmSync(folder, { recursive: true, force: true });
});

const examine = async (env: Readonly<Record<string, string>> = {}): Promise<readonly Finding[]> => {
  const { stdout } = await inator(['doctor', '--json', '--service', 'graphinator'], {
    env: {
      DOMAIN: join(folder, 'model.yaml'),
      // Nothing is asked of the broker here.
      RABBITMQ_URL: 'amqp://127.0.0.1:1',
      NEO4J_URI: server.uri,
      NEO4J_USERNAME: server.username,
      NEO4J_PASSWORD: server.password,
      ...env,
    },
  });
  return JSON.parse(stdout) as Finding[];
};
const constraints = (found: readonly Finding[]): readonly Finding[] =>
  found.filter(({ what }) => what.startsWith('constraint '));

describe('inator doctor --service graphinator', () => {
  it('says that a constraint cannot be made while two nodes share a value, and finds them', async () => {
    // Nodes without a value are in nobody's way.
    await graph.query(
      `create (:\`${band}\`), (:\`${band}\`), (:\`${place}\` {id: '1'}), (:\`${place}\` {id: '2'}), (:\`${place}\` {id: '2'})`,
    );
    const [first, second] = constraints(await examine());
    expect(first).toMatchObject({ is: 'warn', what: `constraint ${band}.id` });
    expect(second).toMatchObject({
      is: 'fail',
      what: `constraint ${place}.id`,
      says: 'does not exist, and cannot be made: 2 nodes share "2"',
    });
    const statement = /MATCH .* RETURN k, c/.exec(second?.next ?? '')?.[0] ?? '';
    expect(await graph.query(statement)).toEqual([{ k: '2', c: 2 }]);

    await graph.query(`match (n:\`${place}\` {id: '2'}) with n limit 1 delete n`);
    expect(constraints(await examine()).map(({ is }) => is)).toEqual(['warn', 'warn']);
  }, 60_000);

  it('looks at the labels of DATA_TYPES alone', async () => {
    expect(constraints(await examine({ DATA_TYPES: 'bands' })).map(({ what }) => what)).toEqual([
      `constraint ${band}.id`,
    ]);
    const both = [`constraint ${band}.id`, `constraint ${place}.id`];
    expect(constraints(await examine()).map(({ what }) => what)).toEqual(both);
    // One that cannot be read is a fault of the configuration, and hides nothing else.
    expect(constraints(await examine({ DATA_TYPES: 'none' })).map(({ what }) => what)).toEqual(both);
  }, 60_000);
});
