/** doctor judges one service by what that service needs, and a table by what its sink would say of it. */
import { until } from '@inator/testkit/hurt';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Account, addressOf, brokerAccount, postgresAccount } from '../../../test/security/support/accounts.ts';
import { guideBlock } from '../../../test/security/support/guide.ts';
import { openWorld, type World } from '../../../test/support/world.ts';
import type { Finding } from '../src/doctor/finding.ts';
import { inator } from './support/command.ts';

const rabbitmq = process.env.TEST_RABBITMQ_URL ?? '';
const postgres = process.env.TEST_POSTGRES_URL ?? '';
const password = 'doctor-of-one-4711';
let world: World;
let user: Account;

/** What the security guide grants to tableinator's user, for this world's names. */
function permissions(): { readonly configure: string; readonly write: string; readonly read: string } {
  const line = guideBlock('the broker: tableinator').split('\n');
  const granted = line.find((each) => each.includes('set_permissions')) ?? '';
  const [configure = '', write = '', read = ''] = [...granted.matchAll(/'([^']*)'/g)].map(([, regex = '']) =>
    regex.replaceAll('discogs', world.prefix),
  );
  return { configure, write, read };
}

beforeAll(async () => {
  world = await openWorld({ rabbitmq, postgres });
  user = await brokerAccount(permissions(), password);
  const service = await world.start('tableinator');
  await until(async () => (await service.get('/readyz')).status === 200, 'ready');
}, 90_000);
afterAll(async () => {
  await world.close();
  await user.remove();
}, 60_000);

const examine = async (
  ...flags: string[]
): Promise<{ readonly code: number; readonly found: readonly Finding[]; readonly all: string }> => {
  const { code, stdout } = await inator(['doctor', '--json', ...flags], {
    env: {
      RABBITMQ_URL: addressOf(rabbitmq, { username: user.username, password }),
      RABBITMQ_PASSIVE: 'true',
      RABBITMQ_MANAGEMENT_URL: process.env.TEST_RABBITMQ_MANAGEMENT_URL ?? '',
      RABBITMQ_EXCHANGE_PREFIX: world.prefix,
      POSTGRES_URL: postgres,
      POSTGRES_SCHEMA: world.schema,
    },
  });
  return { code, found: JSON.parse(stdout) as Finding[], all: stdout };
};
/** With one service's environment changed, and nothing of what other examinations need. */
const examineWith = async (env: Readonly<Record<string, string>>): Promise<readonly Finding[]> => {
  const { stdout } = await inator(['doctor', '--json', '--service', 'tableinator'], {
    env: { RABBITMQ_URL: rabbitmq, RABBITMQ_EXCHANGE_PREFIX: world.prefix, POSTGRES_SCHEMA: world.schema, ...env },
  });
  return JSON.parse(stdout) as Finding[];
};
const about = (found: readonly Finding[], what: string): Finding | undefined =>
  found.find((finding) => finding.what === what);

describe('inator doctor --service tableinator', () => {
  it('finds nothing wrong with the rights of the security guide, and looks at nothing of graphinator', async () => {
    const { code, found, all } = await examine('--service', 'tableinator');
    expect(found.filter(({ is }) => is === 'fail')).toEqual([]);
    expect(code).toBe(0);
    expect(about(found, 'rights at RabbitMQ')).toMatchObject({
      is: 'ok',
      says: `${user.username} may do what tableinator needs`,
    });
    expect(all).not.toContain('graphinator');
  }, 30_000);

  it.each([
    ['drop seq', 'add seq bigint', 'has no column "seq"', 'ADD "seq" bigint'],
    [
      'alter created_at drop default',
      'alter created_at set default now()',
      'column "created_at"',
      'ALTER "created_at" SET DEFAULT',
    ],
    ['alter seq set not null', 'alter seq drop not null', 'column "seq"', 'ALTER "seq" DROP NOT NULL'],
    ['alter hash type bytea using null', "alter hash type varchar using ''", 'column "hash"', 'alter it'],
  ])(
    'finds a table with %s, as its sink would',
    async (change, back, says, next) => {
      const table = `"${world.schema}"."masters"`;
      await world.tables.query(`alter table ${table} ${change}`);
      try {
        const { code, found } = await examine('--service', 'tableinator');
        expect(code).toBe(1);
        expect(about(found, `table ${world.schema}.masters`)).toEqual({
          is: 'fail',
          what: `table ${world.schema}.masters`,
          says: expect.stringContaining(says),
          next: expect.stringContaining(next),
        });
      } finally {
        await world.tables.query(`alter table ${table} ${back}`);
      }
    },
    30_000,
  );
});

describe('inator doctor --service with DATA_TYPES', () => {
  it('speaks of the queues and the tables of those types alone', async () => {
    const fresh = `${world.prefix}x`;
    const env = { POSTGRES_URL: postgres, POSTGRES_SCHEMA: fresh, RABBITMQ_EXCHANGE_PREFIX: fresh };
    const looked = async (more: Readonly<Record<string, string>>) =>
      (await examineWith({ ...env, ...more })).map(({ what }) => what).filter((what) => /^(queue|table) /.test(what));
    expect(await looked({ DATA_TYPES: 'labels' })).toEqual([
      `queue tableinator-${fresh}-labels`,
      `table ${fresh}.labels`,
    ]);
    expect(await looked({})).toHaveLength(8);
  }, 30_000);
});

describe('inator doctor with PURGE_MODE', () => {
  it('finds what the bookkeeping of a purge lacks, and what it says to grant is enough', async () => {
    const role = await postgresAccount(password);
    const schema = `"${world.schema}"`;
    const what = `purge of ${world.schema}.masters`;
    const env = { POSTGRES_URL: addressOf(postgres, { username: role.username, password }) };
    const purge = async (mode: string) => about(await examineWith({ ...env, PURGE_MODE: mode }), what);
    const follow = async (finding: Finding | undefined): Promise<void> => {
      expect(finding?.is).toBe('fail');
      await world.tables.query(finding?.next ?? '');
    };
    try {
      await world.tables.query(
        `grant usage on schema ${schema} to ${role.username};
         grant select, insert, update on all tables in schema ${schema} to ${role.username}`,
      );
      expect(await purge('off')).toBeUndefined();
      const first = await purge('report');
      expect(first?.says).toContain('inator_seen_masters');
      expect(first?.next).toBe(`GRANT CREATE ON SCHEMA ${schema} TO "${role.username}"`);
      await follow(first);
      expect(await purge('report')).toMatchObject({ is: 'warn', says: 'its bookkeeping does not exist yet' });

      // Made by somebody else, as in a place where services may create nothing.
      const service = await world.start('tableinator', { PURGE_MODE: 'report' });
      await until(async () => (await service.get('/readyz')).status === 200, 'ready');
      await service.stop();
      const second = await purge('purge');
      expect(second?.says).toContain(`TRUNCATE on ${schema}."inator_seen_masters"`);
      expect(second?.next).toContain(`GRANT DELETE ON ${schema}."masters" TO "${role.username}"`);
      await follow(second);
      expect(await purge('purge')).toMatchObject({ is: 'ok' });
    } finally {
      await role.remove();
    }
  }, 60_000);
});
